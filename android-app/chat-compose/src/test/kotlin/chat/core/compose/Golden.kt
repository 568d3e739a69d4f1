package chat.core.compose

import android.graphics.Bitmap
import androidx.activity.ComponentActivity
import androidx.activity.enableEdgeToEdge
import androidx.compose.runtime.Composable
import androidx.compose.ui.test.junit4.AndroidComposeTestRule
import androidx.test.ext.junit.rules.ActivityScenarioRule
import chat.core.fixtures.photograph
import java.awt.image.BufferedImage
import java.awt.image.IndexColorModel
import java.io.File
import javax.imageio.IIOImage
import javax.imageio.ImageIO
import javax.imageio.ImageWriteParam
import javax.imageio.stream.FileImageOutputStream
import kotlin.math.abs
import org.junit.Assert.assertEquals
import org.junit.Assert.fail
import org.junit.rules.TestWatcher
import org.junit.runner.Description

/** The phone of the pictures: small, so that they are. */
const val GOLDEN_SCREEN = "w360dp-h640dp-hdpi"

/**
 * Holds a screen to the picture of it that people have looked at: the one in [folder] of `src/test/screens` that bears
 * the test's name. `-Dscreens.record` writes the pictures instead; look at what `git diff` then shows.
 *
 * Robolectric brings its own fonts and draws without a graphics card, so the pictures are the same on every machine.
 * The little that may differ is for another version of the JDK.
 */
class Golden(private val folder: String) : TestWatcher() {
    private lateinit var name: String

    override fun starting(description: Description) {
        name = fileName(description.methodName)
    }

    /** Shows [content], does to it what [act] does, and compares what is to be seen then. */
    fun check(
        compose: AndroidComposeTestRule<ActivityScenarioRule<ComponentActivity>, ComponentActivity>,
        act: () -> Unit = {},
        content: @Composable () -> Unit
    ) {
        compose.runOnUiThread { compose.activity.enableEdgeToEdge() }
        compose.setContent(content)
        compose.waitForIdle()
        compose.runOnUiThread {
            val wanted = compose.activity.resources.configuration.layoutDirection
            assertEquals("from left to right, or not", wanted, compose.activity.window.decorView.layoutDirection)
        }
        act()
        compose.waitForIdle()
        val picture = compose.runOnUiThread { compose.activity.photograph().indexed() }
        val golden = File("$GOLDENS/$folder/$name.png")
        if (System.getProperty("screens.record") != null) return picture.recordTo(golden)
        if (!golden.exists()) fail("there is no $golden: record it by -Dscreens.record")
        val difference = picture.differenceTo(ImageIO.read(golden)) ?: return
        val file = File("target/screens/$folder/$name.png")
        picture.write(file)
        difference.write(File("${file.path.removeSuffix(".png")}-difference.png"))
        fail("$file is not $golden. If it is meant to be, look at it and record it by -Dscreens.record")
    }

    companion object {
        const val GOLDENS = "src/test/screens"

        /** What the picture of a test is called. */
        fun fileName(test: String): String = test.lowercase().replace(Regex("[^a-z0-9]+"), "-").trim('-')
    }
}

/** Leaves the file alone that shows the same already. */
private fun BufferedImage.recordTo(golden: File) {
    if (!golden.exists() || differenceTo(ImageIO.read(golden)) != null) write(golden)
}

/** This picture with all that differs from [golden] in red, or `null` when that is next to nothing. */
private fun BufferedImage.differenceTo(golden: BufferedImage): BufferedImage? {
    val shown = BufferedImage(width, height, BufferedImage.TYPE_INT_RGB)
    shown.graphics.drawImage(this, 0, 0, null)
    if (width != golden.width || height != golden.height) return shown
    var count = 0
    for (y in 0 until height) {
        for (x in 0 until width) {
            if (isNear(getRGB(x, y), golden.getRGB(x, y))) continue
            shown.setRGB(x, y, RED)
            count++
        }
    }
    return shown.takeIf { count > width * height / FEW }
}

private fun isNear(a: Int, b: Int) = listOf(0, 8, 16).all { abs((a shr it and 0xFF) - (b shr it and 0xFF)) <= NEAR }

/** Nobody sees a difference of so little in a colour of 256. */
private const val NEAR = 8

/** One pixel in so many may differ: some fifty of this screen, less than a letter. */
private const val FEW = 10_000

private const val RED = 0xFF0000

/** In the 256 colours there is most of, the others the nearest of those: a third of the bytes, and nobody sees it. */
private fun Bitmap.indexed(): BufferedImage {
    val pixels = IntArray(width * height).also { getPixels(it, 0, width, 0, 0, width, height) }
    val counts = pixels.asList().groupingBy { it and 0xFFFFFF }.eachCount()
    val colors = counts.entries.sortedWith(compareBy({ -it.value }, { it.key })).take(256).map { it.key }
    val places = colors.withIndex().associateTo(HashMap()) { (place, color) -> color to place.toByte() }
    val indices = ByteArray(pixels.size) { at ->
        places.getOrPut(pixels[at] and 0xFFFFFF) { nearest(pixels[at], colors).toByte() }
    }
    val model = IndexColorModel(8, colors.size, colors.toIntArray(), 0, false, -1, 0)
    return BufferedImage(width, height, BufferedImage.TYPE_BYTE_INDEXED, model).also {
        it.raster.setDataElements(0, 0, width, height, indices)
    }
}

private fun nearest(color: Int, colors: List<Int>): Int = colors.indices.minBy { at ->
    listOf(0, 8, 16).sumOf { ((color shr it and 0xFF) - (colors[at] shr it and 0xFF)).let { d -> d * d } }
}

private fun BufferedImage.write(file: File) {
    file.parentFile.mkdirs()
    file.delete()
    val writer = ImageIO.getImageWritersByFormatName("png").next()
    FileImageOutputStream(file).use {
        writer.output = it
        val smallest = writer.defaultWriteParam.apply {
            compressionMode = ImageWriteParam.MODE_EXPLICIT
            compressionQuality = 0f
        }
        writer.write(null, IIOImage(this, null, null), smallest)
    }
    writer.dispose()
}
