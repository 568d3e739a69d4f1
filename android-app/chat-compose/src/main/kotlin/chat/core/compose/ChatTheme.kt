package chat.core.compose

import android.content.Context
import android.os.Build
import androidx.annotation.RequiresApi
import androidx.compose.foundation.isSystemInDarkTheme
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Typography
import androidx.compose.material3.darkColorScheme
import androidx.compose.material3.dynamicDarkColorScheme
import androidx.compose.material3.dynamicLightColorScheme
import androidx.compose.material3.lightColorScheme
import androidx.compose.runtime.Composable
import androidx.compose.ui.graphics.Color
import androidx.compose.ui.platform.LocalContext
import androidx.compose.ui.unit.sp

internal val Light = lightColorScheme(
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

internal val Dark = darkColorScheme(
    primary = Color(0xFFB3C3FF),
    onPrimary = Color(0xFF0B2A7A),
    primaryContainer = Color(0xFF3A57BD),
    onPrimaryContainer = Color(0xFFFFFFFF),
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
    onError = Color(0xFF690005),
    errorContainer = Color(0xFF5C1512),
    onErrorContainer = Color(0xFFFFDAD6)
)

/** Material's default spacing of body text is too wide for Hangul. */
private val Tight = Typography().run { copy(bodyLarge = bodyLarge.copy(letterSpacing = 0.1.sp)) }

/**
 * The colours of a chat for an app that has none of its own. One that has wraps the screen in its own `MaterialTheme`.
 *
 * @param dark Whether it is light on dark: by default as the system is.
 * @param dynamicColor Whether the colours are those of the user's wallpaper, on Android 12 and later. Off unless asked
 *   for: the pictures in an app's documents and its tests are then those of every phone.
 */
@Composable
public fun ChatTheme(
    dark: Boolean = isSystemInDarkTheme(),
    dynamicColor: Boolean = false,
    content: @Composable () -> Unit
) {
    val colors = when {
        dynamicColor && Build.VERSION.SDK_INT >= Build.VERSION_CODES.S -> dynamicColors(LocalContext.current, dark)
        dark -> Dark
        else -> Light
    }
    MaterialTheme(colorScheme = colors, typography = Tight, content = content)
}

@RequiresApi(Build.VERSION_CODES.S)
private fun dynamicColors(context: Context, dark: Boolean) =
    if (dark) dynamicDarkColorScheme(context) else dynamicLightColorScheme(context)
