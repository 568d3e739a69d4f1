package chat.core.compose

import java.io.File
import org.junit.Assert.assertEquals
import org.junit.Test

/** The pictures, the tests that draw them and the page that shows them are the same. */
class ScreensPageTest {
    private val pictures = File(Golden.GOLDENS).walk().filter { it.extension == "png" }
        .map { it.relativeTo(File(Golden.GOLDENS)).path }.toSortedSet()

    private fun drawn(folder: String, tests: Class<*>) = tests.declaredMethods
        .filter { it.isAnnotationPresent(Test::class.java) }
        .map { "$folder/${Golden.fileName(it.name)}.png" }

    @Test
    fun `every picture is drawn by a test, and every test has its picture`() = assertEquals(
        (drawn("chat", ChatScreenshotTest::class.java) + drawn("rooms", RoomsScreenshotTest::class.java)).toSortedSet(),
        pictures
    )

    @Test
    fun `the page shows every picture, and no other`() {
        val page = File("../../docs/screens.md").readText()
        val shown = Regex("""\.\./android-app/chat-compose/src/test/screens/([a-z0-9/-]+\.png)""").findAll(page)
        assertEquals(pictures.toList(), shown.map { it.groupValues[1] }.toList().sorted())
    }
}
