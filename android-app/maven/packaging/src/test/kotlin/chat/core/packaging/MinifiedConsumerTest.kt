package chat.core.packaging

import chat.core.fixtures.ServerProcess
import chat.core.fixtures.TestServer
import com.sun.jna.Native
import com.sun.jna.Platform
import java.io.File
import java.util.concurrent.TimeUnit
import java.util.zip.ZipFile
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Assume.assumeTrue
import org.junit.Rule
import org.junit.Test
import org.junit.rules.TemporaryFolder

/**
 * An app that R8 has minified, in full mode, with the consumer rules of our AAR and of those it depends on and no rules
 * of its own but its entry point: over the real native library and a real server it does what it did before.
 *
 * It runs on this JVM, not on ART: R8 writes class files, and two classes of the framework have stand-ins.
 */
class MinifiedConsumerTest {
    @get:Rule
    val folder = TemporaryFolder()

    @Test
    fun `a minified app sends and receives`() {
        val app = Shrinker(folder.root).minify()

        assertEquals(setOf("bob: hello", "alice: from the minified app"), run(app).trim().lines().toSet())
        // Not kept whole, or this would show nothing.
        val names = ZipFile(app).use { zip -> zip.entries().asSequence().map { it.name }.toList() }
        assertTrue("chat/core/ChatViewModel.class" !in names)
        assertTrue("chat/core/ChatClient.class" !in names)
    }

    @Test
    fun `without the rule for JNA it ends as other libraries' apps have ended`() {
        val shrinker = Shrinker(folder.root)
        val app = shrinker.minify(shrinker.rules.filterNot { it.startsWith("-keep class com.sun.jna.") })

        val failure = runCatching { run(app) }.exceptionOrNull()
        assertTrue("$failure", "com.sun.jna" in failure?.message.orEmpty())
    }

    /**
     * Minutes of work, so only on demand: -Dpackaging.eachRule. All but the attribute: jars that we depend on have it
     * kept too, today.
     */
    @Test
    fun `without any one of our rules it does not work`() {
        assumeTrue(System.getProperty("packaging.eachRule") != null)
        val shrinker = Shrinker(folder.root)
        val rules = shrinker.rules.filter { it.startsWith("-") && !it.startsWith("-keepattributes") }
        run(shrinker.minify())
        val notNeeded = rules.filter { rule ->
            val failure = runCatching { run(shrinker.minify(shrinker.rules - rule)) }.exceptionOrNull()
            println("without $rule: ${failure?.message?.lines()?.first() ?: "nothing changes"}")
            failure == null
        }

        assertEquals(emptyList<String>(), notNeeded)
    }

    /** Runs the app in a JVM of its own, in a new room with a message of bob's, and returns what it prints. */
    private fun run(app: File): String {
        val room = server.createRoom()
        server.say(room, "bob", "hello")
        val natives = System.getProperty("jna.library.path")
        val output = folder.newFile()
        val process = ProcessBuilder(
            "${System.getProperty("java.home")}/bin/java",
            "-cp", listOf(app, standIns(), Packages.android).joinToString(File.pathSeparator),
            "-Djava.library.path=$natives",
            "-Djna.library.path=$natives",
            "-Djna.boot.library.path=${jnaOfThisMachine()}",
            "consumer.Consumer", server.url, server.token("alice"), "$room", folder.newFolder().path
        ).redirectErrorStream(true).redirectOutput(output).start()
        // Far more than it takes. An app whose core cannot call it back would wait for ever.
        val ended = process.waitFor(60, TimeUnit.SECONDS)
        if (!ended) process.destroyForcibly()
        check(ended && process.exitValue() == 0) { output.readText() }
        return output.readText()
    }

    /** For those of Android's classes that cannot be without a device. */
    private fun standIns() = File(folder.root, "stand-ins").also {
        File(Packages.consumer, "android").copyRecursively(File(it, "android"), overwrite = true)
    }

    /** The folder of JNA's native half for this machine: its AAR has only those for phones. */
    private fun jnaOfThisMachine(): File {
        val library = File(folder.root, "jna/libjnidispatch.so")
        library.parentFile.mkdirs()
        val name = "/com/sun/jna/${Platform.RESOURCE_PREFIX}/libjnidispatch.so"
        checkNotNull(Native::class.java.getResourceAsStream(name)) {
            name
        }.use { library.writeBytes(it.readAllBytes()) }
        return library.parentFile
    }

    private companion object {
        val server: TestServer by lazy { ServerProcess.start() }
    }
}
