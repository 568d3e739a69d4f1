package chat.core.compose

import androidx.activity.ComponentActivity
import androidx.compose.foundation.text.input.TextFieldState
import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.setValue
import androidx.compose.ui.test.junit4.v2.createAndroidComposeRule
import androidx.compose.ui.test.longClick
import androidx.compose.ui.test.onNodeWithTag
import androidx.compose.ui.test.onNodeWithText
import androidx.compose.ui.test.performClick
import androidx.compose.ui.test.performScrollToIndex
import androidx.compose.ui.test.performTextReplacement
import androidx.compose.ui.test.performTouchInput
import androidx.test.ext.junit.runners.AndroidJUnit4
import chat.core.ChatException
import chat.core.ChatFormats
import chat.core.ChatUiState
import chat.core.Connection
import chat.core.EndReason
import chat.core.Message
import chat.core.Problem
import chat.core.Transport
import chat.core.UnreadMark
import chat.core.fixtures.BareActivity
import chat.core.testing.exampleMessage
import chat.core.testing.exampleWaiting
import kotlin.time.Duration.Companion.seconds
import org.junit.Rule
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.annotation.Config

/** How a room looks, see [Golden]. */
@RunWith(AndroidJUnit4::class)
@Config(qualifiers = GOLDEN_SCREEN)
class ChatScreenshotTest {
    @get:Rule(order = 0)
    val activity = BareActivity()

    @get:Rule(order = 1)
    val compose = createAndroidComposeRule<ComponentActivity>()

    @get:Rule(order = 2)
    val golden = Golden("chat")

    private var state by mutableStateOf(ChatUiState())

    private fun picture(shown: ChatUiState, draft: String = "", title: String = "Lunch", act: () -> Unit = {}) {
        state = shown
        val composer = ComposerState(TextFieldState(draft))
        golden.check(compose, act) {
            ChatTheme { ChatScreen(state, title, composer, ChatActions()) }
        }
    }

    private fun english(
        messages: List<Message> = Screens.conversation(korean = false),
        connection: Connection = Connection.Live(Transport.WEB_SOCKET)
    ) = Screens.state(messages, connection = connection)

    private fun korean(
        messages: List<Message> = Screens.conversation(korean = true),
        connection: Connection = Connection.Live(Transport.WEB_SOCKET)
    ) = Screens.state(messages, Screens.korean, connection)

    private fun changed(korean: Boolean, formats: ChatFormats) =
        Screens.state(Screens.changed(korean), formats, unread = UnreadMark(after = 2, count = 44))

    private fun press(text: String) =
        compose.onNodeWithText(text).performTouchInput { longClick() }.also { compose.waitForIdle() }

    private fun tap(text: String) = compose.onNodeWithText(text).performClick().also { compose.waitForIdle() }

    @Test
    fun `light`() = picture(english())

    @Test
    @Config(qualifiers = "+night")
    fun `dark`() = picture(english(), "See you at half past twelve")

    @Test
    @Config(qualifiers = "+ko-rKR")
    fun `Korean`() = picture(korean(), title = "점심 모임 🍱")

    @Test
    @Config(qualifiers = "+ko-rKR-night")
    fun `Korean, dark`() = picture(korean(), "12시 반에 봐요", "점심 모임 🍱")

    @Test
    @Config(qualifiers = "+ar-ldrtl")
    fun `right to left`() = picture(Screens.state(Screens.troubled(korean = false), Screens.arabic), "مرحبا")

    @Test
    @Config(fontScale = 2f)
    fun `large type`() = picture(english(Screens.conversation(korean = false).takeLast(4)), "Me too")

    @Test
    @Config(qualifiers = "+ko-rKR", fontScale = 2f)
    fun `large type, Korean`() =
        picture(korean(Screens.troubled(korean = true).takeLast(2), exampleWaiting()), title = "점심 모임 🍱")

    @Test
    @Config(qualifiers = "w640dp-h360dp-land")
    fun `landscape`() = picture(english())

    @Test
    fun `loading`() = picture(ChatUiState(connection = Connection.Connecting))

    @Test
    fun `empty`() = picture(english(emptyList()))

    @Test
    fun `offline`() = picture(english(Screens.troubled(korean = false), exampleWaiting()))

    @Test
    @Config(qualifiers = "+ko-rKR-night")
    fun `offline, Korean, dark`() =
        picture(korean(Screens.troubled(korean = true), exampleWaiting()), title = "점심 모임 🍱")

    @Test
    fun `reconnecting`() = picture(english(connection = Connection.Waiting(Problem.SERVER, 2, 4.seconds)))

    @Test
    fun `signed out`() = picture(english(connection = Connection.Ended(EndReason.SESSION_ENDED)), "Not sent yet")

    @Test
    fun `room closed`() = picture(english(connection = Connection.Ended(EndReason.NOT_A_MEMBER)), "Not sent yet")

    @Test
    fun `failure`() = picture(ChatUiState(isLoading = false, failure = ChatException.CacheTooNew()))

    @Test
    fun `changes`() = picture(changed(korean = false, Screens.english).copy(hasOlder = true))

    @Test
    @Config(qualifiers = "+ko-rKR-night")
    fun `older failed, Korean, dark`() = picture(
        changed(korean = true, Screens.korean)
            .copy(hasOlder = true, olderFailure = ChatException.Offline(Problem.OFFLINE)),
        title = "점심 모임 🍱"
    ) { compose.onNodeWithTag("messages").performScrollToIndex(state.rows.size) }

    @Test
    fun `new messages`() {
        val history = Screens.history()
        picture(english(history.dropLast(3))) {
            compose.onNodeWithTag("messages").performScrollToIndex(8)
            compose.runOnIdle { state = english(history) }
        }
    }

    @Test
    fun `long message`() = picture(english(listOf(exampleMessage(1, text = "One line.\n".repeat(14).trim()))))

    @Test
    fun `menu`() = picture(english()) { press("I’m in! Where shall we meet?") }

    @Test
    @Config(qualifiers = "+ko-rKR-night")
    fun `edit, Korean, dark`() = picture(korean(), title = "점심 모임 🍱") {
        press("좋아요! 어디서 볼까요?")
        tap("수정")
        compose.onNodeWithTag("edit").performTextReplacement("좋아요! 어디서 만날까요?")
    }

    @Test
    fun `delete`() = picture(english()) {
        press("I’m in! Where shall we meet?")
        tap("Delete")
    }

    @Test
    fun `too long`() = picture(english(), "안녕".repeat(2_010))
}
