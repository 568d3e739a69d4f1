package chat.core.compose

import androidx.activity.ComponentActivity
import androidx.compose.material3.IconButton
import androidx.compose.material3.Text
import androidx.compose.ui.test.assertIsDisplayed
import androidx.compose.ui.test.hasText
import androidx.compose.ui.test.junit4.v2.createAndroidComposeRule
import androidx.compose.ui.test.onNodeWithContentDescription
import androidx.compose.ui.test.onNodeWithText
import androidx.compose.ui.test.performClick
import androidx.lifecycle.Lifecycle
import androidx.lifecycle.ViewModelProvider
import androidx.lifecycle.get
import androidx.test.ext.junit.runners.AndroidJUnit4
import chat.core.ChatClient
import chat.core.Connection
import chat.core.RoomId
import chat.core.RoomListViewModel
import chat.core.fixtures.BareActivity
import chat.core.fixtures.ChatRule
import chat.core.fixtures.SCREEN
import chat.core.fixtures.holdsFor
import chat.core.fixtures.waitUntil
import chat.core.testing.FakeChatClient
import kotlin.time.Duration.Companion.milliseconds
import kotlinx.coroutines.runBlocking
import org.junit.Assert.assertEquals
import org.junit.Assert.assertNotSame
import org.junit.Assert.assertSame
import org.junit.Rule
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.annotation.Config

/** The list with its view model in an activity: on a client that lists what it is told to, and on the real server. */
@RunWith(AndroidJUnit4::class)
@Config(qualifiers = SCREEN)
class RoomsRouteTest {
    @get:Rule(order = 0)
    val activity = BareActivity()

    @get:Rule(order = 1)
    val compose = createAndroidComposeRule<ComponentActivity>()

    @get:Rule(order = 2)
    val chat = ChatRule()

    private val scenario get() = compose.activityRule.scenario
    private val opened = mutableListOf<RoomId>()
    private var signIns = 0
    private var back = 0

    private fun show(openClient: suspend () -> ChatClient): RoomListViewModel {
        lateinit var model: RoomListViewModel
        scenario.onActivity {
            model = ViewModelProvider.create(it, RoomListViewModel.factory(openClient)).get<RoomListViewModel>()
            it.lifecycle.addObserver(model)
        }
        compose.setContent {
            ChatTheme {
                RoomsRoute(
                    model = model,
                    onRoomClick = { opened += it.id },
                    navigationIcon = { IconButton(onClick = { back++ }) { Text("<") } },
                    onSignIn = { signIns++ }
                )
            }
        }
        compose.waitForIdle()
        return model
    }

    /** Rows are made on another thread, which Compose's own idling does not know of. */
    private fun await(text: String) = compose.waitUntil(10_000) {
        compose.onAllNodes(hasText(text)).fetchSemanticsNodes().isNotEmpty()
    }

    private fun awaitGone(text: String) = compose.waitUntil(10_000) {
        compose.onAllNodes(hasText(text)).fetchSemanticsNodes().isEmpty()
    }

    @Test
    fun `a tap opens the room, and an app puts its own button before the title`() {
        val client = FakeChatClient().apply { showRooms(exampleRoom(7, "Lunch")) }
        show { client }
        await("Lunch")
        compose.onNodeWithText("Lunch").performClick()
        assertEquals(listOf(RoomId(7)), opened)
        compose.onNodeWithText("<").performClick()
        assertEquals(1, back)
    }

    @Test
    fun `when the session is over there is a way to the app's login, and the list goes on after it`() {
        val client = FakeChatClient()
        val model = show { client }
        client.endSession()
        await("You’ve been signed out.")
        compose.onNodeWithText("Sign in").performClick()
        assertEquals(1, signIns)
        runBlocking { client.resumeSession() }
        compose.runOnUiThread { model.restart() }
        awaitGone("You’ve been signed out.")
        assertEquals(1, client.roomPollers)
    }

    /** A user that other tests know nothing of, so that the list is this test's own. */
    private val user = "alice-${System.nanoTime()}"

    private fun client() = chat.client(chat.config(user = user)) { chat.server.token(user) }

    private fun asked() = chat.proxy.log.count { it == "GET /v1/rooms" }

    @Test
    fun `on the real server, a new room appears, and its count goes when it is read`() {
        val client = client()
        show { client }
        await("No chats yet")
        val lunch = chat.server.createRoom(user, "bob", title = "점심 🍱")
        await("점심 🍱")
        chat.server.say(lunch, "bob", "12시 반?")
        await("bob: 12시 반?")
        await("1")
        runBlocking {
            val room = client.room(RoomId(lunch))
            room.start()
            waitUntil("it is there") { room.timeline.value.messages.size == 1 }
            room.markAllRead()
        }
        awaitGone("1")
        compose.onNodeWithText("bob: 12시 반?").assertIsDisplayed()
    }

    @Test
    fun `on the real server, in the background nothing is asked, and coming back catches up`() {
        val room = chat.server.createRoom(user, "bob", title = "Lunch")
        val client = client()
        val model = show { client }
        await("Lunch")
        scenario.moveToState(Lifecycle.State.CREATED)
        waitUntil("the job rests") { model.state.value.connection == Connection.Idle }
        // What was on its way may just have arrived.
        holdsFor(100.milliseconds, "nothing was listed") { model.state.value.rows.single().room.unread == 0 }
        val before = asked()
        chat.server.say(room, "bob", "are you there?")
        holdsFor(1_000.milliseconds, "nothing was asked") { asked() == before }
        scenario.moveToState(Lifecycle.State.RESUMED)
        await("bob: are you there?")
        compose.onNodeWithContentDescription("Lunch, 1 unread message, bob: are you there?", substring = true)
            .assertIsDisplayed()
    }

    @Test
    fun `on the real server, a turned phone keeps the job`() {
        chat.server.createRoom(user, "bob", title = "Lunch")
        val client = client()
        val model = show { client }
        await("Lunch")
        lateinit var before: ComponentActivity
        scenario.onActivity { before = it }
        val hold = chat.proxy.hold { it.requestURI.path == "/v1/rooms" }
        waitUntil("a question is held") { hold.hasArrived }
        val asked = asked()
        scenario.recreate()
        scenario.onActivity {
            assertNotSame(before, it)
            assertSame(
                model,
                ViewModelProvider.create(
                    it,
                    RoomListViewModel.factory {
                        client
                    }
                ).get<RoomListViewModel>()
            )
            it.lifecycle.addObserver(model)
        }
        // Had the job been restarted, it would have dropped the held question and asked another one.
        holdsFor(300.milliseconds, "nothing else was asked") { asked() == asked }
        hold.release()
        waitUntil("it goes on") { asked() > asked }
    }
}
