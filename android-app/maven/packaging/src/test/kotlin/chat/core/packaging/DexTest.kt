package chat.core.packaging

import com.android.tools.r8.CompilationFailedException
import com.android.tools.r8.D8
import com.android.tools.r8.D8Command
import com.android.tools.r8.OutputMode
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Rule
import org.junit.Test
import org.junit.rules.TemporaryFolder

/** What a device loads: the libraries' classes as DEX for the oldest Android that we support. */
class DexTest {
    @get:Rule
    val folder = TemporaryFolder()

    @Test
    fun `the libraries dex for the oldest Android`() {
        val jars = Packages.aars.map { it.extract("classes.jar", folder.root) }
        val out = folder.newFolder("dex")
        val messages = Messages()
        val command = D8Command.builder(messages)
            .addProgramFiles(jars.paths())
            .addLibraryResourceProvider(AndroidApi(jars))
            .setMinApiLevel(Packages.minSdk)
            .setOutput(out.toPath(), OutputMode.DexIndexed)
        try {
            D8.run(command.build())
        } catch (e: CompilationFailedException) {
            throw AssertionError(messages.errors.joinToString("\n"), e)
        }

        assertEquals(emptyList<String>(), messages.errors)
        assertTrue(out.resolve("classes.dex").length() > 0)
    }
}
