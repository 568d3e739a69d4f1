package chat.core.packaging

import java.io.File
import org.junit.Assert.assertEquals
import org.junit.Test

/** docs/building.md lists the Gradle tasks of ours; they are read from the plugin's source, as Gradle does not run here. */
class TaskTableTest {
    @Test
    fun `every task of ours is in the table and no other`() {
        val root = File("").absoluteFile.parentFile.parentFile.parentFile
        val plugin = File(root, "gradle/build-logic/src/main/kotlin/chat/core/build/RustPlugin.kt").readText()
        val registered = Regex("""register\("(\w+)"|"(\w+)" to """").findAll(plugin).map { it.value.split('"')[1] }
        val document = File(root, "docs/building.md").readText()
        val table = document.substringAfter("| task of `:chat` |").substringBefore("\n\n")
        val listed = Regex("""^\| `(\w+)` \|""", RegexOption.MULTILINE).findAll(table).map { it.groupValues[1] }

        assertEquals(registered.toSet(), listed.toSet())
    }
}
