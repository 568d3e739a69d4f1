package chat.core.compose

import org.junit.Assert.assertEquals
import org.junit.Test

/** What is an address in a text, and what is not. */
class LinksTest {
    private fun found(text: String) = links(text).map { text.substring(it) }

    @Test
    fun `an address ends where the sentence does`() {
        assertEquals(listOf("https://example.com/a?b=c#d"), found("see https://example.com/a?b=c#d."))
        assertEquals(listOf("http://example.com"), found("(http://example.com)"))
        assertEquals(listOf("https://example.com/Seoul_(city)"), found("https://example.com/Seoul_(city), really"))
        assertEquals(listOf("https://example.com/가"), found("“https://example.com/가”"))
        assertEquals(listOf("https://a.example", "HTTPS://b.example/"), found("https://a.example\nHTTPS://b.example/!"))
    }

    @Test
    fun `what names no place on the web is no address`() {
        val none =
            listOf("example.com", "https://", "http://.", "javascript:alert(1)", "intent://x", "xhttps://example.com")
        assertEquals(none.map { emptyList<String>() }, none.map(::found))
    }

    @Test
    fun `what would make an address look like another ends it`() {
        assertEquals(listOf("https://example.com/"), found("https://example.com/\u202Egpj.exe"))
    }
}
