package chat.core

import chat.core.internal.RowMemory
import java.time.Instant
import java.time.ZoneId
import java.util.Locale
import org.junit.Assert.assertEquals
import org.junit.Test

/** `List<Message>` to `List<ChatRow>`: days, times and identities, without a device. */
class ChatRowsTest {
    private val seoul = ChatFormats(Locale.KOREA, ZoneId.of("Asia/Seoul"), "a h:mm")
    private val newYork = ChatFormats(Locale.US, ZoneId.of("America/New_York"), "h:mm a")
    private var lastKey = 0L

    private fun message(at: String, sender: String = "bob", key: Long = ++lastKey) =
        Message(MessageKey(key), key, sender, sender == "alice", "text", Instant.parse(at))

    private fun rows(vararg messages: Message, formats: ChatFormats = seoul) = chatRows(messages.toList(), formats)

    private fun List<ChatRow>.dates() = filterIsInstance<ChatRow.DateSeparator>().map { it.label }

    private fun List<ChatRow>.messages() = filterIsInstance<ChatRow.Message>()

    @Test
    fun `a Korean reads the day and the time in Korean`() {
        val rows = rows(message("2024-08-07T01:30:00Z"), message("2024-08-07T13:05:00Z"))
        assertEquals(listOf("2024년 8월 7일"), rows.dates())
        assertEquals(listOf("오전 10:30", "오후 10:05"), rows.messages().map { it.time })
    }

    @Test
    fun `an American reads them in English`() {
        val rows = rows(message("2024-08-07T14:30:00Z"), formats = newYork)
        assertEquals(listOf("August 7, 2024"), rows.dates())
        assertEquals(listOf("10:30 AM"), rows.messages().map { it.time })
    }

    @Test
    fun `a 24 hour clock has no morning`() {
        val rows = rows(message("2024-08-07T13:05:00Z"), formats = seoul.copy(timePattern = "HH:mm"))
        assertEquals("22:05", rows.messages().single().time)
    }

    @Test
    fun `an empty room has no rows`() = assertEquals(emptyList<ChatRow>(), rows())

    @Test
    fun `the day changes at the user's midnight and not at the server's`() {
        val rows = rows(
            message("2024-08-07T14:59:59.999Z"),
            message("2024-08-07T15:00:00Z"),
            message("2024-08-08T00:00:00Z")
        )
        assertEquals(
            listOf("2024년 8월 7일", "m1", "2024년 8월 8일", "m2", "m3"),
            rows.map { if (it is ChatRow.DateSeparator) it.label else it.key }
        )
    }

    @Test
    fun `another time zone moves the days and the hours`() {
        val messages = arrayOf(message("2024-08-07T14:00:00Z"), message("2024-08-07T16:00:00Z"))
        assertEquals(listOf("2024년 8월 7일", "2024년 8월 8일"), rows(*messages).dates())
        assertEquals(listOf("August 7, 2024"), rows(*messages, formats = newYork).dates())
    }

    @Test
    fun `the night the clocks go back has two half past ones, and they are not one minute`() {
        val rows = rows(message("2024-11-03T05:30:00Z"), message("2024-11-03T06:30:00Z"), formats = newYork)
        assertEquals(listOf("1:30 AM", "1:30 AM"), rows.messages().map { it.time })
        assertEquals(listOf(true, true), rows.messages().map { it.closesRun })
        assertEquals(1, rows.dates().size)
    }

    @Test
    fun `the day without a midnight begins all the same`() {
        // In Santiago the clocks went from 23:59:59 to 01:00 on 8 September 2024.
        val santiago = newYork.copy(zone = ZoneId.of("America/Santiago"))
        val rows = rows(message("2024-09-08T03:59:59Z"), message("2024-09-08T04:00:00Z"), formats = santiago)
        assertEquals(listOf("September 7, 2024", "September 8, 2024"), rows.dates())
        assertEquals(listOf("11:59 PM", "1:00 AM"), rows.messages().map { it.time })
    }

    @Test
    fun `many messages of one minute have a key each`() {
        val rows = chatRows(List(500) { message("2024-08-07T01:30:00Z") }, seoul)
        assertEquals(rows.size, rows.map { it.key }.toSet().size)
    }

    @Test
    fun `a day that comes up twice has two separators with a key each`() {
        // An unsent message of a device whose clock is a day behind.
        val rows = rows(
            message("2024-08-06T01:00:00Z"),
            message("2024-08-07T01:00:00Z"),
            message("2024-08-06T02:00:00Z", "alice", key = -1)
        )
        assertEquals(listOf("2024년 8월 6일", "2024년 8월 7일", "2024년 8월 6일"), rows.dates())
        assertEquals(rows.size, rows.map { it.key }.toSet().size)
    }

    @Test
    fun `new messages leave the keys above them as they were`() {
        val before = arrayOf(message("2024-08-06T01:00:00Z"), message("2024-08-07T01:00:00Z"))
        val after = rows(*before, message("2024-08-08T01:00:00Z"))
        assertEquals(rows(*before).map { it.key }, after.map { it.key }.take(4))
    }

