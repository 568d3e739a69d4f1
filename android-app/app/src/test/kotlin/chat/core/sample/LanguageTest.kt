package chat.core.sample

import androidx.compose.ui.test.junit4.v2.createEmptyComposeRule
import androidx.test.ext.junit.runners.AndroidJUnit4
import chat.core.ChatRow
import chat.core.fixtures.waitUntil
import org.junit.Assert.assertTrue
import org.junit.Rule
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RuntimeEnvironment

/** A phone that is set up anew while the sample is open. Only the host can do that to its phone on all versions. */
@RunWith(AndroidJUnit4::class)
class LanguageTest {
    @get:Rule(order = 0)
    val compose = createEmptyComposeRule()

    @get:Rule(order = 1)
    val sample = Sample()

    @Test
    fun `another language changes the days and the times of what is shown`() {
        sample.bobSays("what time is it?")
        sample.launchLive()
        waitUntil("alice reads it") { sample.texts.size == 1 }
        RuntimeEnvironment.setQualifiers("+ko-rKR")
        sample.scenario.recreate()
        waitUntil("the day is Korean") {
            // Collected by the new screen only when it is drawn.
            compose.waitForIdle()
            (rows().first() as ChatRow.DateSeparator).label.matches(Regex("\\d+년 \\d+월 \\d+일"))
        }
        val time = (rows().last() as ChatRow.Message).time
        assertTrue(time, time.startsWith("오전 ") || time.startsWith("오후 "))
    }

    private fun rows() = sample.model.state.value.rows
}
