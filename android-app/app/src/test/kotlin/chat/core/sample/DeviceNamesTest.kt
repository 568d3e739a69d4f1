package chat.core.sample

import java.io.File
import org.junit.Assert.assertEquals
import org.junit.Test

/** What only the device's own build would say of the tests that run in both worlds; the rest `maven/device-tests` does. */
class DeviceNamesTest {
    @Test
    fun `no name has a space in it, which the bytecode of Android 8 does not take`() {
        val sources = listOf("src/androidTest/kotlin", "../chat/src/testFixtures/kotlin").map(::File)
            .flatMap { it.walk() }.filter { it.extension == "kt" }
        val names = sources.flatMap { file ->
            Regex("fun (`.* .*`)").findAll(file.readText()).map { it.groupValues[1] }
        }
        assertEquals(listOf<String>(), names)
    }
}
