package chat.core

import androidx.lifecycle.Lifecycle
import androidx.test.ext.junit.runners.AndroidJUnit4
import chat.core.fixtures.ScreenOwner
import chat.core.fixtures.waitUntil
import chat.core.testing.FakeChatClient
import chat.core.testing.exampleRoomSummary
import java.time.Clock
import java.time.Instant
import java.time.LocalDate
import java.time.ZoneId
import java.time.ZoneOffset
import java.util.Locale
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.Job
import kotlinx.coroutines.cancel
import kotlinx.coroutines.launch
import org.junit.Assert.assertEquals
import org.junit.Test
import org.junit.runner.RunWith

/** From a client's rooms to what the list shows, without a core. */
@RunWith(AndroidJUnit4::class)
class RoomListViewModelStateTest {
    private val seoul = ChatFormats(Locale.KOREA, ZoneId.of("Asia/Seoul"), "a h:mm")
    private val client = FakeChatClient()

    @Volatile
    private var now = Instant.parse("2024-08-07T03:00:00Z")
    private val clock = object : Clock() {
        override fun getZone() = ZoneOffset.UTC
        override fun withZone(zone: ZoneId) = this
        override fun instant() = now
    }

    private fun model() = RoomListViewModel({ client }, seoul, clock)

    private fun RoomListViewModel.times() = state.value.rows.map { it.time }

    private fun recent(at: String, formats: ChatFormats = seoul) =
        formats.recent(Instant.parse(at), LocalDate.parse("2024-08-07"))

    @Test
    fun `today has the time, yesterday its name, six days their weekday, and what is older the date`() {
        val days = listOf(
            "2024-08-07T01:30:00Z",
            "2024-08-06T01:30:00Z",
            "2024-08-05T01:30:00Z",
            "2024-08-01T01:30:00Z",
            "2024-07-31T01:30:00Z"
        )
        assertEquals(listOf("오전 10:30", "어제", "월요일", "목요일", "2024. 7. 31."), days.map { recent(it) })
        val american = ChatFormats(Locale.US, ZoneId.of("Asia/Seoul"), "h:mm a")
        assertEquals(
            listOf("10:30 AM", "Yesterday", "Monday", "Thursday", "Jul 31, 2024"),
            days.map { recent(it, american) }
        )
    }

    @Test
    fun `digits are those of the language`() {
        val egypt = ChatFormats(Locale.forLanguageTag("ar-EG"), ZoneId.of("Asia/Seoul"), "h:mm")
        assertEquals("١٠:٣٠", egypt.time(Instant.parse("2024-08-07T01:30:00Z")))
        assertEquals("٧ أغسطس ٢٠٢٤", egypt.date(LocalDate.parse("2024-08-07")))
    }

    @Test
    fun `midnight is the user's, and a server that is ahead of the phone is still today`() {
        assertEquals("오전 12:00", recent("2024-08-06T15:00:00Z"))
        assertEquals("어제", recent("2024-08-06T14:59:59Z"))
        assertEquals("오전 12:01", recent("2024-08-07T15:01:00Z"))
        assertEquals("2024. 8. 9.", recent("2024-08-09T01:00:00Z"))
    }

    @Test
    fun `a room in which nothing was said has no time`() {
        client.showRooms(exampleRoomSummary(1, lastMessage = null), exampleRoomSummary(2))
        val model = model()
        waitUntil("they are listed") { model.times() == listOf("", "오전 10:30") }
    }

    @Test
    fun `another language, zone or clock changes what is shown at once`() {
        client.showRooms(exampleRoomSummary())
        val model = model()
        waitUntil("it is listed") { model.times() == listOf("오전 10:30") }
        model.setFormats(ChatFormats(Locale.US, ZoneId.of("America/New_York"), "h:mm a"))
        waitUntil("it is shown anew") { model.times() == listOf("9:30 PM") }
    }

    @Test
    fun `at midnight today becomes yesterday`() {
        client.showRooms(exampleRoomSummary())
        now = Instant.parse("2024-08-07T14:59:59.900Z")
        val model = model()
        waitUntil("it is today") { model.times() == listOf("오전 10:30") }
        now = Instant.parse("2024-08-07T15:00:00Z")
        waitUntil("it is yesterday") { model.times() == listOf("어제") }
    }

    @Test
    fun `whoever comes back on another day reads of yesterday`() {
        val owner = ScreenOwner()
        client.showRooms(exampleRoomSummary())
        val model = model()
        owner.lifecycle.currentState = Lifecycle.State.RESUMED
        owner.lifecycle.addObserver(model)
        waitUntil("it is today") { model.times() == listOf("오전 10:30") && client.roomPollers == 1 }
        owner.lifecycle.currentState = Lifecycle.State.CREATED
        waitUntil("it rests") { client.roomPollers == 0 }
        now = Instant.parse("2024-08-08T03:00:00Z")
        owner.lifecycle.currentState = Lifecycle.State.RESUMED
        waitUntil("it is yesterday") { model.times() == listOf("어제") }
    }

    @Test
    fun `an empty cache is loading until the server has been heard`() {
        client.rooms.value = RoomList.NotLoaded
        client.roomsConnection.value = Connection.Connecting
        val model = model()
        waitUntil("the job runs") { client.roomPollers == 1 }
        assertEquals(true, model.state.value.isLoading)
        client.showRooms()
        waitUntil("the list is shown") { model.state.value.connection is Connection.Connecting }
        assertEquals(true, model.state.value.isLoading)
        client.roomsConnection.value = Connection.Live(Transport.POLLING)
        waitUntil("there are none") { !model.state.value.isLoading }
    }

    @Test
    fun `an event that nobody collected is still there`() {
        val model = model()
        client.endSession()
        waitUntil("the job is over") { client.roomPollers == 0 }
        val events = mutableListOf<RoomListEvent>()
        val screen = CoroutineScope(Dispatchers.Unconfined + Job())
        screen.launch { model.events.collect { events += it } }
        waitUntil("the end is told") { events == listOf(RoomListEvent.SessionEnded) }
        screen.cancel()
    }
}
