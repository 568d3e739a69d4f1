package chat.core.packaging

import java.io.File
import java.nio.file.Path
import java.util.zip.ZipFile

/** What packaging.groovy hands to these tests. */
internal object Packages {
    /** This build's AARs: chat, chat-compose, chat-testing. They hold no native libraries; those come from Gradle. */
    val aars: List<File> = files("aars")

    /** The class path that an app gets with `chat`, JNA left out. */
    val libraries: List<File> = files("libraries")

    /** The consumer rules of those. Jars carry theirs inside, where R8 finds them. */
    val libraryRules: List<File> = files("rules")

    /** JNA as phones get it. */
    val jna: File = files("jna").single()

    /** The framework, compiled against and linked with. */
    val android: File = files("android").single()

    val minSdk: Int = property("minSdk").toInt()

    /** The versions that the catalog names. */
    val ndk: String = property("ndk")
    val cargoNdk: String = property("cargoNdk")

    /** Classes of `consumer`, and of `android` what stands in for the framework when there is no device. */
    val consumer: File = files("consumer").single()

    private fun files(name: String) = property(name).split(File.pathSeparator).filter { it.isNotEmpty() }.map(::File)

    private fun property(name: String) = checkNotNull(System.getProperty("packaging.$name")) { "packaging.$name" }
}

/** Copies [entry] of this archive into [folder] and returns the copy. */
internal fun File.extract(entry: String, folder: File): File = ZipFile(this).use { zip ->
    val copy = File(folder, "$nameWithoutExtension-${entry.replace('/', '-')}")
    val content = checkNotNull(zip.getEntry(entry)) { "$this has no $entry" }
    copy.writeBytes(zip.getInputStream(content).readAllBytes())
    copy
}

/** The text of [entry], or nothing if there is none. */
internal fun File.text(entry: String): String = ZipFile(this).use { zip ->
    zip.getEntry(entry)?.let { zip.getInputStream(it).readAllBytes().decodeToString() }.orEmpty()
}

internal fun List<File>.paths(): List<Path> = map { it.toPath() }
