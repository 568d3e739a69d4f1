package chat.core.compose

import androidx.compose.runtime.Composable
import androidx.compose.runtime.remember
import androidx.compose.ui.text.AnnotatedString
import androidx.compose.ui.text.LinkAnnotation
import androidx.compose.ui.text.SpanStyle
import androidx.compose.ui.text.TextLinkStyles
import androidx.compose.ui.text.buildAnnotatedString
import androidx.compose.ui.text.style.TextDecoration

/** [text] with its addresses to be tapped. */
@Composable
internal fun linked(text: String): AnnotatedString = remember(text) {
    buildAnnotatedString {
        append(text)
        for (range in links(text)) {
            addLink(LinkAnnotation.Url(text.substring(range), Underlined), range.first, range.last + 1)
        }
    }
}

/** The colour is the bubble's: no other one can be read on each of them. */
private val Underlined = TextLinkStyles(SpanStyle(textDecoration = TextDecoration.Underline))

/**
 * Where addresses of the web are in [text]: with their `http://` or `https://`, so that what opens is what one reads
 * and nothing opens an app by a scheme of its own. What closes a sentence or a bracket is none of the address.
 */
internal fun links(text: String): List<IntRange> {
    if ("://" !in text) return emptyList()
    return Address.findAll(text).mapNotNull { match ->
        val end = match.range.first + match.value.withoutClosing().length
        (match.range.first until end).takeIf { end > match.range.first + match.groupValues[1].length }
    }.toList()
}

/**
 * What an address may not hold are spaces, quotes, and the invisible characters that turn the direction of writing,
 * which can make one address look like another.
 */
private val Address =
    Regex(
        """(?<![\p{L}\p{N}])(https?://)[^\s<>"'“”‘’「」『』〈〉《》\u200E\u200F\u202A-\u202E\u2066-\u2069]+""",
        RegexOption.IGNORE_CASE
    )

private fun String.withoutClosing(): String {
    var end = length
    while (end > 0) {
        val last = this[end - 1]
        val isClosing = last in ".,;:!?…。、，！？*_~" || (last in ")]}）" && !isBalanced(end, last))
        if (!isClosing) break
        end--
    }
    return substring(0, end)
}

/** Whether the bracket that ends the first [end] characters was opened among them: `…/Seoul_(city)`. */
private fun String.isBalanced(end: Int, closing: Char): Boolean {
    val opening = when (closing) {
        ')' -> '('
        ']' -> '['
        '}' -> '{'
        else -> '（'
    }
    val inside = subSequence(0, end)
    return inside.count { it == opening } >= inside.count { it == closing }
}
