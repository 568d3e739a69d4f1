package chat.core

import java.text.Normalizer

/**
 * What may be said: the server's rule, for a screen that wants to count and to refuse before it asks.
 *
 * A text is trimmed of Unicode white space, composed (NFC), and then holds 1 to [MAX_LENGTH] Unicode scalar values,
 * none of them U+0000. That is not what `String` measures: an emoji is one or more scalar values and twice as many
 * UTF-16 units, some keyboards and file names spell one Hangul syllable as three letters, and Kotlin's `isBlank`
 * knows other white space than Unicode does.
 */
public object MessageText {
    /** The most Unicode scalar values of one message. */
    public const val MAX_LENGTH: Int = 4_000

    /** The Unicode scalar values of [text] as it would be sent: without the white space around it, and composed. */
    public fun length(text: CharSequence): Int {
        val trimmed = trimmed(text)
        // Nothing below U+0300 combines: what most drafts are made of is its own NFC, and one unit each.
        if (trimmed.all { it < '\u0300' }) return trimmed.length
        val composed = Normalizer.normalize(trimmed, Normalizer.Form.NFC)
        return composed.codePointCount(0, composed.length)
    }

    /** Whether [text] would be taken: neither blank nor too long, and without U+0000 or half a surrogate pair. */
    public fun isSendable(text: CharSequence): Boolean =
        length(text) in 1..MAX_LENGTH && trimmed(text).codePoints().noneMatch { it == 0 || it in 0xD800..0xDFFF }

    /**
     * What stays in a text box that held [draft] once [sent] is on its way: everything that was typed after it. A
     * draft that was changed in the middle stays whole, because taking something out of it would be a guess.
     */
    public fun remainder(draft: String, sent: String): String = draft.removePrefix(sent)

    /** [text] as it would be sent and shown: without the white space around it, and composed. */
    public fun normalized(text: CharSequence): String = Normalizer.normalize(trimmed(text), Normalizer.Form.NFC)

    private fun trimmed(text: CharSequence): CharSequence = text.trim { it.isUnicodeWhiteSpace() }

    /** The `White_Space` property of Unicode; all of it lies within the basic plane. */
    private fun Char.isUnicodeWhiteSpace(): Boolean = when (this) {
        in '\u0009'..'\u000D', ' ', '\u0085', '\u00A0', '\u1680', in '\u2000'..'\u200A' -> true
        '\u2028', '\u2029', '\u202F', '\u205F', '\u3000' -> true
        else -> false
    }
}
