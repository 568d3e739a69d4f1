package chat.core.sample

import androidx.lifecycle.Lifecycle
import androidx.test.core.app.ActivityScenario
import androidx.test.core.app.ApplicationProvider
import chat.core.ChatViewModel
import chat.core.Connection
import chat.core.TransportChoice
import chat.core.fixtures.Relay
import chat.core.fixtures.TestServer
import chat.core.fixtures.holdsFor
import chat.core.fixtures.texts
import chat.core.fixtures.waitUntil
import java.io.File
import kotlin.time.Duration
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.seconds
import kotlin.time.TimeSource
import kotlinx.coroutines.runBlocking
import org.junit.rules.ExternalResource

/** alice's phone with the sample on it, and a wire of its own to the server. Nothing is left of it after the test. */
class Sample : ExternalResource() {
    val server = TestServer.shared
    val relay = Relay(server.url)
    val app: SampleApp get() = ApplicationProvider.getApplicationContext()
    val room: Long by lazy { server.createRoom() }
    lateinit var model: ChatViewModel
        private set
    lateinit var scenario: ActivityScenario<MainActivity>
        private set

    override fun after() {
        if (::scenario.isInitialized) scenario.close()
        forgetClients()
        relay.close()
        File(app.noBackupFilesDir, "chat-core").deleteRecursively()
    }

    fun account(transport: TransportChoice = TransportChoice.POLLING, token: String = server.token("alice")) =
        SampleAccount(relay.url, "alice", token, room, transport)

    /** Shows [account]'s room. */
    fun launch(account: SampleAccount = account()) {
        scenario = ActivityScenario.launch(account.intent(app))
        meetModel()
    }

    /** The view model of the activity of now. */
    fun meetModel() = onActivity { model = it.model }

    /** On the main thread, which a test on a device is not. */
    fun onActivity(look: (MainActivity) -> Unit) {
        scenario.onActivity { look(it) }
    }

    fun launchLive(account: SampleAccount = account()) {
        launch(account)
        waitUntil("it is live", PATIENCE) { connection is Connection.Live }
    }

    val connection: Connection? get() = model.state.value.connection

    /** What alice's screen shows. */
    val texts: List<String> get() = model.state.value.texts()

    /** alice turns to another app. */
    fun toBackground() {
        scenario.moveToState(Lifecycle.State.CREATED)
    }

    /** And back. */
    fun toForeground() {
        scenario.moveToState(Lifecycle.State.RESUMED)
    }

    fun forgetClients() = runBlocking { app.closeClients() }

    fun bobSays(text: String) {
        server.say(room, "bob", text)
    }

    /** Nothing travels for as long as a lively room's polls are apart, and some, or [time]. */
    fun isSilent(time: Duration = 1.seconds + 500.milliseconds) {
        var asked = relay.log.size
        var since = TimeSource.Monotonic.markNow()
        waitUntil("what was just being asked has gone through") {
            if (relay.log.size != asked) {
                asked = relay.log.size
                since = TimeSource.Monotonic.markNow()
            }
            since.elapsedNow() > 300.milliseconds
        }
        holdsFor(time, "nothing was asked") { relay.log.size == asked }
    }

    companion object {
        /** An emulator that has just booted takes its time over a first screen. */
        val PATIENCE = 30.seconds
    }
}
