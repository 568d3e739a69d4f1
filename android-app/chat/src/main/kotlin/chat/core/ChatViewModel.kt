package chat.core

import androidx.lifecycle.DefaultLifecycleObserver
import androidx.lifecycle.LifecycleOwner
import androidx.lifecycle.SavedStateHandle
import androidx.lifecycle.ViewModel
import androidx.lifecycle.ViewModelProvider
import androidx.lifecycle.createSavedStateHandle
import androidx.lifecycle.viewModelScope
import androidx.lifecycle.viewmodel.initializer
import androidx.lifecycle.viewmodel.viewModelFactory
import chat.core.internal.DraftKeeper
import chat.core.internal.LONGEST_KEPT_DRAFT
import chat.core.internal.Refusals
import chat.core.internal.RowMemory
import chat.core.internal.ScreenGate
import chat.core.internal.UnreadLine
import chat.core.internal.isSilent
import kotlin.time.Duration.Companion.seconds
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Deferred
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.Job
import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.async
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.flow.combine
import kotlinx.coroutines.flow.conflate
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.flow.flowOn
import kotlinx.coroutines.flow.map
import kotlinx.coroutines.flow.receiveAsFlow
import kotlinx.coroutines.flow.update
import kotlinx.coroutines.launch
import kotlinx.coroutines.withContext
import kotlinx.coroutines.withTimeoutOrNull

/**
 * The state of one chat screen, and the owner of its polling job: polling starts with the view model and stops when
 * it is cleared. In between it rests while the screen is not started, if a lifecycle observes it. `ChatRoute` sees to
 * that; a screen of one's own does so in its activity:
 *
 * ```
 * private val model: ChatViewModel by viewModels { ChatViewModel.factory { client().room(RoomId(1)) } }
 *
 * override fun onCreate(savedInstanceState: Bundle?) {
 *     super.onCreate(savedInstanceState)
 *     lifecycle.addObserver(model)
 * ```
 *
 * A turned phone is no reason to rest: the job lives on from one activity to the next. That is why it is the activity's
 * lifecycle that is to be observed; a fragment cannot tell being turned from being left, and the job would start anew.
 *
 * Call it on the main thread.
 *
 * @param openRoom Gets the room, on the main thread, suspending for as long as it takes. A [ChatException] is shown
 *   as [ChatUiState.failure]; any other exception is the app's own and not caught.
 * @param formats How the user reads dates and times, until [setFormats].
 * @param savedState Keeps [draft] and [scrollAnchor] when the system ends the process; [factory] brings the screen's.
 */
