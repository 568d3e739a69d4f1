package chat.core.packaging

import java.io.File
import java.util.zip.ZipEntry
import java.util.zip.ZipOutputStream
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertTrue
import org.junit.Rule
import org.junit.Test
import org.junit.rules.TemporaryFolder

/** What `scripts/build-android` says where its tools are missing. That it builds shows where they are not. */
class BuildScriptTest {
    @get:Rule
    val folder = TemporaryFolder()

    @Test
    fun `where nothing is installed it names each thing and the command that gets it`() {
        val (code, text) = script("--check")

        assertEquals(3, code)
        assertTrue(text, "the Android SDK" in text)
        assertTrue(text, "sdkmanager 'platforms;android-37.0' 'ndk;${Packages.ndk}'" in text)
        assertTrue(text, "rustup" in text)
        assertTrue(text, "Gradle" in text)
    }

    @Test
    fun `of an SDK that is there it names only what is not`() {
        val sdk = sdk(ndk = "27.0.12077973")
        tools()

        val (code, text) = script("--check", sdk)

        assertEquals(3, code)
        assertTrue(text, "sdkmanager --sdk_root='$sdk' 'ndk;${Packages.ndk}'" in text)
        assertEquals("what and how, no more: $text", 3, text.trim().lines().size)
    }

    @Test
    fun `it goes on when all is there`() {
        val sdk = sdk(ndk = Packages.ndk)
        tools()

        val (code, text) = script("--check", sdk)

        assertEquals(text, 0, code)
    }

    @Test
    fun `another cargo-ndk than the catalog's is as good as none`() {
        val sdk = sdk(ndk = Packages.ndk)
        tools(cargoNdk = "3.5.4")

        val (code, text) = script("--check", sdk)

        assertEquals(3, code)
        assertTrue(text, "cargo install --locked cargo-ndk@" in text)
    }

    @Test
    fun `it passes libraries for 16 KB pages and tells their sizes`() {
        val (code, text) = script("--sizes", arguments = listOf(Packages.jna.path))

        assertEquals(text, 0, code)
        assertTrue(text, Regex("""libjnidispatch\.so \| arm64-v8a \| \d+ \| \d+ \| 16384""").containsMatchIn(text))
    }

    @Test
    fun `it refuses an AAR that lacks a library or has one for 4 KB pages`() {
        val bad = File(folder.root, "bad.aar")
        ZipOutputStream(bad.outputStream()).use { zip ->
            zip.putNextEntry(ZipEntry("jni/x86_64/libbad.so"))
            zip.write(File(System.getProperty("jna.library.path"), "libchat_core.so").readBytes())
        }

        val (code, text) = script("--sizes", arguments = listOf(bad.path))

        assertEquals(1, code)
        assertTrue(text, "bad.aar has nothing for arm64-v8a" in text)
        // The one for this machine: its linker was not told to do better, and need not be.
        assertTrue(text, "libbad.so for x86_64 is aligned to 4096" in text)
        assertFalse(text, "libjnidispatch" in text)
    }

    /** Runs the script with the tools of [tools], those of the system, and no home. */
    private fun script(option: String, sdk: File? = null, arguments: List<String> = emptyList()): Pair<Int, String> {
        val output = folder.newFile()
        val builder = ProcessBuilder(listOf("bash", "$root/scripts/build-android", option) + arguments)
        builder.environment().apply {
            clear()
            put("HOME", folder.root.path)
            put("PATH", "$bin:${System.getProperty("java.home")}/bin:/usr/bin:/bin")
            if (sdk != null) put("ANDROID_HOME", sdk.path)
        }
        val code = builder.redirectErrorStream(true).redirectOutput(output).start().waitFor()
        return code to output.readText()
    }

    private fun sdk(ndk: String): File {
        val sdk = folder.newFolder("sdk")
        listOf("platforms/android-37.0/android.jar", "ndk/$ndk/source.properties", "licenses/android-sdk-license")
            .map { File(sdk, it) }.forEach {
                it.parentFile.mkdirs()
                it.writeText("")
            }
        return sdk
    }

    private fun tools(cargoNdk: String = Packages.cargoNdk) {
        tool("cargo", "echo cargo-ndk $cargoNdk")
        tool("rustup", "printf '%s\\n' aarch64-linux-android armv7-linux-androideabi x86_64-linux-android")
        tool("gradle", "exit 1")
    }

    private fun tool(name: String, script: String) = File(bin, name).apply {
        parentFile.mkdirs()
        writeText("#!/bin/sh\n$script\n")
        setExecutable(true)
    }

    private val bin get() = File(folder.root, "bin")
    private val root = File("").absoluteFile.parentFile.parentFile.parentFile
}
