package chat.core

import androidx.lifecycle.DefaultLifecycleObserver
import androidx.lifecycle.LifecycleOwner
import androidx.lifecycle.ViewModel
import androidx.lifecycle.ViewModelProvider
import androidx.lifecycle.viewModelScope
import androidx.lifecycle.viewmodel.initializer
import androidx.lifecycle.viewmodel.viewModelFactory
import chat.core.internal.ScreenGate
import chat.core.internal.isSilent
import java.time.Clock
import java.time.Duration
import java.time.LocalDate
import kotlin.time.toKotlinDuration
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Deferred
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.ExperimentalCoroutinesApi
import kotlinx.coroutines.Job
import kotlinx.coroutines.async
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.delay
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.flow.combine
import kotlinx.coroutines.flow.conflate
import kotlinx.coroutines.flow.distinctUntilChanged
import kotlinx.coroutines.flow.flowOn
import kotlinx.coroutines.flow.map
import kotlinx.coroutines.flow.receiveAsFlow
import kotlinx.coroutines.flow.transformLatest
import kotlinx.coroutines.flow.update
import kotlinx.coroutines.launch

/**
 * The state of a screen that lists the account's rooms, and the owner of the job that keeps them up to date. It
 * relates to the list as [ChatViewModel] does to a room: the job starts with the view model, rests while the screen
 * is not started, if the activity's lifecycle observes it, lives on when the phone is turned, and ends with it:
 *
 * ```
 * private val model: RoomListViewModel by viewModels { RoomListViewModel.factory { client() } }
 *
 * override fun onCreate(savedInstanceState: Bundle?) {
 *     super.onCreate(savedInstanceState)
 *     lifecycle.addObserver(model)
 * ```
 *
 * Call it on the main thread.
 *
 * @param openClient Gets the client, on the main thread, suspending for as long as it takes. It is not closed by this.
 *   A [ChatException] is shown as [RoomListUiState.failure]; any other exception is the app's own and not caught.
 * @param formats How the user reads dates and times, until [setFormats].
 * @param clock Tells which day today is.
 */
public class RoomListViewModel(
    private val openClient: suspend () -> ChatClient,
    formats: ChatFormats,
    private val clock: Clock = Clock.systemUTC()
) : ViewModel(),
    DefaultLifecycleObserver {
    private val mutableState = MutableStateFlow(RoomListUiState())

    /** What the screen shows. */
    public val state: StateFlow<RoomListUiState> = mutableState.asStateFlow()

    // An event that was handed to a collector just as that collector was cancelled goes back into the queue.
    private val eventQueue: Channel<RoomListEvent> = Channel(Channel.UNLIMITED, onUndeliveredElement = ::sendEvent)

    /** What happened, each once; kept while nobody collects. For one collector: the screen. */
    public val events: Flow<RoomListEvent> = eventQueue.receiveAsFlow()

    private val formats = MutableStateFlow(formats)
    private val screen = ScreenGate()
    private var client: Deferred<ChatClient> = open()
    private var showJob: Job? = null
    private var pollJob: Job? = null

    init {
        show()
        startPolling()
    }

    /** Starts the job anew after it ended: when the user has logged in again. */
    public fun restart(): Unit = startPolling()

    /** Tries again to open a client that failed to open. */
    public fun reopen() {
        mutableState.update { it.copy(failure = null, isLoading = true) }
        client = open()
        show()
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
            val client = clientOrNull() ?: return@launch
            val reason = screen.whileStarted { client.pollRooms() }
            when (reason) {
                EndReason.SESSION_ENDED -> sendEvent(RoomListEvent.SessionEnded)

                EndReason.CLIENT_CLOSED -> mutableState.update { it.copy(failure = ChatException.Closed()) }

                // Of a room, which the list of them is not.
                EndReason.NOT_A_MEMBER, EndReason.ROOM_NOT_FOUND -> Unit
            }
        }
    }

    private fun open() = viewModelScope.async(start = CoroutineStart.UNDISPATCHED) { openClient() }

    private suspend fun clientOrNull(): ChatClient? = try {
        client.await()
    } catch (e: ChatException) {
        mutableState.update { it.copy(failure = e, isLoading = false) }
        null
    }

    private fun show() {
        showJob?.cancel()
        showJob = viewModelScope.launch {
            val client = clientOrNull() ?: return@launch
            val shown = combine(client.rooms, client.roomsConnection, reading()) { _, _, reading -> reading }
                .conflate()
                .map { (formats, today) ->
                    // In this order: what the server had to say is in the list before it is live.
                    val connection = client.roomsConnection.value
                    val list = client.rooms.value
                    Shown(list.isLoaded, roomRows(list.rooms, formats, today), connection)
                }
                .flowOn(Dispatchers.Default)
            shown.collect { (isLoaded, rows, connection) ->
                mutableState.update {
                    it.copy(
                        rows = rows,
                        connection = connection,
                        isLoading = !isLoaded || (rows.isEmpty() && connection.isSilent())
                    )
                }
            }
        }
    }

    /** How dates are read, and from which day: told anew at midnight, and when the screen is shown. */
    @OptIn(ExperimentalCoroutinesApi::class)
    private fun reading(): Flow<Reading> = combine(formats, screen.isStarted, screen.timesShown, ::Triple)
        .transformLatest { (formats, isStarted) ->
            do {
                val now = clock.instant()
                val today = formats.day(now)
                emit(Reading(formats, today))
                val midnight = today.plusDays(1).atStartOfDay(formats.zone).toInstant()
                if (isStarted) delay(Duration.between(now, midnight).toKotlinDuration())
            } while (isStarted)
        }
        .distinctUntilChanged()

    private data class Reading(val formats: ChatFormats, val today: LocalDate)

    private data class Shown(val isLoaded: Boolean, val rows: List<RoomRow>, val connection: Connection)

    private fun sendEvent(event: RoomListEvent) {
        eventQueue.trySend(event)
    }

    public companion object {
        /** Makes the view model of the client that [openClient] gets; dates and times as the device is set up. */
        public fun factory(openClient: suspend () -> ChatClient): ViewModelProvider.Factory = viewModelFactory {
            initializer {
                val application = checkNotNull(this[ViewModelProvider.AndroidViewModelFactory.APPLICATION_KEY])
                RoomListViewModel(openClient, ChatFormats.of(application))
            }
        }
    }
}