public class ChatViewModel(
    private val openRoom: suspend () -> ChatRoom,
    formats: ChatFormats,
    private val savedState: SavedStateHandle = SavedStateHandle()
) : ViewModel(),
    DefaultLifecycleObserver {
    private val mutableState = MutableStateFlow(ChatUiState())

    /** What the screen shows. */
    public val state: StateFlow<ChatUiState> = mutableState.asStateFlow()

    // An event that was handed to a collector just as that collector was cancelled goes back into the queue.
    private val eventQueue: Channel<ChatEvent> = Channel(Channel.UNLIMITED, onUndeliveredElement = ::sendEvent)

    /** What happened, each once; kept while nobody collects. For one collector: the screen. */
    public val events: Flow<ChatEvent> = eventQueue.receiveAsFlow()

    /** Whether what the room keeps is what this screen had, even if that is nothing by now: there is nothing to find then. */
    private var isDraftOurs = DRAFT in savedState

    private val mutableDraft = MutableStateFlow(savedState.get<String>(DRAFT).orEmpty())

    /**
     * What was typed and not sent, to begin a text box with: it survives a turned phone and the end of the process,
     * and is kept with the room for the next screen of it, which hears of it by [ChatEvent.DraftFound].
     * A text that was stored is taken out of it, and what was typed meanwhile stays; see [MessageText.remainder].
     */
    public val draft: StateFlow<String> = mutableDraft.asStateFlow()

    /**
     * Where the reader is, to begin a list with; `null` at the newest message. Set by the screen when it scrolls; it
     * survives what [draft] survives.
     */
    public var scrollAnchor: ScrollAnchor?
        get() = savedState.get<LongArray>(ANCHOR)?.let { (key, offset) ->
            ScrollAnchor(MessageKey(key), offset.toInt())
        }
        set(value) {
            savedState[ANCHOR] = value?.run { longArrayOf(key.value, offset.toLong(), numberAt(key)) }
        }

    /**
     * The number of the message of [key], or of the last before it that has one: no older one need be looked at to find
     * it. The key of most is their number; the others were written here.
     */
    private fun numberAt(key: MessageKey): Long {
        if (key.value > 0) return key.value
        val rows = state.value.rows
        for (index in rows.indexOfLast { it is ChatRow.Message && it.message.key == key } downTo 0) {
            return (rows[index] as? ChatRow.Message)?.message?.id ?: continue
        }
        return Long.MAX_VALUE
    }

    private val formats = MutableStateFlow(formats)

    private val screen = ScreenGate()
    private var room: Deferred<ChatRoom> = open()
    private var showJob: Job? = null
    private var pollJob: Job? = null
    private var sendJob: Job? = null
    private var olderJob: Job? = null
    private var draftJob: Job? = null

    init {
        show()
        keepDraft()
        startPolling()
    }

    /** Stores [text] for sending. Ends in [ChatEvent.Stored] or [ChatEvent.NotStored]; a second tap is no second text. */
    public fun send(text: String) {
        if (sendJob?.isActive == true) return
        sendJob = viewModelScope.launch {
            mutableState.update { it.copy(isSending = true) }
            try {
                val room = room.await()
                // Whoever leaves meanwhile leaves no draft of what is sent.
                withContext(NonCancellable) {
                    room.send(text)
                    setDraft(MessageText.remainder(draft.value, text))
                }
                sendEvent(ChatEvent.Stored(text))
            } catch (e: ChatException) {
                sendEvent(ChatEvent.NotStored(text, e))
            } finally {
                mutableState.update { it.copy(isSending = false) }
            }
        }
    }

    /** Notes what stands in the text box. */
    public fun setDraft(text: String) {
        if (text == draft.value) return
        mutableDraft.value = text
        // The system allows all screens together about a megabyte.
        savedState[DRAFT] = text.take(LONGEST_KEPT_DRAFT)
    }

    /**
     * Has one's own message say [text] instead; see [ChatRoom.edit]. Ends in [ChatEvent.EditStored] or
     * [ChatEvent.EditNotStored].
     */
    @JvmName("edit")
    public fun edit(key: MessageKey, text: String): Unit = act({ ChatEvent.EditNotStored(key, it) }) {
        it.edit(key, text)
        sendEvent(ChatEvent.EditStored(key))
    }

    /** Deletes one's own message; see [ChatRoom.delete]. */
    @JvmName("delete")
    public fun delete(key: MessageKey): Unit = act { it.delete(key) }

    /** Tries again what the server refused: a message, or a change of one. */
    @JvmName("retry")
    public fun retry(key: MessageKey): Unit = act { it.retry(key) }

    /** Takes back what was refused or has not been sent: a message, or a change of one. */
    @JvmName("discard")
    public fun discard(key: MessageKey): Unit = act { it.discard(key) }

    /**
     * Has older messages fetched. For a list to call whenever it nears its top: while they are being fetched, and when
     * there are none, it does nothing. [ChatUiState] says how it goes.
     */
    public fun loadOlder() {
        if (olderJob?.isActive == true || !state.value.hasOlder) return
        mutableState.update { it.copy(isLoadingOlder = true, olderFailure = null) }
        olderJob = viewModelScope.launch {
            var failure: ChatException? = null
            try {
                room.await().loadOlder()
            } catch (e: ChatException) {
                failure = e
            } finally {
                mutableState.update { it.copy(isLoadingOlder = false, olderFailure = failure) }
            }
        }
    }

    /** Notes that the message has been on the screen, and with it all before it; see [ChatRoom.markRead]. */
    @JvmName("markRead")
    public fun markRead(key: MessageKey) {
        viewModelScope.launch {
            try {
                room.await().markRead(key)
            } catch (_: ChatException) {
                // Nothing the user could do about it: what they read next notes this one too.
            }
        }
    }

    /** Starts the job anew after it ended: when the user has logged in again, or is back in the room. */
    public fun restart(): Unit = startPolling()

    /** Tries again to open a room that failed to open. */
    public fun reopen() {
        mutableState.update { it.copy(failure = null, isLoading = true) }
        room = open()
        show()
        keepDraft()
        startPolling()
    }

    /** Says how the user reads dates and times from now on. */
    public fun setFormats(formats: ChatFormats) {
        this.formats.value = formats
    }

    override fun onCreate(owner: LifecycleOwner): Unit = screen.onCreate()

    override fun onStart(owner: LifecycleOwner): Unit = screen.onStart()

    override fun onStop(owner: LifecycleOwner): Unit = screen.onStop(owner)

    override fun onCleared() {
        pollJob?.cancel()
    }

    private fun startPolling() {
        pollJob?.cancel()
        pollJob = viewModelScope.launch {
            val room = roomOrNull() ?: return@launch
            val reason = screen.whileStarted { room.poll() }
            when (reason) {
                EndReason.SESSION_ENDED -> sendEvent(ChatEvent.SessionEnded)
                EndReason.NOT_A_MEMBER, EndReason.ROOM_NOT_FOUND -> sendEvent(ChatEvent.RoomUnavailable(reason))
                EndReason.CLIENT_CLOSED -> mutableState.update { it.copy(failure = ChatException.Closed()) }
            }
        }
    }

    private fun open() = viewModelScope.async(start = CoroutineStart.UNDISPATCHED) { openRoom() }

    private suspend fun roomOrNull(): ChatRoom? = try {
        room.await()
    } catch (e: ChatException) {
        mutableState.update { it.copy(failure = e, isLoading = false) }
        null
    }

    private fun keepDraft() {
        draftJob?.cancel()
        draftJob = viewModelScope.launch {
            val keeper = DraftKeeper(roomOrNull() ?: return@launch, draft) { sendJob?.join() }
            keeper.keep(screen.isStarted) { found ->
                if (found.isNotEmpty() && !isDraftOurs) {
                    // Who began to type before the room was open has not seen it.
                    setDraft(listOf(found, draft.value).filter { it.isNotEmpty() }.joinToString("\n"))
                    sendEvent(ChatEvent.DraftFound(found))
                }
                isDraftOurs = true
            }
        }
    }

    private fun show() {
        showJob?.cancel()
        showJob = viewModelScope.launch {
            val room = roomOrNull() ?: return@launch
            withTimeoutOrNull(PLACE_WAIT) { findPlace(room) }
            val view = RoomView(room)
            // What the cache has told already is in the very first frame, if it is soon made into rows.
            if (room.timeline.value.run { isLoaded && messages.size <= AT_ONCE }) {
                present(view.read(screen.timesShown.value, formats.value))
            }
            // Each time the user comes to the screen the unread line is drawn anew.
            val shown = combine(room.timeline, room.connection, screen.timesShown, formats) { _, _, visit, formats ->
                visit to formats
            }
                .conflate()
                .map { (visit, formats) -> view.read(visit, formats) }
                .flowOn(Dispatchers.Default)
            shown.collect(::present)
        }
    }

    /** Reads a room for the screen. It remembers, so it is read by one thread after the other. */
    private inner class RoomView(private val room: ChatRoom) {
        private val unread = UnreadLine()
        private val refusals = Refusals()
        private val rows = RowMemory()

        fun read(visit: Int, formats: ChatFormats): Shown {
            // In this order: what the server had to say is in the timeline before the room is live.
            val connection = room.connection.value
            val timeline = room.timeline.value
            refusals.news(timeline.messages).forEach(::sendEvent)
            val line = unread.mark(visit, timeline, isLive = connection is Connection.Live)
            return Shown(timeline, rows.rows(timeline.messages, formats, line), connection)
        }
    }

    private fun present(shown: Shown) = mutableState.update {
        it.copy(
            rows = shown.rows,
            hasOlder = shown.timeline.hasOlder,
            unread = shown.timeline.unread,
            connection = shown.connection,
            isLoading = !shown.timeline.isLoaded || (shown.rows.isEmpty() && shown.connection.isSilent())
        )
    }

    /** Has the messages loaded up to the one that the list is to begin at, so that it can. */
    private suspend fun findPlace(room: ChatRoom) {
        val key = scrollAnchor?.key ?: return
        val number = savedState.get<LongArray>(ANCHOR)?.getOrNull(2) ?: key.value
        room.timeline.first { it.isLoaded }
        try {
            while (room.timeline.value.mayReach(key, number) && room.loadOlder()) continue
        } catch (_: ChatException) {
            // Then it begins at the newest message.
        }
    }

    /** Whether the message is not there yet and may be among the older ones. */
    private fun Timeline.mayReach(key: MessageKey, number: Long) =
        hasOlder && messages.none { it.key == key } && (messages.firstOrNull()?.id ?: 0) > number

    private data class Shown(val timeline: Timeline, val rows: List<ChatRow>, val connection: Connection)

    private fun act(
        onFailure: (ChatException) -> ChatEvent = ChatEvent::ActionFailed,
        action: suspend (ChatRoom) -> Unit
    ) {
        viewModelScope.launch {
            try {
                action(room.await())
            } catch (e: ChatException) {
                sendEvent(onFailure(e))
            }
        }
    }

    private fun sendEvent(event: ChatEvent) {
        eventQueue.trySend(event)
    }

    public companion object {
        /**
         * Makes the view model of the room that [openRoom] gets; dates and times as the device is set up. For
         * `viewModels`, `viewModel()` and everything else that comes with a screen's saved state.
         */
        public fun factory(openRoom: suspend () -> ChatRoom): ViewModelProvider.Factory = viewModelFactory {
            initializer {
                val application = checkNotNull(this[ViewModelProvider.AndroidViewModelFactory.APPLICATION_KEY])
                ChatViewModel(openRoom, ChatFormats.of(application), createSavedStateHandle())
            }
        }

        /** From the cache it takes a moment; if it takes longer, the network is asked, and the user rather sees the newest. */
        private val PLACE_WAIT = 2.seconds

        /** So many messages are rows within a millisecond or two, less than a frame. */
        private const val AT_ONCE = 300

        private const val DRAFT = "chat.core.draft"
        private const val ANCHOR = "chat.core.anchor"
    }
}
