package chat.core.packaging

import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.util.zip.ZipFile
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test

/**
 * Devices with 16 KB pages load no library whose segments are aligned to less, and stores refuse it. Ours are built by
 * the NDK, whose linker aligns to 16 KB from r28 on; `scripts/build-android` reads the finished AARs as this test reads
 * JNA's.
 */
class PageSizeTest {
    @Test
    fun `JNA's libraries fit 16 KB pages`() {
        val alignments = ABIS.associateWith { alignments(jna(it)) }

        assertEquals(ABIS, alignments.filterValues { it.isNotEmpty() && it.all { align -> align >= PAGE } }.keys)
    }

    @Test
    fun `a library that is aligned to 4 KB is told apart`() {
        val library = jna("arm64-v8a")
        programHeaders(library).forEach { library.putLong(it + ALIGN_64, 4_096) }

        assertTrue(alignments(library).all { it == 4_096L })
    }

    @Test
    fun `our own are built by an NDK that aligns them`() {
        assertTrue(Packages.ndk, Packages.ndk.substringBefore('.').toInt() >= 28)
    }

    private fun jna(abi: String): ByteBuffer = ZipFile(Packages.jna).use { zip ->
        val entry = checkNotNull(zip.getEntry("jni/$abi/libjnidispatch.so")) { "JNA has nothing for $abi" }
        ByteBuffer.wrap(zip.getInputStream(entry).readAllBytes()).order(ByteOrder.LITTLE_ENDIAN)
    }

    /** `p_align` of each `PT_LOAD` segment. */
    private fun alignments(elf: ByteBuffer): List<Long> = programHeaders(elf).map {
        if (is64Bit(elf)) elf.getLong(it + ALIGN_64) else elf.getInt(it + ALIGN_32).toLong()
    }

    /** Where the program headers of the `PT_LOAD` segments begin, by the ELF specification. */
    private fun programHeaders(elf: ByteBuffer): List<Int> {
        assertEquals("an ELF file", 0x464c457f, elf.getInt(0))
        val first = if (is64Bit(elf)) elf.getLong(32).toInt() else elf.getInt(28)
        val size = elf.getShort(if (is64Bit(elf)) 54 else 42)
        val count = elf.getShort(if (is64Bit(elf)) 56 else 44)
        return List(count.toInt()) { first + it * size }.filter { elf.getInt(it) == PT_LOAD }
    }

    private fun is64Bit(elf: ByteBuffer) = elf.get(4).toInt() == 2

    private companion object {
        /** Those we build for. Pages of 16 KB are for 64-bit devices; that JNA's 32-bit one fits too does no harm. */
        val ABIS = setOf("arm64-v8a", "armeabi-v7a", "x86_64")
        const val PAGE = 16_384L
        const val PT_LOAD = 1
        const val ALIGN_64 = 48
        const val ALIGN_32 = 28
    }
}
