// What docs/android.md shows, so that it compiles: scripts/check-docs holds the two together.
package chat.core.sample.guide

import android.app.Application
import android.content.Intent
import android.os.Bundle
import androidx.activity.ComponentActivity
import androidx.activity.compose.setContent
import androidx.activity.enableEdgeToEdge
import androidx.activity.viewModels
import chat.core.ChatClient
import chat.core.ChatConfig
import chat.core.ChatViewModel
import chat.core.EndReason
import chat.core.RoomId
import chat.core.RoomListViewModel
import chat.core.TransportChoice
import chat.core.compose.ChatRoute
import chat.core.compose.ChatTheme
import chat.core.compose.RoomsRoute
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.launch
import kotlinx.coroutines.sync.Mutex
import kotlinx.coroutines.sync.withLock

// DOC
class ChatApp : Application() {
    private val opening = Mutex()
    private var client: ChatClient? = null

    /** The one client of this process. An opening that failed is tried again by the next call. */
    suspend fun chat(): ChatClient = opening.withLock {
        client ?: ChatClient.open(this, ChatConfig("https://chat.example.com", userId = "alice"), LoginTokens())
            .also { client = it }
    }
}
// END DOC

// DOC
class ChatActivity : ComponentActivity() {
    private val model: ChatViewModel by viewModels {
        val app = application as ChatApp // the view model outlives this activity and must not hold on to it
        val room = RoomId(intent.getLongExtra("room", 1))
        ChatViewModel.factory { app.chat().room(room) }
    }

    override fun onCreate(savedInstanceState: Bundle?) {
        super.onCreate(savedInstanceState)
        enableEdgeToEdge()
        setContent {
            ChatTheme { ChatRoute(model, title = "Lunch") } // the room is polled while this is shown
        }
    }
}
// END DOC

// DOC
class RoomsActivity : ComponentActivity() {
    private val model: RoomListViewModel by viewModels {
        val app = application as ChatApp
        RoomListViewModel.factory { app.chat() }
    }

    override fun onCreate(savedInstanceState: Bundle?) {
        super.onCreate(savedInstanceState)
        enableEdgeToEdge()
        setContent {
            ChatTheme {
                RoomsRoute(model, onRoomClick = { room ->
                    startActivity(Intent(this, ChatActivity::class.java).putExtra("room", room.id.value))
                })
            }
        }
    }
}
// END DOC

fun configured() {
    // DOC
    val config = ChatConfig("https://chat.example.com", userId = "alice") {
        transport = TransportChoice.AUTO
        messagesKept = 10_000
    }
    // END DOC
    check(config.transport == TransportChoice.AUTO)
}

// DOC
suspend fun watch(client: ChatClient): EndReason = coroutineScope {
    val room = client.room(RoomId(1))
    val printer = launch { room.timeline.collect { println("${it.messages.size} messages, ${it.unread} unread") } }
    room.poll().also { printer.cancel() } // returns when the session or the room is over, and on nothing less
}
// END DOC
