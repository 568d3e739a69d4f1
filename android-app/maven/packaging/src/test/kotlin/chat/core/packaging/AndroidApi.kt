package chat.core.packaging

import com.android.tools.r8.ClassFileResourceProvider
import com.android.tools.r8.ProgramResource
import com.android.tools.r8.origin.Origin
import java.io.File
import java.net.URI
import java.nio.file.FileSystems
import java.nio.file.Files
import java.nio.file.Path
import java.util.zip.ZipFile
import kotlin.streams.asSequence
import org.objectweb.asm.ClassReader

/**
 * Android as R8 needs to know it. Of the framework, the classes that [program] names and what those extend: R8 reads
 * all that it is given, and the framework has 50,000. Its Java comes from this machine, without what no device has,
 * `java.awt` for one.
 */
internal class AndroidApi(program: List<File>) : ClassFileResourceProvider {
    private val framework = HashMap<String, ByteArray>()

    init {
        ZipFile(Packages.android).use { android ->
            program.forEach { jar ->
                ZipFile(jar).use { zip ->
                    zip.entries().asSequence().filter { it.name.endsWith(".class") }.forEach { entry ->
                        val code = zip.getInputStream(entry).readAllBytes().toString(Charsets.ISO_8859_1)
                        NAME.findAll(code).forEach { add(it.value, android) }
                    }
                }
            }
        }
    }

    private fun add(name: String, android: ZipFile) {
        if (name in framework) return
        val code = android.getEntry("$name.class")?.let { android.getInputStream(it).readAllBytes() } ?: return
        framework[name] = code
        val reader = ClassReader(code)
        listOfNotNull(reader.superName, *reader.interfaces).forEach { add(it, android) }
    }

    override fun getClassDescriptors(): Set<String> = (framework.keys + java.keys).mapTo(HashSet()) { "L$it;" }

    override fun getProgramResource(descriptor: String): ProgramResource? {
        val name = descriptor.removeSurrounding("L", ";")
        val code = framework[name] ?: java[name]?.let(Files::readAllBytes) ?: return null
        return ProgramResource.fromBytes(Origin.unknown(), ProgramResource.Kind.CF, code, setOf(descriptor))
    }

    private companion object {
        /** The name of a class of Android's, wherever it stands in a class file. What only looks like one is in no jar. */
        val NAME = Regex("""(?:android|dalvik|org)/[\w/$]+""")

        /** Classes of the modules that Android has too, roughly, by their names. */
        val java: Map<String, Path> = listOf("java.base", "java.logging", "java.xml", "java.sql").flatMap { module ->
            val classes = FileSystems.getFileSystem(URI("jrt:/")).getPath("modules", module)
            Files.walk(classes).asSequence()
                .filter { "$it".endsWith(".class") && !it.endsWith("module-info.class") }
                .map { "${classes.relativize(it)}".removeSuffix(".class") to it }
                .toList()
        }.toMap()
    }
}
