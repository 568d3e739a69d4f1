package chat.core.packaging

import com.android.tools.r8.CompilationFailedException
import com.android.tools.r8.OutputMode
import com.android.tools.r8.R8
import com.android.tools.r8.R8Command
import com.android.tools.r8.origin.Origin
import java.io.File
import java.net.URI
import java.nio.file.FileSystems
import java.nio.file.Files

/** R8 in full mode over the consumer, as AGP would run it over an app, with class files for a result. */
internal class Shrinker(private val folder: File) {
    private val chat = Packages.aars.single { it.name.startsWith("chat-0") }

    /** The rules that `chat` ships. */
    val rules: List<String> = chat.text("proguard.txt").lines()

    /** The app, its libraries and ours. */
    private val program =
        listOf(consumer(), chat.extract("classes.jar", folder), Packages.jna.extract("classes.jar", folder)) +
            Packages.libraries
    private val android = AndroidApi(program)

    /** @return the minified app. Fails with what R8 says. */
    fun minify(rules: List<String> = this.rules): File {
        val app = File(folder, "app.jar")
        val messages = Messages()
        val command = R8Command.builder(messages)
            .addProgramFiles(program.paths())
            .addLibraryResourceProvider(android)
            .addProguardConfigurationFiles(Packages.libraryRules.paths())
            .addProguardConfiguration(rules, Origin.unknown())
            .addProguardConfiguration(APPS_OWN, Origin.unknown())
            .setProguardCompatibility(false)
            .setOutput(app.toPath(), OutputMode.ClassFile)
        try {
            R8.run(command.build())
        } catch (e: CompilationFailedException) {
            throw IllegalStateException(messages.errors.joinToString("\n"), e)
        }
        return app
    }

    /** The consumer without what stands in for Android: that is on the device. */
    private fun consumer(): File {
        val jar = File(folder, "consumer.jar")
        jar.delete()
        FileSystems.newFileSystem(URI("jar:${jar.toURI()}"), mapOf("create" to "true")).use { zip ->
            Files.createDirectory(zip.getPath("consumer"))
            File(Packages.consumer, "consumer").listFiles().orEmpty().forEach {
                Files.copy(it.toPath(), zip.getPath("consumer", it.name))
            }
        }
        return jar
    }
}

/** Its entry point, as aapt2 keeps an activity; and that what AndroidApi leaves out of the framework is on the device. */
private val APPS_OWN = listOf(
    "-keep class consumer.Consumer { void main(...); }",
    "-dontwarn android.**,com.android.**"
)
