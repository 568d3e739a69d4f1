package chat.core

/** A line of the chat screen. */
public sealed interface ChatRow {
    /** Its identity: no two rows of a list share one, and a row keeps it for as long as it is shown. */
    public val key: String

    /** Above the first message of a day: "2024년 8월 7일". */
    public data class DateSeparator(override val key: String, public val label: String) : ChatRow

    /**
     * Between two messages that others lie between: they are being fetched, and what stands above and below is not
     * one conversation until then.
     *
     * @property missing How many they are.
     */
    public data class Gap(override val key: String, public val missing: Long) : ChatRow

    /**
     * Above the first message that the user had not read when the screen was opened. It stays where it is while they
     * read.
     *
     * @property count How many there were.
     */
    public data class UnreadLine(override val key: String, public val count: Int) : ChatRow

    /**
     * A message.
     *
     * @property message What was said.
     * @property time When, for the user to read: "오전 10:30".
     * @property opensRun Whether it is the first of one sender's messages in a row: the place for the name.
     * @property closesRun Whether it is the last one of its sender within its minute: the place for the time. A day's
     *   end, a gap and the unread line end both.
     */
    public data class Message(
        public val message: chat.core.Message,
        public val time: String,
        public val opensRun: Boolean,
        public val closesRun: Boolean
    ) : ChatRow {
        // Kept, not made at each look: a list looks at hundreds of them at every change.
        override val key: String = "m${message.key}"
    }
}

/**
 * Where the unread line is to be.
 *
 * @property after The number of the last message that was read; 0 when none was.
 * @property count How many messages of others there were after it.
 */
public data class UnreadMark(public val after: Long, public val count: Int)
