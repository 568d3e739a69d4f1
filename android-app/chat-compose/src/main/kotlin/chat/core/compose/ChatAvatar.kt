package chat.core.compose

import android.icu.text.BreakIterator
import androidx.compose.foundation.background
import androidx.compose.foundation.layout.Box
import androidx.compose.foundation.layout.size
import androidx.compose.foundation.shape.CircleShape
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.runtime.remember
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.draw.clip
import androidx.compose.ui.graphics.Color
import androidx.compose.ui.platform.LocalDensity
import androidx.compose.ui.semantics.clearAndSetSemantics
import androidx.compose.ui.unit.Dp
import androidx.compose.ui.unit.dp
import java.util.Locale

/**
 * The initial of [name], a person's or a room's, on a colour that is always the same for [id]. It says nothing to a
 * screen reader.
 */
@Composable
public fun ChatAvatar(id: String, name: String, modifier: Modifier = Modifier, size: Dp = AVATAR) {
    Box(
        modifier = modifier
            .size(size)
            .clip(CircleShape)
            .background(avatarColor(id))
            .clearAndSetSemantics {},
        contentAlignment = Alignment.Center
    ) {
        Text(
            text = remember(name) { initial(name) },
            color = Color.White,
            maxLines = 1,
            // A picture, not a text to read: it does not grow with the letters of the phone, or it would not fit.
            style = with(LocalDensity.current) {
                MaterialTheme.typography.titleSmall.copy(
                    fontSize = (size * LETTER).toSp(),
                    lineHeight = (size * LINE).toSp()
                )
            }
        )
    }
}

/** How wide and high the avatar of a message is. */
internal val AVATAR = 36.dp

/** How high the letter is, and its line, for each dp of the circle. */
private const val LETTER = 0.4f
private const val LINE = 0.56f

/**
 * The first letter of [name] as people see letters: a flag, a family of emoji, a Hangul syllable in its parts and a
 * letter with its accents are each one.
 */
internal fun initial(name: String): String {
    val visible = name.dropWhile { it.isWhitespace() || it.category == CharCategory.FORMAT }
    val letters = BreakIterator.getCharacterInstance(Locale.ROOT).apply { setText(visible) }
    val end = letters.next()
    if (end == BreakIterator.DONE) return "?"
    return visible.substring(0, end).uppercase(Locale.ROOT)
}

/** The same name, the same colour, in either theme. */
private fun avatarColor(id: String): Color {
    // Java's own hash of short names differs in its low bits only; this spreads them.
    val spread = id.hashCode() * SPREAD ushr 16
    return AvatarColors[spread % AvatarColors.size]
}

/** 2³² divided by the golden ratio: Knuth's multiplicative hash. */
private const val SPREAD = -0x61c88647

/** White letters can be read on each: 4.5 to 1 at least. */
internal val AvatarColors = listOf(
    Color(0xFF8A5AC2),
    Color(0xFF23796B),
    Color(0xFFB4523C),
    Color(0xFF3F70B5),
    Color(0xFFB0557F),
    Color(0xFF6A7329)
)
