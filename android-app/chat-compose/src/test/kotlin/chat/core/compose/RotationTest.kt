package chat.core.compose

import androidx.activity.ComponentActivity
import androidx.activity.compose.setContent
import androidx.compose.ui.test.assertIsDisplayed
import androidx.compose.ui.test.junit4.v2.createEmptyComposeRule
import androidx.compose.ui.test.onNodeWithTag
import androidx.compose.ui.test.onNodeWithText
import androidx.compose.ui.test.performClick
import androidx.compose.ui.test.performTextInput
import androidx.test.core.app.ActivityScenario
import androidx.test.ext.junit.runners.AndroidJUnit4
import chat.core.ChatViewModel
import chat.core.fixtures.BareActivity
import chat.core.fixtures.SCREEN
import chat.core.fixtures.holdsFor
import chat.core.fixtures.waitUntil
import chat.core.testing.FakeChatRoom
import kotlin.time.Duration.Companion.milliseconds
import org.junit.Assert.assertEquals
import org.junit.Rule
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.annotation.Config

/** Whoever turns the phone turns nothing else over. */
@RunWith(AndroidJUnit4::class)
@Config(qualifiers = SCREEN)
class RotationTest {
    @get:Rule(order = 0)
    val activity = BareActivity()

    @get:Rule(order = 1)
    val compose = createEmptyComposeRule()

    private val room = FakeChatRoom()

    @Test
    fun `a phone that is turned is one poller and one collector, as before`() {
        val model = ChatViewModel({ room }, Screens.english)
        ActivityScenario.launch(ComponentActivity::class.java).use { scenario ->
            repeat(4) { turn ->
                if (turn > 0) scenario.recreate()
                scenario.onActivity {
                    it.lifecycle.addObserver(model)
                    it.setContent { ChatTheme { ChatRoute(model, title = "Room 1") } }
                }
                compose.waitForIdle()
                waitUntil("it polls") { room.pollers == 1 }
                holdsFor(50.milliseconds, "it is the only one") { room.pollers == 1 }
                assertEquals(1, room.timeline.subscriptionCount.value)
            }
            compose.onNodeWithTag("draft").performTextInput("hello")
            compose.onNodeWithTag("send").performClick()
            waitUntil("it is stored, once") { room.sent == listOf("hello") }
            compose.onNodeWithText("Message").assertIsDisplayed()
        }
        waitUntil("the screen is gone and nobody polls") { room.pollers == 0 }
    }
}
