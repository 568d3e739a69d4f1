package chat.core.compose

import androidx.activity.ComponentActivity
import androidx.activity.enableEdgeToEdge
import androidx.compose.foundation.text.input.TextFieldState
import androidx.compose.ui.res.stringResource
import androidx.compose.ui.test.junit4.v2.createAndroidComposeRule
import androidx.compose.ui.test.longClick
import androidx.compose.ui.test.onNodeWithText
import androidx.compose.ui.test.performClick
import androidx.compose.ui.test.performTouchInput
import androidx.test.ext.junit.runners.AndroidJUnit4
import chat.core.ChatException
import chat.core.ChatFormats
import chat.core.ChatUiState
import chat.core.Connection
import chat.core.Problem
import chat.core.Transport
import chat.core.UnreadMark
import chat.core.fixtures.BareActivity
import chat.core.fixtures.SCREEN
import chat.core.fixtures.photograph
import java.io.File
import kotlin.time.Duration.Companion.seconds
import org.junit.Assert.assertTrue
import org.junit.Rule
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.annotation.Config

/** Pictures of the screen in target/screens, for people to look at: each must at least be drawn. */
@RunWith(AndroidJUnit4::class)
@Config(qualifiers = SCREEN)
class ScreenshotTest {
    @get:Rule(order = 0)
    val activity = BareActivity()

    @get:Rule(order = 1)
    val compose = createAndroidComposeRule<ComponentActivity>()

    private val offline = Connection.Waiting(Problem.OFFLINE, attempt = 2, retryIn = 4.seconds)

    private fun picture(name: String, state: ChatUiState, draft: String = "", act: () -> Unit = {}) {
        compose.runOnUiThread { compose.activity.enableEdgeToEdge() }
        compose.setContent {
            ChatTheme {
                ChatScreen(
                    state = state,
                    title = "Room 1",
                    composer = ComposerState(TextFieldState(draft)),
                    actions = ChatActions()
                )
            }
        }
        compose.waitForIdle()
        act()
        compose.waitForIdle()
        val file = File("target/screens/$name.png")
        compose.runOnUiThread { compose.activity.photograph(file) }
        assertTrue("$file is empty", file.length() > 10_000)
    }

    @Test
    fun `light`() = picture(
        "light",
        Screens.state(Screens.conversation(korean = false), connection = Connection.Live(Transport.WEB_SOCKET))
    )

    @Test
    @Config(qualifiers = "+night")
    fun `dark`() = picture("dark", Screens.state(Screens.conversation(korean = false)), "See you at half past twelve")

    @Test
    @Config(qualifiers = "+ko-rKR")
    fun `korean`() = picture(
        "korean",
        Screens.state(Screens.conversation(korean = true), Screens.korean, Connection.Live(Transport.SSE))
    )

    @Test
    fun `trouble`() =
        picture("trouble", Screens.state(Screens.troubled(false), connection = offline), "안녕".repeat(1_990))

    @Test
    @Config(qualifiers = "+ko-rKR-night")
    fun `trouble in Korean at night`() =
        picture("trouble-korean-dark", Screens.state(Screens.troubled(true), Screens.korean, offline))

    @Test
    @Config(qualifiers = "+ar-ldrtl")
    fun `from the right to the left`() = picture("rtl", Screens.state(Screens.troubled(korean = false)), "مرحبا")

    private fun changed(korean: Boolean, formats: ChatFormats) =
        Screens.state(Screens.changed(korean), formats, unread = UnreadMark(after = 2, count = 44))
            .copy(hasOlder = true, olderFailure = ChatException.Offline(Problem.OFFLINE))

    @Test
    fun `a gap, the unread line, changes`() = picture("changed", changed(korean = false, Screens.english))

    @Test
    @Config(qualifiers = "+ko-rKR-night")
    fun `the same in Korean at night`() = picture("changed-korean-dark", changed(korean = true, Screens.korean))

    @Test
    fun `menu`() = picture("menu", Screens.state(Screens.conversation(korean = false))) {
        compose.onNodeWithText("I’m in! Where shall we meet?").performTouchInput { longClick() }
    }

    @Test
    @Config(qualifiers = "+ko-rKR-night")
    fun `edit in Korean at night`() =
        picture("edit-korean-dark", Screens.state(Screens.conversation(true), Screens.korean)) {
            compose.onNodeWithText("좋아요! 어디서 볼까요?").performTouchInput { longClick() }
            compose.onNodeWithText("수정").performClick()
        }

    @Test
    fun `empty`() = picture("empty", Screens.state(emptyList()))

    @Test
    fun `failure`() = picture("failure", ChatUiState(isLoading = false, failure = ChatException.CacheTooNew()))
}
