package chat.core

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
    fun `what was typed during a send stays in the box`() {
        assertEquals("", MessageText.remainder("hello", "hello"))
        assertEquals(" again", MessageText.remainder("hello again", "hello"))
    }

    @Test
    fun `a draft that was changed in the middle stays whole`() =
        assertEquals("hell", MessageText.remainder("hell", "hello"))
}
