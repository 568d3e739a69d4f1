package chat.core.sample

import android.content.Intent
import androidx.compose.ui.test.assertIsDisplayed
import androidx.compose.ui.test.hasText
import androidx.compose.ui.test.junit4.v2.createEmptyComposeRule
import androidx.compose.ui.test.onNodeWithContentDescription
import androidx.compose.ui.test.onNodeWithTag
import androidx.compose.ui.test.onNodeWithText
import androidx.compose.ui.test.performClick
import androidx.compose.ui.test.performTextInput
import androidx.lifecycle.Lifecycle
import androidx.test.core.app.ActivityScenario
import androidx.test.core.app.ApplicationProvider
import androidx.test.ext.junit.runners.AndroidJUnit4
import chat.core.Connection
import chat.core.TransportChoice
import chat.core.fixtures.TestServer
import chat.core.fixtures.waitUntil
import kotlinx.coroutines.runBlocking
import org.junit.After
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertNull
import org.junit.Assert.assertTrue
import org.junit.Rule
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.Shadows.shadowOf

/** From the list to a room and back, and what becomes of a session that is over. */
@RunWith(AndroidJUnit4::class)
class RoomsActivityTest {
    @get:Rule
    val compose = createEmptyComposeRule()

    private val server = TestServer.shared
    private val app get() = ApplicationProvider.getApplicationContext<SampleApp>()

    /** A user that other tests know nothing of, so that the list is this test's own. */
    private val user = "alice-${System.nanoTime()}"

    @After
    fun end() = runBlocking { app.closeClients() }

    private fun account(token: String = server.token(user), room: Long = 0) =
        SampleAccount(server.url, user, token, room, TransportChoice.POLLING)

    private fun room(title: String) = server.createRoom(user, "bob", title = title)

    private fun launch(account: SampleAccount = account()): ActivityScenario<RoomsActivity> =
        ActivityScenario.launch(account.roomsIntent(app))

    /** What an activity started; here it is the test that carries it out. */
    private fun started(): Intent? = shadowOf(app).nextStartedActivity

    private fun shows(text: String) = waitUntil("\"$text\" is on the screen", Sample.PATIENCE) {
        compose.waitForIdle()
        compose.onAllNodes(hasText(text)).fetchSemanticsNodes().isNotEmpty()
    }

    private fun showsNo(text: String) = waitUntil("\"$text\" is not on the screen", Sample.PATIENCE) {
        compose.waitForIdle()
        compose.onAllNodes(hasText(text)).fetchSemanticsNodes().isEmpty()
    }

    @Test
    fun `a room is opened from the list, read, and left by the arrow`() {
        val lunch = room("점심")
        server.say(lunch, "bob", "12시 반?")
        launch().use { rooms ->
            shows("bob: 12시 반?")
            shows("1")
            compose.onNodeWithText("점심").performClick()
            compose.waitForIdle()
            val intent = checkNotNull(started())
            assertEquals(MainActivity::class.java.name, intent.component?.className)
            assertEquals("the token stays where it is kept", "", intent.getStringExtra("token"))
            rooms.moveToState(Lifecycle.State.CREATED)

            val chat = Robolectric.buildActivity(MainActivity::class.java, intent).setup()
            shadowOf(chat.get()).setIsTaskRoot(false)
            shows("12시 반?")
            compose.onNodeWithText("점심").assertIsDisplayed()
            waitUntil("it is read") { server.reading(lunch, user) == 1L to 0 }
            compose.onNodeWithContentDescription("Back").performClick()
            assertTrue(chat.get().isFinishing)
            assertNull("the list is still there", started())
            chat.pause().stop().destroy()

            rooms.moveToState(Lifecycle.State.RESUMED)
            showsNo("1")
            compose.onNodeWithText("bob: 12시 반?").assertIsDisplayed()
        }
    }

    @Test
    fun `an intent with a room opens it at once, above the list, and once`() {
        val lunch = room("Lunch")
        ActivityScenario.launch<RoomsActivity>(account().roomsIntent(app).putExtra("room", lunch)).use {
            assertEquals(lunch, started()?.getLongExtra("room", 0))
            it.recreate()
            assertNull(started())
            shows("Lunch")
        }
    }

    @Test
    fun `a room that was opened from outside leads back to the list`() {
        val intent = account(room = room("Lunch")).intent(app)
        val chat = Robolectric.buildActivity(MainActivity::class.java, intent).setup()
        shadowOf(chat.get()).setIsTaskRoot(true)
        compose.waitForIdle()
        compose.onNodeWithContentDescription("Back").performClick()
        assertEquals(RoomsActivity::class.java.name, started()?.component?.className)
        assertTrue(chat.get().isFinishing)
        chat.pause().stop().destroy()
    }

    @Test
    fun `without a token one is asked for, and it is kept`() {
        room("Lunch")
        launch(account(token = "")).use {
            shows("Token")
            compose.onNodeWithTag("token").performTextInput("  ${server.token(user)}\n")
            signIn()
            shows("Lunch")
        }
        runBlocking { app.closeClients() }
        launch(account(token = "")).use {
            shows("Lunch")
            showsNo("Token")
        }
    }

    @Test
    fun `when the session is over a new token takes up the list and the room`() {
        val lunch = room("Lunch")
        launch(account(token = "no good")).use { rooms ->
            shows("You’ve been signed out.")
            val intent = account(token = "", room = lunch).intent(app)
            rooms.moveToState(Lifecycle.State.CREATED)
            val chat = Robolectric.buildActivity(MainActivity::class.java, intent).setup()
            waitUntil("the room is over too", Sample.PATIENCE) {
                chat.get().model.state.value.connection is Connection.Ended
            }
            openDialog()
            compose.onNodeWithTag("token").performTextInput(server.token(user))
            signIn()
            waitUntil("the room is live", Sample.PATIENCE) {
                chat.get().model.state.value.connection is Connection.Live
            }
            showsNo("Token")
            chat.pause().stop().destroy()
            rooms.moveToState(Lifecycle.State.RESUMED)
            shows("Lunch")
            showsNo("You’ve been signed out.")
        }
    }

    private fun openDialog() {
        shows("Sign in")
        compose.onNodeWithText("Sign in").performClick()
        shows("Token")
    }

    private fun signIn() {
        compose.onNodeWithTag("sign-in").performClick()
        compose.waitForIdle()
    }

    @Test
    fun `no token shows in a log`() = assertFalse("secret" in account(token = "secret").toString())
}
