package chat.core.sample

import androidx.compose.ui.test.assertIsDisplayed
import androidx.compose.ui.test.junit4.v2.createEmptyComposeRule
import androidx.compose.ui.test.onAllNodesWithText
import androidx.compose.ui.test.onNodeWithText
import androidx.lifecycle.Lifecycle
import androidx.test.core.app.ActivityScenario
import androidx.test.ext.junit.runners.AndroidJUnit4
import chat.core.fixtures.waitUntil
import kotlin.time.Duration.Companion.seconds
import org.junit.Assert.assertEquals
import org.junit.Rule
import org.junit.Test
import org.junit.runner.RunWith

/** The list of rooms, on a phone whose user comes and goes. */
@RunWith(AndroidJUnit4::class)
class RoomsTest {
    @get:Rule(order = 0)
    val compose = createEmptyComposeRule()

    @get:Rule(order = 1)
    val sample = Sample()

    private fun launch(): ActivityScenario<RoomsActivity> =
        ActivityScenario.launch(sample.account().copy(room = 0).roomsIntent(sample.app))

    private fun isShown(text: String) =
        compose.onAllNodesWithText(text, substring = true).fetchSemanticsNodes().isNotEmpty()

    @Test
    fun the_list_is_asked_for_while_it_is_shown_and_not_in_the_background() {
        sample.bobSays("where are you?")
        launch().use { scenario ->
            waitUntil("it is listed", Sample.PATIENCE) { isShown("where are you?") }
            scenario.moveToState(Lifecycle.State.CREATED)
            sample.bobSays("hello?")
            // Longer than two questions for the list are apart.
            sample.isSilent(6.seconds)
            assertEquals("nothing is being answered", 0, sample.relay.held("/v1"))
            scenario.moveToState(Lifecycle.State.RESUMED)
            waitUntil("it has caught up") { isShown("hello?") }
            compose.onNodeWithText("hello?", substring = true).assertIsDisplayed()
        }
    }
}