    @Test
    fun `rows that say the same as before are the same objects, however many there are`() {
        val memory = RowMemory()
        val messages = List(10_000) { message("2024-08-07T01:30:00Z") }
        val before = memory.rows(messages, seoul, unread = null)
        val after = memory.rows(messages + message("2024-08-07T01:31:00Z"), seoul, unread = null)
        val kept = after.filterIsInstance<ChatRow.Message>().count { row ->
            before.getOrNull(row.message.key.value.toInt()) ===
                row
        }
        // The last one closed its minute before and does so now.
        assertEquals(10_000, kept)
        assertEquals(chatRows(messages, newYork), memory.rows(messages, newYork, unread = null))
    }

    @Test
    fun `the name opens a sender's run and the time closes a minute`() {
        val rows = rows(
            message("2024-08-07T01:30:00Z"),
            message("2024-08-07T01:30:59Z"),
            message("2024-08-07T01:31:00Z"),
            message("2024-08-07T01:31:00Z", "carol")
        ).messages()
        assertEquals(listOf(true, false, false, true), rows.map { it.opensRun })
        assertEquals(listOf(false, true, true, true), rows.map { it.closesRun })
    }

    @Test
    fun `what is not fetched yet is a gap and never looks like one conversation`() {
        val rows = rows(
            message("2024-08-07T01:30:00Z", key = 10),
            message("2024-08-07T01:30:01Z", key = 11),
            message("2024-08-07T01:30:02Z", key = 100),
            message("2024-08-08T01:30:00Z", key = 102)
        )
        assertEquals(
            listOf("d2024-08-07#1", "m10", "m11", "g11", "m100", "g100", "d2024-08-08#1", "m102"),
            rows.map { it.key }
        )
        assertEquals(listOf(88L, 1L), rows.filterIsInstance<ChatRow.Gap>().map { it.missing })
        assertEquals(listOf(true, false, true, true), rows.messages().map { it.opensRun })
        assertEquals(listOf(false, true, true, true), rows.messages().map { it.closesRun })
    }

    @Test
    fun `a gap that is filled from its newer end stays the same row until it is gone`() {
        val at = "2024-08-07T01:30:00Z"
        val gaps = listOf(
            rows(message(at, key = 10), message(at, key = 100)),
            rows(message(at, key = 10), message(at, key = 50), message(at, key = 51)),
            rows(message(at, key = 10), message(at, key = 11))
        ).map { it.filterIsInstance<ChatRow.Gap>() }
        assertEquals(listOf(listOf(ChatRow.Gap("g10", 89)), listOf(ChatRow.Gap("g10", 39)), emptyList()), gaps)
    }

    @Test
    fun `neither a deleted message nor an unsent one is a gap`() {
        val at = "2024-08-07T01:30:00Z"
        val own = message(at, "alice", key = -4)
        val rows = rows(
            message(at, key = 1),
            message(at, key = 2).copy(isDeleted = true, text = ""),
            own.copy(id = 3),
            own.copy(key = MessageKey(-9), id = null),
            own.copy(key = MessageKey(-10), id = null)
        )
        assertEquals(emptyList<ChatRow.Gap>(), rows.filterIsInstance<ChatRow.Gap>())
    }

    private fun unreadRows(after: Long, vararg messages: Message) =
        chatRows(messages.toList(), seoul, UnreadMark(after, count = 5)).map { it.key }

    private fun at(id: Long, sender: String = "bob") = message("2024-08-07T01:30:00Z", sender, key = id)

    @Test
    fun `the unread line is above the first unread message of somebody else`() {
        assertEquals(
            listOf("d2024-08-07#1", "m7", "m8", "unread", "m9"),
            unreadRows(7, at(7), at(8, "alice"), at(9))
        )
        assertEquals(listOf("d2024-08-07#1", "unread", "m1"), unreadRows(0, at(1)))
        assertEquals(listOf("d2024-08-07#1", "m1", "m2"), unreadRows(2, at(1), at(2)))
        assertEquals(listOf("d2024-08-07#1", "unread", "m8", "m9"), unreadRows(7, at(8), at(9)))
    }

    @Test
    fun `the unread line is above a hole that the first unread message is in, and nowhere while nobody knows`() {
        assertEquals(listOf("d2024-08-07#1", "m7", "unread", "g7", "m20"), unreadRows(7, at(7), at(20)))
        assertEquals(listOf("d2024-08-07#1", "m6", "g6", "unread", "m8"), unreadRows(7, at(6), at(8)))
        assertEquals(listOf("d2024-08-07#1", "m6", "g6", "m20", "m21"), unreadRows(7, at(6), at(20), at(21)))
        assertEquals(listOf("d2024-08-07#1", "m20", "m21"), unreadRows(7, at(20), at(21)))
    }

    @Test
    fun `there is no unread line when nothing is unread`() {
        val rows = chatRows(listOf(at(7), at(8)), seoul, UnreadMark(7, count = 0))
        assertEquals(emptyList<ChatRow>(), rows.filterIsInstance<ChatRow.UnreadLine>())
    }

    @Test
    fun `the unread line parts a sender's run`() {
        val rows = chatRows(listOf(at(7), at(8)), seoul, UnreadMark(7, count = 1)).messages()
        assertEquals(listOf(true, true), rows.map { it.opensRun })
        assertEquals(listOf(true, true), rows.map { it.closesRun })
    }
}
