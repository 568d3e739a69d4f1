package chat.core.sample

import androidx.compose.ui.test.assertIsDisplayed
import androidx.compose.ui.test.junit4.v2.createEmptyComposeRule
import androidx.compose.ui.test.longClick
import androidx.compose.ui.test.onNodeWithContentDescription
import androidx.compose.ui.test.onNodeWithTag
import androidx.compose.ui.test.onNodeWithText
import androidx.compose.ui.test.performClick
import androidx.compose.ui.test.performScrollToIndex
import androidx.compose.ui.test.performTextInput
import androidx.compose.ui.test.performTextReplacement
import androidx.compose.ui.test.performTouchInput
import androidx.test.ext.junit.runners.AndroidJUnit4
import chat.core.Change
import chat.core.Connection
import chat.core.Delivery
import chat.core.EndReason
import chat.core.MessageText
import chat.core.Problem
import chat.core.fixtures.coreThreads
import chat.core.fixtures.messages
import chat.core.fixtures.waitUntil
import kotlin.time.Duration.Companion.seconds
import org.junit.Assert.assertEquals
import org.junit.Rule
import org.junit.Test
import org.junit.runner.RunWith

/** Everything at once: activity, screen, view model, native core, HTTP, server. */
@RunWith(AndroidJUnit4::class)
class ConversationTest {
    @get:Rule(order = 0)
    val compose = createEmptyComposeRule()

    @get:Rule(order = 1)
    val sample = Sample()

    private fun type(text: String) = compose.onNodeWithTag("draft").performTextInput(text)

    private fun send(text: String) {
        type(text)
        compose.onNodeWithTag("send").performClick()
    }

    @Test
    fun two_people_talk() {
        sample.launchLive()
        send("안녕하세요, bob!")
        waitUntil("bob reads it") { sample.server.texts(sample.room) == listOf("안녕하세요, bob!") }
        sample.bobSays("반가워요 👋")
        waitUntil("alice reads it") { sample.texts.size == 2 }
        compose.onNodeWithText("안녕하세요, bob!").assertIsDisplayed()
        compose.onNodeWithText("반가워요 👋").assertIsDisplayed()
    }

    @Test
    fun the_native_core_works_below_the_screen_and_ends_with_its_client() {
        assertEquals(emptyList<String>(), coreThreads())
        sample.launchLive()
        assertEquals(true, coreThreads().isNotEmpty())
        sample.scenario.close()
        sample.forgetClients()
        waitUntil("the core's threads are gone") { coreThreads().isEmpty() }
    }

    @Test
    fun every_script_goes_through_the_screen_byte_for_byte() {
        sample.launchLive()
        val texts = listOf("한글과 漢字", "👩🏽‍🚀🇰🇷", "مرحبا שלום", "가".repeat(MessageText.MAX_LENGTH))
        texts.forEachIndexed { index, text ->
            send(text)
            waitUntil("number $index is stored and out of the box") { sample.texts.size == index + 1 }
            compose.onNodeWithText("Message").assertExists()
        }
        waitUntil("the server has them all", 20.seconds) { sample.server.texts(sample.room) == texts }
        assertEquals(texts, sample.texts)
    }

    @Test
    fun what_alice_regrets_is_edited_or_deleted_for_bob_too() {
        sample.launchLive()
        send("helo")
        send("bye")
        waitUntil("bob reads them") { sample.server.texts(sample.room) == listOf("helo", "bye") }
        waitUntil("both are confirmed") { sample.model.state.value.messages().all { it.id != null } }
        choose("helo", "Edit")
        compose.onNodeWithTag("edit").performTextReplacement("hello")
        compose.onNodeWithContentDescription("Save").performClick()
        choose("bye", "Delete")
        compose.onNodeWithText("Delete").performClick()
        waitUntil("bob reads what is left") { sample.server.texts(sample.room) == listOf("hello", "") }
        waitUntil("so does alice") { sample.model.state.value.messages().all { it.change == Change.None } }
        compose.onNodeWithText("hello").assertIsDisplayed()
        compose.onNodeWithText("edited").assertIsDisplayed()
        compose.onNodeWithText("Message deleted").assertIsDisplayed()
    }

    private fun choose(message: String, action: String) {
        compose.onNodeWithText(message).performTouchInput { longClick() }
        compose.onNodeWithText(action).performClick()
        compose.waitForIdle()
    }

    @Test
    fun whoever_scrolls_up_reads_it_all_and_whoever_comes_back_sees_what_is_unread() {
        sample.launchLive()
        sample.toBackground()
        repeat(230) { sample.bobSays("number ${it + 1}") }
        sample.toForeground()
        waitUntil("it has caught up") { sample.texts.lastOrNull() == "number 230" }
        compose.waitForIdle()
        waitUntil("it is read") { sample.server.reading(sample.room, "alice") == 230L to 0 }
        waitUntil("all are there", Sample.PATIENCE) {
            // Each page comes when its time has come: near the top.
            scrollToTop()
            sample.texts.size == 230
        }
        scrollToTop()
        assertEquals((1..230).map { "number $it" }, sample.texts)
        compose.onNodeWithText("number 1").assertIsDisplayed()
        compose.onNodeWithContentDescription("230 unread messages").assertIsDisplayed()
    }

    private fun scrollToTop() {
        compose.waitForIdle()
        compose.onNodeWithTag("messages").performScrollToIndex(sample.model.state.value.rows.size - 1)
        compose.waitForIdle()
    }

    @Test
    fun what_is_written_without_a_network_is_sent_once_when_there_is_one() {
        sample.launchLive()
        sample.relay.down()
        send("from the tunnel")
        waitUntil("one is told") { (sample.connection as? Connection.Waiting)?.problem == Problem.OFFLINE }
        waitUntil("it waits") { sample.model.state.value.messages().map { it.delivery } == listOf(Delivery.Pending) }
        compose.onNodeWithText("You’re offline. Messages are sent when you’re back.").assertIsDisplayed()
        sample.bobSays("where are you?")
        sample.relay.up()
        waitUntil("it is sent", Sample.PATIENCE) {
            sample.server.texts(sample.room) == listOf("where are you?", "from the tunnel")
        }
        waitUntil("alice reads both", Sample.PATIENCE) { sample.texts == listOf("where are you?", "from the tunnel") }
        compose.onNodeWithText("You’re offline. Messages are sent when you’re back.").assertDoesNotExist()
    }

    @Test
    fun without_a_network_one_reads_what_was_there_before() {
        sample.bobSays("kept")
        sample.launchLive()
        waitUntil("alice reads it") { sample.texts == listOf("kept") }
        sample.scenario.close()
        sample.forgetClients()
        sample.relay.down()
        sample.launch()
        waitUntil("the cache is read", Sample.PATIENCE) { sample.texts == listOf("kept") }
        compose.onNodeWithText("kept").assertIsDisplayed()
    }

    @Test
    fun when_the_session_ends_one_is_told_and_nothing_more_is_asked() {
        sample.launch(sample.account(token = sample.server.token("alice", 1.seconds)))
        type("half a thought")
        waitUntil("the session ends", Sample.PATIENCE) {
            sample.connection == Connection.Ended(EndReason.SESSION_ENDED)
        }
        compose.onNodeWithText("Sign in").assertIsDisplayed()
        compose.onNodeWithText("half a thought").assertIsDisplayed()
        sample.isSilent()
    }
}
