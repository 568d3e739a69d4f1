package chat.core

import chat.core.testing.exampleMessage
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertTrue
import org.junit.Test

class MessageTextTest {
    @Test
    fun `an ideographic space is blank and so is nothing at all`() {
        for (blank in listOf("", " ", "\u3000", "\n\t\u00A0\u0085\u2028")) {
            assertEquals(0, MessageText.length(blank))
            assertFalse(MessageText.isSendable(blank))
        }
    }

    @Test
    fun `a zero width joiner is a character and not a space`() = assertTrue(MessageText.isSendable("\u200D"))

    @Test
    fun `an emoji counts by its scalar values and not by its UTF-16 units`() {
        assertEquals(1, MessageText.length("😀"))
        assertEquals(2, "😀".length)
        assertEquals(7, MessageText.length("👨‍👩‍👧‍👦"))
    }

    @Test
    fun `the limit is met by the trimmed text`() {
        val longest = "😀".repeat(MessageText.MAX_LENGTH)
        assertTrue(MessageText.isSendable("\u3000$longest\n"))
        assertFalse(MessageText.isSendable(longest + "a"))
    }

    @Test
    fun `Hangul spelt in letters counts by its syllables`() {
        val letters = "\u1112\u1161\u11AB" // 한
        assertEquals(1, MessageText.length(letters))
        assertTrue(MessageText.isSendable(letters.repeat(1_500)))
        assertTrue(MessageText.isSendable(letters.repeat(MessageText.MAX_LENGTH)))
        assertFalse(MessageText.isSendable(letters.repeat(MessageText.MAX_LENGTH + 1)))
    }

    @Test
    fun `a letter and its accent count as the one letter they are sent as`() {
        assertEquals(1, MessageText.length("e\u0301"))
        assertTrue(MessageText.isSendable("e\u0301".repeat(MessageText.MAX_LENGTH)))
        assertFalse(MessageText.isSendable("e\u0301".repeat(MessageText.MAX_LENGTH) + "e"))
    }

    @Test
    fun `a letter that is sent as two counts as two`() {
        assertEquals(2, MessageText.length("\u0958"))
        assertTrue(MessageText.isSendable("\u0958".repeat(MessageText.MAX_LENGTH / 2)))
        assertFalse(MessageText.isSendable("\u0958".repeat(MessageText.MAX_LENGTH / 2 + 1)))
    }

    @Test
    fun `what cannot be stored or sent is not sendable`() {
        for (invalid in listOf("a\u0000b", "\u0000", "a\uD83D", "\uDE00b")) {
            assertFalse(MessageText.isSendable(invalid))
        }
    }

    @Test
    fun `what was typed during a send stays in the box`() {
        assertEquals("", MessageText.remainder("hello", "hello"))
        assertEquals(" again", MessageText.remainder("hello again", "hello"))
    }

    @Test
    fun `a draft that was changed in the middle stays whole`() =
        assertEquals("hell", MessageText.remainder("hell", "hello"))

    @Test
    fun `nothing that an app might log says what was said`() {
        val message = exampleMessage(1, "a secret")
        val last = LastMessage(1, "bob", isOwn = false, "a secret", message.sentAt, isDeleted = false)
        val texts = listOf(
            message,
            Timeline(listOf(message), hasOlder = false, isLoaded = true),
            ChatUiState(rows = listOf(ChatRow.Message(message, "10:30", opensRun = true, closesRun = true))),
            RoomList(listOf(RoomSummary(RoomId(1), "Lunch", last, unread = 1)), isLoaded = true),
            ChatEvent.Stored("a secret"),
            ChatEvent.NotStored("a secret", ChatException.StorageFull())
        )
        assertEquals(emptyList<Any>(), texts.filter { "secret" in it.toString() })
    }
}
