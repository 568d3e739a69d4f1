package chat.core.compose

import androidx.activity.ComponentActivity
import androidx.compose.material3.ColorScheme
import androidx.compose.material3.MaterialTheme
import androidx.compose.ui.graphics.Color
import androidx.compose.ui.graphics.luminance
import androidx.compose.ui.test.junit4.v2.createAndroidComposeRule
import androidx.test.ext.junit.runners.AndroidJUnit4
import chat.core.fixtures.BareActivity
import chat.core.fixtures.SCREEN
import org.junit.Assert.assertEquals
import org.junit.Assert.assertNotEquals
import org.junit.Assert.assertTrue
import org.junit.Rule
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.annotation.Config

/** The colours: they can be read, and are the app's, ours or the wallpaper's. */
@RunWith(AndroidJUnit4::class)
@Config(qualifiers = SCREEN)
class ChatThemeTest {
    @get:Rule(order = 0)
    val activity = BareActivity()

    @get:Rule(order = 1)
    val compose = createAndroidComposeRule<ComponentActivity>()

    /** By WCAG 2. */
    private fun contrast(one: Color, other: Color): Float {
        val (dark, light) = listOf(one.luminance(), other.luminance()).sorted()
        return (light + 0.05f) / (dark + 0.05f)
    }

    @Test
    fun `every text can be read on what it stands on, light and dark`() {
        for (colors in listOf(Light, Dark)) {
            for ((name, pair) in colors.texts()) {
                val contrast = contrast(pair.first, pair.second)
                assertTrue("$name ${if (colors == Dark) "in the dark" else ""}: $contrast", contrast >= 4.5f)
            }
        }
        for (color in AvatarColors) assertTrue("$color", contrast(Color.White, color) >= 4.5f)
    }

    private fun ColorScheme.texts() = mapOf(
        "own bubble" to (onPrimary to primary),
        "own bubble at night" to (onPrimaryContainer to primaryContainer),
        "other bubble" to (onSurface to surfaceContainerHigh),
        "failed bubble" to (onErrorContainer to errorContainer),
        "tombstone, status, time" to (onSurfaceVariant to surface),
        "date" to (onSurfaceVariant to surfaceContainer),
        "hint" to (onSurfaceVariant to surfaceContainerHigh),
        "banner" to (onSecondaryContainer to secondaryContainer),
        "unread line, edit header" to (primary to background),
        "button of a dialog" to (primary to surfaceContainerHigh),
        "refusal" to (error to background),
        "delete in the menu" to (error to surfaceContainer),
        "delete in the dialog" to (error to surfaceContainerHigh)
    )

    @Test
    fun `the wallpaper's colours are there for whoever asks for them`() {
        val seen = mutableMapOf<String, Color>()
        compose.setContent {
            ChatTheme(dark = false) { seen["ours"] = MaterialTheme.colorScheme.primary }
            ChatTheme(dark = false, dynamicColor = true) { seen["wallpaper"] = MaterialTheme.colorScheme.primary }
            ChatTheme(dark = true, dynamicColor = true) { seen["at night"] = MaterialTheme.colorScheme.primary }
        }
        compose.waitForIdle()
        assertEquals(Light.primary, seen["ours"])
        assertNotEquals(seen["ours"], seen["wallpaper"])
        assertNotEquals(seen["wallpaper"], seen["at night"])
    }

    @Test
    fun `the first letter of a name is what people take for a letter`() {
        val initials = mapOf(
            "bob" to "B",
            "김철수" to "김",
            "\u1100\u1175\u11B7\u1112\u1161" to "\u1100\u1175\u11B7",
            "👩🏽‍🚀 Ann" to "👩🏽‍🚀",
            "🇰🇷 seoul" to "🇰🇷",
            "e\u0301mile" to "E\u0301",
            "  ø" to "Ø",
            "\u200Bzoe" to "Z",
            "" to "?"
        )
        assertEquals(initials, initials.mapValues { initial(it.key) })
    }
}
