package chat.core.sample.guide

import androidx.activity.ComponentActivity
import androidx.compose.ui.test.assertIsDisplayed
import androidx.compose.ui.test.hasText
import androidx.compose.ui.test.junit4.v2.createAndroidComposeRule
import androidx.compose.ui.test.onNodeWithText
import androidx.lifecycle.ViewModel
import androidx.lifecycle.viewModelScope
import androidx.test.ext.junit.runners.AndroidJUnit4
import chat.core.ChatClient
import chat.core.ChatViewModel
import chat.core.Delivery
import chat.core.compose.ChatRoute
import chat.core.fixtures.BareActivity
import chat.core.testing.FakeChatClient
import chat.core.testing.FakeChatRoom
import chat.core.testing.exampleFormats
import chat.core.testing.exampleRoomSummary
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.ExperimentalCoroutinesApi
import kotlinx.coroutines.flow.SharingStarted
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.map
import kotlinx.coroutines.flow.stateIn
import kotlinx.coroutines.test.UnconfinedTestDispatcher
import kotlinx.coroutines.test.resetMain
import kotlinx.coroutines.test.runTest
import kotlinx.coroutines.test.setMain
import org.junit.After
import org.junit.Assert.assertEquals
import org.junit.Before
import org.junit.Rule
import org.junit.Test
import org.junit.runner.RunWith

// DOC
class BadgeViewModel(client: ChatClient) : ViewModel() {
    val unread: StateFlow<Int> = client.rooms
        .map { list -> list.rooms.sumOf { it.unread } }
        .stateIn(viewModelScope, SharingStarted.Eagerly, 0)
}
// END DOC

// DOC
@OptIn(ExperimentalCoroutinesApi::class)
class BadgeViewModelTest {
    @Before
    fun begin() = Dispatchers.setMain(UnconfinedTestDispatcher()) // a bare JVM has no main thread

    @After
    fun end() = Dispatchers.resetMain()

    @Test
    fun `the badge counts what is unread in all rooms`() {
        val client = FakeChatClient()
        val model = BadgeViewModel(client)
        client.showRooms(exampleRoomSummary(1, unread = 2), exampleRoomSummary(2, unread = 3))
        assertEquals(5, model.unread.value)
    }

    @Test
    fun `what is said offline waits, and is sent when there is a network`() = runTest {
        val room = FakeChatRoom()
        room.goOffline()
        val key = room.send("hello")
        assertEquals(Delivery.Pending, room.timeline.value.messages.single().delivery)
        room.goOnline()
        room.deliver(key)
        assertEquals(Delivery.Sent, room.timeline.value.messages.single().delivery)
    }
}
// END DOC

@RunWith(AndroidJUnit4::class)
class ChatScreenTest {
    @get:Rule(order = 0)
    val activity = BareActivity()

    @get:Rule(order = 1)
    val compose = createAndroidComposeRule<ComponentActivity>()

    // DOC
    @Test
    fun `what is received shows`() {
        val room = FakeChatRoom()
        val model = ChatViewModel({ room }, exampleFormats())
        compose.setContent { ChatRoute(model, title = "Lunch") }
        room.receive("Where do we meet?", sender = "bob")
        compose.waitUntil(5_000) { compose.onAllNodes(hasText("Where do we meet?")).fetchSemanticsNodes().isNotEmpty() }
        compose.onNodeWithText("Where do we meet?").assertIsDisplayed()
    }
    // END DOC
}
