package chat.core.compose

import androidx.activity.ComponentActivity
import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.setValue
import androidx.compose.ui.test.assertIsDisplayed
import androidx.compose.ui.test.hasText
import androidx.compose.ui.test.junit4.StateRestorationTester
import androidx.compose.ui.test.junit4.v2.createAndroidComposeRule
import androidx.compose.ui.test.onNodeWithTag
import androidx.compose.ui.test.onNodeWithText
import androidx.compose.ui.test.performScrollToIndex
import androidx.compose.ui.test.performTouchInput
import androidx.compose.ui.test.swipeUp
import androidx.test.ext.junit.runners.AndroidJUnit4
import chat.core.Connection
import chat.core.RoomListUiState
import chat.core.Transport
import chat.core.fixtures.BareActivity
import chat.core.fixtures.SCREEN
import chat.core.roomRows
import java.time.LocalDate
import org.junit.Assert.assertEquals
import org.junit.Rule
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.annotation.Config

/** What moves in the list and what does not: at the top one sees what is new, further down one is left alone. */
@RunWith(AndroidJUnit4::class)
@Config(qualifiers = SCREEN)
class RoomsListTest {
    @get:Rule(order = 0)
    val activity = BareActivity()

    @get:Rule(order = 1)
    val compose = createAndroidComposeRule<ComponentActivity>()

    private var state by mutableStateOf(RoomListUiState())
    private val screens by lazy { StateRestorationTester(compose) }
    private val all = (1L..60L).toList()

    private fun list(ids: List<Long>) = RoomListUiState(
        roomRows(ids.map { exampleRoom(it) }, Screens.english, LocalDate.parse("2024-08-07")),
        Connection.Live(Transport.POLLING),
        isLoading = false
    )

    private fun show(ids: List<Long>) {
        state = list(ids)
        screens.setContent { ChatTheme { RoomsScreen(state, onRoomClick = {}, onRestart = {}, onReopen = {}) } }
        compose.waitForIdle()
    }

    private fun change(ids: List<Long>) {
        compose.runOnIdle { state = list(ids) }
        compose.waitForIdle()
    }

    private fun toTop(vararg ids: Long) = ids.toList() + (all - ids.toSet())

    private fun top(id: Long) = compose.onNode(hasText("room $id")).fetchSemanticsNode().positionInRoot.y

    private fun isFirst(id: Long) = assertEquals(
        listOf(id),
        state.rows.map { it.room.id.value }.filter { isShown(it) }.sortedBy { top(it) }.take(1)
    )

    private fun isShown(id: Long) = compose.onAllNodes(hasText("room $id")).fetchSemanticsNodes()
        .any { it.boundsInRoot.height > 0 }

    /** Scrolls so that room 20 is the first on the screen, cut by its edge. */
    private fun scrollAway() {
        compose.onNodeWithTag("rooms").performScrollToIndex(18)
        compose.onNodeWithTag("rooms").performTouchInput { swipeUp(startY = height * 0.6f, endY = height * 0.5f) }
        compose.waitForIdle()
    }

    @Test
    fun `at the top the room that moves there is seen, and so is a new one`() {
        show(all)
        change(toTop(30))
        isFirst(30)
        change(toTop(50, 30))
        isFirst(50)
        change(listOf(99L) + toTop(50, 30))
        isFirst(99)
    }

    @Test
    fun `further down everything stays where it is, to the pixel`() {
        show(all)
        scrollAway()
        val before = top(24)
        change(toTop(50))
        assertEquals(before, top(24))
        change(listOf(99L) + toTop(50))
        assertEquals(before, top(24))
        change(listOf(99L) + (toTop(50) - 3L))
        assertEquals(before, top(24))
    }

    @Test
    fun `the first room on the screen goes to the top, and does not take the reader with it`() {
        show(all)
        scrollAway()
        val first = all.first { isShown(it) }
        val before = top(first + 1)
        change(toTop(first))
        assertEquals(before, top(first + 1))
        compose.onNodeWithText("room 1").assertDoesNotExist()
        change(toTop(first + 1, first))
        assertEquals(false, isShown(first))
        compose.onNodeWithText("room ${first + 2}").assertIsDisplayed()
    }

    @Test
    fun `a turned phone is where it was`() {
        show(all)
        scrollAway()
        val before = top(24)
        screens.emulateSavedInstanceStateRestore()
        assertEquals(before, top(24))
    }

    @Test
    fun `those that stayed are those that nothing overtook`() {
        assertEquals(setOf(1L, 2, 4), stayed(listOf(1, 2, 3, 4), listOf(3, 1, 2, 4)))
        assertEquals(setOf(1L, 3), stayed(listOf(1, 2, 3), listOf(9, 1, 3)))
        assertEquals(emptySet<Long>(), stayed(listOf(1, 2), listOf(3)))
    }
}
