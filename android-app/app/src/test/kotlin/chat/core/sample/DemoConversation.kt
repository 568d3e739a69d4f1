package chat.core.sample

import androidx.compose.ui.test.junit4.v2.createEmptyComposeRule
import androidx.compose.ui.test.onNodeWithTag
import androidx.compose.ui.test.performClick
import androidx.compose.ui.test.performTextInput
import androidx.lifecycle.Lifecycle
import androidx.test.core.app.ActivityScenario
import androidx.test.core.app.ApplicationProvider
import androidx.test.ext.junit.runners.AndroidJUnit4
import chat.core.ChatRow
import chat.core.ChatViewModel
import chat.core.Connection
import chat.core.Delivery
import chat.core.TransportChoice
import chat.core.fixtures.FaultProxy
import chat.core.fixtures.holdsFor
import chat.core.fixtures.photograph
import chat.core.fixtures.waitUntil
import java.io.File
import java.net.URI
import java.net.http.HttpClient
import java.net.http.HttpRequest
import java.net.http.HttpResponse
import java.time.LocalTime
import java.time.temporal.ChronoUnit
import kotlin.time.Duration.Companion.seconds
import kotlinx.coroutines.runBlocking
import org.json.JSONObject
import org.junit.Rule
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RuntimeEnvironment

/**
 * Not a test: alice's half of `scripts/demo`, played on the real activity, screen, view model and native core. Somebody
 * else, another process, has to answer each of her lines. Its name keeps it out of ordinary runs.
 *
 * ```
 * mvn -B -q verify -Dtest=DemoConversation -Dsurefire.failIfNoSpecifiedTests=false \
 *     -Dchat.demo=DIR -Dchat.demo.server=URL -Dchat.demo.token=JWT [-Dchat.demo.room=1] [-Dchat.demo.user=alice]
 * ```
 *
 * Writes pictures of the screen into DIR and what appears on it, with the time, to standard output.
 */
@RunWith(AndroidJUnit4::class)
class DemoConversation {
    @get:Rule
    val compose = createEmptyComposeRule()

    private val pictures = File(setting("chat.demo"))
    private val server = setting("chat.demo.server")
    private val token = setting("chat.demo.token")
    private val room = System.getProperty("chat.demo.room", "1").toLong()
    private val user = System.getProperty("chat.demo.user", "alice")

    /** Counts what the app asks; what alice sees it hands through untouched. */
    private val proxy = FaultProxy(server)
    private val http = HttpClient.newHttpClient()
    private val shown = HashSet<String>()
    private lateinit var model: ChatViewModel
    private lateinit var scenario: ActivityScenario<MainActivity>

    @Test
    fun play() {
        val app = ApplicationProvider.getApplicationContext<SampleApp>()
        scenario =
            ActivityScenario.launch(SampleAccount(proxy.url, user, token, room, TransportChoice.POLLING).intent(app))
        try {
            scenario.onActivity { model = it.model }
            await("the app is connected") { model.state.value.connection is Connection.Live }
            say("connected, polling started with the view model")
            picture("01-empty")

            sayAndHear("안녕하세요! 점심 같이 먹을래요?")
            sayAndHear("How about half past twelve? 🍜")
            sayAndHear("Every script goes through: 漢字, שלום, مرحبا")
            picture("02-conversation")

            background()
            trouble()

            RuntimeEnvironment.setQualifiers("+night")
            scenario.recreate()
            picture("05-dark")
            RuntimeEnvironment.setQualifiers("+ko-rKR-notnight")
            scenario.recreate()
            await("the days are Korean") { days().all { "년" in it } }
            picture("06-korean")
            say("the phone was turned twice meanwhile: the same view model, the same job")
        } finally {
            scenario.close()
            runBlocking { app.closeClients() }
            proxy.close()
        }
        say("left the screen: the view model is cleared and the job is over")
    }

    /** The screen goes away, the other one answers, nothing is asked; then it comes back and catches up. */
    private fun background() {
        val before = heard()
        val onServer = newestOnServer()
        write("One moment, my train comes…")
        await("her line has left the phone") { newestOnServer() != onServer }
        scenario.moveToState(Lifecycle.State.CREATED)
        say("screen in the background: polling stopped")
        val asked = proxy.polls
        await("the other one has answered") { newestOnServer()?.first != user }
        holdsFor(3.seconds, "nothing was asked") { proxy.polls <= asked + 1 }
        say("requests for messages since then: ${maxOf(0, proxy.polls - asked)}; the screen stands still")
        scenario.moveToState(Lifecycle.State.RESUMED)
        say("screen back: polling restarted")
        await("it has caught up") { heard() > before }
        picture("03-caught-up")
    }

    /** The server fails for a while; what alice writes waits on the phone and is sent once. */
    private fun trouble() {
        proxy.failAll(503, "unavailable")
        say("the server fails…")
        val before = heard()
        write("Can you hear me down here?")
        await("the trouble shows") {
            (model.state.value.connection as? Connection.Waiting)?.let { it.attempt > 1 } ==
                true
        }
        picture("04-waiting")
        proxy.heal()
        say("…and is back")
        await("the waiting line is sent") { messages().none { it.delivery != Delivery.Sent } }
        await("it is answered") { heard() > before }
    }

    private fun sayAndHear(text: String) {
        val before = heard()
        write(text)
        await("an answer to \"$text\"") { heard() > before }
    }

    private fun write(text: String) {
        val before = messages().size
        compose.onNodeWithTag("draft").performTextInput(text)
        compose.onNodeWithTag("send").performClick()
        await("\"$text\" is on the screen") { messages().size > before }
    }

    private fun messages() = model.state.value.rows.filterIsInstance<ChatRow.Message>().map { it.message }

    private fun days(): List<String> {
        compose.waitForIdle()
        return model.state.value.rows.filterIsInstance<ChatRow.DateSeparator>().map { it.label }
    }

    private fun heard() = messages().count { !it.isOwn }

    private fun await(what: String, condition: () -> Boolean) = waitUntil(what, DEADLINE) {
        report()
        condition()
    }

    /** Prints the lines that are new on the screen. */
    private fun report() = model.state.value.rows.filterIsInstance<ChatRow.Message>().forEach {
        if (shown.add(it.key)) say("${it.message.sender}: ${it.message.text}")
    }

    private fun say(line: String) = println("[android $user] ${LocalTime.now().truncatedTo(ChronoUnit.MILLIS)} $line")

    private fun picture(name: String) {
        await("the screen is complete") { model.state.value.connection != Connection.Connecting }
        compose.waitForIdle()
        scenario.onActivity { it.photograph(File(pictures, "$name.png")) }
    }

    /** Sender and text of the room's last message. Asked past the proxy, and by a route that is no poll. */
    private fun newestOnServer(): Pair<String, String>? {
        val request = HttpRequest.newBuilder(URI("$server/v1/rooms")).header("Authorization", "Bearer $token").build()
        val rooms = JSONObject(http.send(request, HttpResponse.BodyHandlers.ofString()).body()).getJSONArray("rooms")
        val summary = (0 until rooms.length()).map { rooms.getJSONObject(it) }.single { it.getLong("id") == room }
        return summary.optJSONObject("last_message")?.let { it.getString("sender") to it.getString("text") }
    }

    private fun setting(name: String) = requireNotNull(System.getProperty(name)) { "the demo needs -D$name=…" }

    private companion object {
        /** Generous: the other process may just be starting. */
        val DEADLINE = 60.seconds
    }
}
