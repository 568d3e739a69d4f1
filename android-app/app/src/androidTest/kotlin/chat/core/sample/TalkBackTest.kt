package chat.core.sample

import androidx.compose.ui.semantics.LiveRegionMode
import androidx.compose.ui.semantics.SemanticsActions
import androidx.compose.ui.semantics.SemanticsProperties
import androidx.compose.ui.test.SemanticsMatcher
import androidx.compose.ui.test.assertHasClickAction
import androidx.compose.ui.test.assertHeightIsAtLeast
import androidx.compose.ui.test.assertIsDisplayed
import androidx.compose.ui.test.assertWidthIsAtLeast
import androidx.compose.ui.test.hasAnyDescendant
import androidx.compose.ui.test.hasContentDescription
import androidx.compose.ui.test.hasText
import androidx.compose.ui.test.junit4.v2.createEmptyComposeRule
import androidx.compose.ui.test.onNodeWithContentDescription
import androidx.compose.ui.test.onNodeWithTag
import androidx.compose.ui.test.performTextInput
import androidx.compose.ui.unit.dp
import androidx.test.ext.junit.runners.AndroidJUnit4
import chat.core.Connection
import chat.core.fixtures.waitUntil
import org.junit.Assert.assertEquals
import org.junit.Rule
import org.junit.Test
import org.junit.runner.RunWith

/** The conversation for somebody who hears the screen: what each thing is called, and what it offers. */
@RunWith(AndroidJUnit4::class)
class TalkBackTest {
    @get:Rule(order = 0)
    val compose = createEmptyComposeRule()

    @get:Rule(order = 1)
    val sample = Sample()

    @Test
    fun a_message_is_read_out_in_one_go_and_offers_what_its_menu_does() {
        sample.server.say(sample.room, "alice", "hello bob")
        sample.bobSays("hello alice")
        sample.launchLive()
        waitUntil("both are there") { sample.texts.size == 2 }
        compose.onNode(hasContentDescription("bob, ", substring = true) and says("hello alice")).assertIsDisplayed()
        val own = compose.onNode(hasContentDescription("You, ", substring = true) and says("hello bob"))
        own.assertIsDisplayed()
        val offers = own.fetchSemanticsNode().config[SemanticsActions.CustomActions].map { it.label }.toSet()
        assertEquals(setOf("Copy", "Edit", "Delete"), offers)
    }

    private fun says(text: String) = hasContentDescription(text, substring = true)

    @Test
    fun the_button_has_a_name_and_room_for_a_finger_and_the_status_can_be_heard() {
        sample.launchLive()
        compose.onNodeWithContentDescription("Connected by Polling").assertIsDisplayed()
        compose.onNodeWithTag("draft").performTextInput("hello")
        compose.onNodeWithContentDescription("Send").assertHasClickAction()
            .assertWidthIsAtLeast(48.dp).assertHeightIsAtLeast(48.dp)
    }

    @Test
    fun trouble_is_announced_without_being_asked_for() {
        sample.launchLive()
        sample.relay.down()
        waitUntil("there is trouble") { sample.connection is Connection.Waiting }
        val announced = SemanticsMatcher.expectValue(SemanticsProperties.LiveRegion, LiveRegionMode.Polite)
        compose.onNode(announced and hasAnyDescendant(hasText("You’re offline", substring = true))).assertIsDisplayed()
    }
}
