package chat.core.compose

import androidx.compose.foundation.layout.Box
import androidx.compose.foundation.layout.size
import androidx.compose.foundation.shape.CircleShape
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Surface
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.draw.clip
import androidx.compose.ui.graphics.Color
import androidx.compose.ui.semantics.clearAndSetSemantics
import androidx.compose.ui.unit.Dp

/** A person's, or a room's, initial in a circle of its own colour. */
@Composable
internal fun Initial(name: String, size: Dp) {
    Box(
        modifier = Modifier.size(size).clip(CircleShape).clearAndSetSemantics {},
        contentAlignment = Alignment.Center
    ) {
        Surface(Modifier.matchParentSize(), color = initialColor(name)) {}
        Text(
            text = name.take(name.offsetByCodePoints(0, minOf(1, name.length))).uppercase(),
            color = Color.White,
            style = MaterialTheme.typography.titleSmall
        )
    }
}

/** The same name, the same colour, in either theme. */
private fun initialColor(name: String): Color {
    // Java's own hash of short names differs in its low bits only; this spreads them.
    val spread = name.hashCode() * SPREAD ushr 16
    return InitialColors[spread % InitialColors.size]
}

/** 2³² divided by the golden ratio: Knuth's multiplicative hash. */
private const val SPREAD = -0x61c88647

private val InitialColors = listOf(
    Color(0xFF8A5AC2),
    Color(0xFF2E8B7A),
    Color(0xFFC2604A),
    Color(0xFF4A7BC2),
    Color(0xFFB0557F),
    Color(0xFF7A8431)
)
