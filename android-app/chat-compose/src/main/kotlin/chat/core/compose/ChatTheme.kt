package chat.core.compose

import androidx.compose.foundation.isSystemInDarkTheme
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Typography
import androidx.compose.material3.darkColorScheme
import androidx.compose.material3.lightColorScheme
import androidx.compose.runtime.Composable
import androidx.compose.ui.graphics.Color
import androidx.compose.ui.unit.sp

private val Light = lightColorScheme(
    primary = Color(0xFF3558C8),
    onPrimary = Color(0xFFFFFFFF),
    primaryContainer = Color(0xFFDDE3FF),
    onPrimaryContainer = Color(0xFF00164F),
    secondaryContainer = Color(0xFFE0E4F4),
    onSecondaryContainer = Color(0xFF191C2A),
    tertiary = Color(0xFF2E7D5B),
    background = Color(0xFFFAFAFF),
    onBackground = Color(0xFF1A1B21),
    surface = Color(0xFFFAFAFF),
    onSurface = Color(0xFF1A1B21),
    onSurfaceVariant = Color(0xFF5A5E6E),
    surfaceContainerLow = Color(0xFFF3F4FB),
    surfaceContainer = Color(0xFFEEF0F8),
    surfaceContainerHigh = Color(0xFFE9EBF4),
    surfaceContainerHighest = Color(0xFFE3E5EF),
    outline = Color(0xFF777B8C),
    outlineVariant = Color(0xFFDADDE8),
    error = Color(0xFFBA1A1A),
    errorContainer = Color(0xFFFFDAD6),
    onErrorContainer = Color(0xFF410002)
)

private val Dark = darkColorScheme(
    primary = Color(0xFF4F6FDB),
    onPrimary = Color(0xFFFFFFFF),
    primaryContainer = Color(0xFF283C7D),
    onPrimaryContainer = Color(0xFFDDE3FF),
    secondaryContainer = Color(0xFF2D3142),
    onSecondaryContainer = Color(0xFFE0E4F4),
    tertiary = Color(0xFF6FD3A5),
    background = Color(0xFF101218),
    onBackground = Color(0xFFE4E5EC),
    surface = Color(0xFF101218),
    onSurface = Color(0xFFE4E5EC),
    onSurfaceVariant = Color(0xFFA4A8B8),
    surfaceContainerLow = Color(0xFF171920),
    surfaceContainer = Color(0xFF1C1F28),
    surfaceContainerHigh = Color(0xFF252934),
    surfaceContainerHighest = Color(0xFF303440),
    outline = Color(0xFF8D91A1),
    outlineVariant = Color(0xFF353946),
    error = Color(0xFFFFB4AB),
    errorContainer = Color(0xFF5C1512),
    onErrorContainer = Color(0xFFFFDAD6)
)

/** Material's default spacing of body text is too wide for Hangul. */
private val Tight = Typography().run { copy(bodyLarge = bodyLarge.copy(letterSpacing = 0.1.sp)) }

/** The colours of a chat for an app that has none of its own, light or dark as the system is. */
@Composable
public fun ChatTheme(dark: Boolean = isSystemInDarkTheme(), content: @Composable () -> Unit) {
    MaterialTheme(colorScheme = if (dark) Dark else Light, typography = Tight, content = content)
}
