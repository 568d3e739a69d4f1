package chat.core.compose

import java.io.File
import javax.xml.parsers.DocumentBuilderFactory
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test
import org.w3c.dom.Element

/** Whatever the screen says it says in English and in Korean, about the same things. */
class StringsTest {
    private val resources = File("src/main/res")

    /** Each text of a language by its name; a plural's `other`, which every language has. */
    private fun texts(folder: String): Map<String, String> = checkNotNull(File(resources, folder).listFiles())
        .flatMap { file ->
            val root = DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(file).documentElement
            val children = (0 until root.childNodes.length).map { root.childNodes.item(it) }.filterIsInstance<Element>()
            children.map { it.getAttribute("name") to it.text() }
        }.toMap()

    private fun Element.text(): String {
        val items = getElementsByTagName("item")
        val other = (0 until items.length).map { items.item(it) as Element }.find {
            it.getAttribute("quantity") ==
                "other"
        }
        return (other ?: this).textContent
    }

    private fun placeholders(text: String) = Regex("""%(\d\$)?[a-z]""").findAll(text).map { it.value }.toSet()

    @Test
    fun `each text is there in both languages, with the same blanks to fill`() {
        val english = texts("values")
        val korean = texts("values-ko")
        assertTrue("${english.size}", english.size > 50)
        assertEquals(english.keys, korean.keys)
        assertEquals(english.mapValues { placeholders(it.value) }, korean.mapValues { placeholders(it.value) })
        assertEquals(emptyList<String>(), (english + korean).filterValues { it.isBlank() }.keys.toList())
    }

    @Test
    fun `Korean is Korean`() {
        val same = texts("values-ko").filterValues { text ->
            text.none { it in '가'..'힣' } &&
                text.any { it.isLetter() && it != 'd' && it != 's' }
        }
        assertEquals(emptyMap<String, String>(), same)
    }

    @Test
    fun `every name of ours says whose it is`() {
        assertEquals(emptyList<String>(), texts("values").keys.filterNot { it.startsWith("chat_") })
    }
}
