package chat.core

/**
 * What may be said: the server's rule, for a screen that wants to count and to refuse before it asks.
 *
 * A text is trimmed of Unicode white space and then holds 1 to [MAX_LENGTH] Unicode scalar values. Neither is what
 * `String` measures: an emoji is one or more scalar values and twice as many UTF-16 units, and Kotlin's `isBlank`
 * knows other white space than Unicode does.
 */
public object MessageText {
    /** The most Unicode scalar values of one message. */
    public const val MAX_LENGTH: Int = 4_000

    /** The Unicode scalar values of [text] that would be sent: without the white space around it. */
    public fun length(text: CharSequence): Int {
        val start = text.indexOfFirst { !it.isUnicodeWhiteSpace() }
        if (start < 0) return 0
        val end = text.indexOfLast { !it.isUnicodeWhiteSpace() } + 1
        return Character.codePointCount(text, start, end)
    }

    /** Whether [text] is neither blank nor too long. */
    public fun isSendable(text: CharSequence): Boolean = length(text) in 1..MAX_LENGTH

    /**
     * What stays in a text box that held [draft] once [sent] is on its way: everything that was typed after it. A
     * draft that was changed in the middle stays whole, because taking something out of it would be a guess.
     */
    public fun remainder(draft: String, sent: String): String = draft.removePrefix(sent)

    /** The `White_Space` property of Unicode; all of it lies within the basic plane. */
    private fun Char.isUnicodeWhiteSpace(): Boolean = when (this) {
        in '\u0009'..'\u000D', ' ', '\u0085', '\u00A0', '\u1680', in '\u2000'..'\u200A' -> true
        '\u2028', '\u2029', '\u202F', '\u205F', '\u3000' -> true
        else -> false
    }
}
