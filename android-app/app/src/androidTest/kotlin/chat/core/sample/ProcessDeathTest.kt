package chat.core.sample

import androidx.compose.ui.test.assertIsDisplayed
import androidx.compose.ui.test.assertTextContains
import androidx.compose.ui.test.hasText
import androidx.compose.ui.test.junit4.v2.createEmptyComposeRule
import androidx.compose.ui.test.onNodeWithTag
import androidx.compose.ui.test.onNodeWithText
import androidx.compose.ui.test.performClick
import androidx.compose.ui.test.performScrollToNode
import androidx.compose.ui.test.performTextInput
import androidx.test.ext.junit.runners.AndroidJUnit4
import chat.core.Connection
import chat.core.fixtures.waitUntil
import org.junit.Assert.assertEquals
import org.junit.Assert.assertNotSame
import org.junit.Rule
import org.junit.Test
import org.junit.runner.RunWith

/**
 * The system ends the process behind the user's back: what the next one shows is what they left.
 *
 * A test that ended its process would end itself, so the end is acted: nothing survives but what the activity saved and
 * what is on the disk. The activity, the view model and the client are new ones. What stays and would not: the process,
 * with the native library loaded in it, and the saved state as an object and not as bytes (`chat`'s own ProcessDeathTest
 * sends it through a parcel).
 */
@RunWith(AndroidJUnit4::class)
class ProcessDeathTest {
    @get:Rule(order = 0)
    val compose = createEmptyComposeRule()

    @get:Rule(order = 1)
    val sample = Sample()

    private fun die() {
        val before = sample.model
        // What a turned phone would keep.
        sample.onActivity { it.viewModelStore.clear() }
        sample.forgetClients()
        sample.scenario.recreate()
        sample.meetModel()
        assertNotSame(before, sample.model)
        waitUntil("it is live", Sample.PATIENCE) { sample.connection is Connection.Live }
    }

    @Test
    fun the_draft_and_the_place_in_the_list_are_what_they_were() {
        repeat(60) { sample.bobSays("message ${it + 1}") }
        sample.launchLive()
        waitUntil("all are there") { sample.texts.size == 60 }
        compose.onNodeWithTag("draft").performTextInput("반쯤 쓴 글")
        compose.onNodeWithTag("messages").performScrollToNode(hasText("message 12"))
        compose.waitForIdle()
        val before = topOf("message 12")

        sample.bobSays("while you were away")
        die()
        waitUntil("it has caught up") { sample.texts.size == 61 }
        compose.onNodeWithTag("draft").assertTextContains("반쯤 쓴 글")
        assertEquals(before, topOf("message 12"), 1f)
        compose.onNodeWithText("1 new message").assertIsDisplayed()

        compose.onNodeWithTag("send").performClick()
        waitUntil("it is sent once") { sample.server.texts(sample.room).count { it == "반쯤 쓴 글" } == 1 }
        waitUntil("it is on the screen") { sample.texts.lastOrNull() == "반쯤 쓴 글" }
        compose.onNodeWithText("반쯤 쓴 글").assertIsDisplayed()
        die()
        compose.onNodeWithText("Message").assertIsDisplayed()
        compose.onNodeWithText("반쯤 쓴 글").assertIsDisplayed()
    }

    @Test
    fun what_could_not_be_sent_before_is_sent_by_the_next_process() {
        sample.launchLive()
        sample.relay.down()
        compose.onNodeWithTag("draft").performTextInput("last words")
        compose.onNodeWithTag("send").performClick()
        waitUntil("it is stored") { sample.texts == listOf("last words") }
        sample.relay.up()
        die()
        waitUntil("it is sent", Sample.PATIENCE) { sample.server.texts(sample.room) == listOf("last words") }
    }

    private fun topOf(text: String) = compose.onNodeWithText(text).fetchSemanticsNode().positionInRoot.y
}
