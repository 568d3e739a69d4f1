package chat.core.compose

import androidx.compose.foundation.clickable
import androidx.compose.foundation.layout.heightIn
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.shape.RoundedCornerShape
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.remember
import androidx.compose.runtime.saveable.rememberSaveable
import androidx.compose.runtime.setValue
import androidx.compose.ui.Modifier
import androidx.compose.ui.draw.clip
import androidx.compose.ui.layout.SubcomposeLayout
import androidx.compose.ui.res.stringResource
import androidx.compose.ui.text.AnnotatedString
import androidx.compose.ui.text.TextStyle
import androidx.compose.ui.text.font.FontWeight
import androidx.compose.ui.text.style.LineBreak
import androidx.compose.ui.text.style.TextDirection
import androidx.compose.ui.text.style.TextOverflow
import androidx.compose.ui.unit.dp

/**
 * Ten lines, then the rest on demand. Whether there is more is known when the text has been measured, and the button
 * takes its place in that same measurement: a row never grows after it was shown.
 */
@Composable
internal fun BubbleText(key: Long, text: String) {
    var isExpanded by rememberSaveable(key) { mutableStateOf(false) }
    if (text.length < SURELY_SHORT && text.count { it == '\n' } < COLLAPSED_LINES) return Words(linked(text), false) {}
    val fold = remember(text) { Fold() }
    SubcomposeLayout { constraints ->
        val words = subcompose(Part.WORDS) {
            Words(linked(text), isExpanded) { fold.isNeeded = it }
        }.single().measure(constraints)
        // Not composed where it is not needed, or a screen reader would find it there all the same.
        val button = if (!fold.isNeeded) {
            null
        } else {
            subcompose(Part.BUTTON) {
                FoldButton(isExpanded) { isExpanded = !isExpanded }
            }.single().measure(constraints.copy(minWidth = 0, minHeight = 0))
        }
        layout(
            width = maxOf(words.width, button?.width ?: 0),
            height = words.height + (button?.height ?: 0)
        ) {
            words.placeRelative(0, 0)
            button?.placeRelative(0, words.height)
        }
    }
}

private enum class Part { WORDS, BUTTON }

/** Written and read within one measurement: no state, or it would cost another one. */
private class Fold(var isNeeded: Boolean = false)

/** After so many lines a bubble folds. */
private const val COLLAPSED_LINES = 10

/** Four letters go into a line of the narrowest bubble. */
private const val SURELY_SHORT = 4 * COLLAPSED_LINES

@Composable
private fun Words(text: AnnotatedString, isExpanded: Boolean, onMeasured: (isLong: Boolean) -> Unit) {
    Text(
        text = text,
        maxLines = if (isExpanded) Int.MAX_VALUE else COLLAPSED_LINES,
        overflow = TextOverflow.Ellipsis,
        // Whether or not they are unfolded now: they may have been before they were scrolled away.
        onTextLayout = { onMeasured(it.hasVisualOverflow || it.lineCount > COLLAPSED_LINES) },
        // The text's own direction: Arabic reads from the right in a left-to-right app too.
        style = MaterialTheme.typography.bodyLarge.copy(textDirection = TextDirection.Content).byPhrases()
    )
}

/** Korean and Japanese lines break between phrases, as people write them, and not inside a word. */
internal fun TextStyle.byPhrases(): TextStyle =
    copy(lineBreak = LineBreak.Paragraph.copy(wordBreak = LineBreak.WordBreak.Phrase))

@Composable
private fun FoldButton(isExpanded: Boolean, onClick: () -> Unit) {
    Text(
        text = stringResource(if (isExpanded) R.string.chat_less else R.string.chat_more),
        modifier = Modifier
            .clip(RoundedCornerShape(8.dp))
            .clickable(onClick = onClick)
            .heightIn(min = 48.dp)
            .padding(vertical = 14.dp),
        style = MaterialTheme.typography.labelLarge,
        fontWeight = FontWeight.Bold
    )
}
