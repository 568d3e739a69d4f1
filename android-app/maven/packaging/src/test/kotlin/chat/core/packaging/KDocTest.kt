package chat.core.packaging

import java.io.File
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test

/**
 * What apps call is documented. Explicit API mode has each such declaration say `public`, so its source tells: what a
 * constructor declares is documented with its class, what is overridden where it comes from.
 */
class KDocTest {
    @Test
    fun `every public declaration has KDoc`() {
        val root = File("").absoluteFile.parentFile.parentFile
        val sources = listOf("chat", "chat-compose", "chat-testing")
            .flatMap { File(root, "$it/src/main/kotlin").walk().filter { file -> file.extension == "kt" } }

        val declarations = sources.flatMap { file -> declarations(file.readLines()).map { file.name to it } }

        assertTrue("there is a public API", declarations.size > 100)
        assertEquals(
            emptyList<String>(),
            declarations.filter {
                !it.second.isDocumented
            }.map { "${it.first}: ${it.second.line}" }
        )
    }

    private class Declaration(val line: String, val isDocumented: Boolean)

    private fun declarations(lines: List<String>) = lines.mapIndexedNotNull { at, line ->
        val inConstructor =
            PROPERTY.containsMatchIn(line) &&
                (line.endsWith(",") || lines.getOrNull(at + 1)?.trim()?.startsWith(")") == true)
        if (!PUBLIC.containsMatchIn(line) || inConstructor) return@mapIndexedNotNull null
        val before = lines.take(at).map { it.trim() }.last { !it.startsWith("@") }
        Declaration(line.trim(), before.endsWith("*/"))
    }

    private companion object {
        val PUBLIC = Regex("""^\s*public (?!override |companion )""")
        val PROPERTY = Regex("""^\s*public (va[lr]|const)""")
    }
}
