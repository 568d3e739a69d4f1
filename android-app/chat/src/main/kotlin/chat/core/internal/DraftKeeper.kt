package chat.core.internal

import chat.core.ChatException
import chat.core.ChatRoom
import chat.core.MessageText
import kotlin.time.Duration.Companion.milliseconds
import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.delay
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.collectLatest
import kotlinx.coroutines.flow.combine
import kotlinx.coroutines.withContext

/**
 * Keeps what stands in a text box with its room, where the next screen of the room finds it. Main thread only.
 *
 * @param whenStored Suspends while a text is being stored: until then nobody knows whether it still is a draft.
 */
internal class DraftKeeper(
    private val room: ChatRoom,
    private val draft: StateFlow<String>,
    private val whenStored: suspend () -> Unit
) {
    /**
     * Until cancelled: after each pause in typing, at once when the screen goes, and when the view model does.
     *
     * @param onFound Told first what an earlier screen has left; empty when that is nothing, or cannot be read.
     */
    suspend fun keep(isStarted: StateFlow<Boolean>, onFound: (String) -> Unit) {
        var isFound = false
        try {
            onFound(found())
            isFound = true
            combine(draft, isStarted, ::Pair).collectLatest { (text, isStarted) ->
                if (isStarted) delay(PAUSE)
                whenStored()
                if (text == draft.value) save(text)
            }
        } finally {
            withContext(NonCancellable) {
                whenStored()
                // An empty box that was left before anybody looked says nothing of what is kept.
                if (isFound || draft.value.isNotEmpty()) save(draft.value)
            }
        }
    }

    private suspend fun found(): String = try {
        room.draft()
    } catch (_: ChatException) {
        ""
    }

    private suspend fun save(text: String) {
        try {
            // A box that holds a book need not be written at each pause, and half a letter cannot be stored.
            room.saveDraft(text.take(LONGEST_KEPT_DRAFT).dropLastWhile { it.isHighSurrogate() })
        } catch (_: ChatException) {
            // Nothing the user could do about it; the next change is saved again, and the screen has it meanwhile.
        }
    }

    private companion object {
        /** Longer than between two keys, shorter than anybody takes to leave the app. */
        val PAUSE = 400.milliseconds
    }
}

/** In UTF-16 units: a message of the longest, spelt in the longest way. What is longer cannot be sent anyway. */
internal const val LONGEST_KEPT_DRAFT = 8 * MessageText.MAX_LENGTH
