package chat.core.internal

import chat.core.Change
import chat.core.ChatConfig
import chat.core.ChatException
import chat.core.Connection
import chat.core.Delivery
import chat.core.EndReason
import chat.core.FailureReason
import chat.core.LastMessage
import chat.core.Message
import chat.core.MessageKey
import chat.core.Problem
import chat.core.RoomId
import chat.core.RoomSummary
import chat.core.SessionState
import chat.core.Transport
import chat.core.TransportChoice
import chat.core.ffi.ChangeState
import chat.core.ffi.ConnectionError
import chat.core.ffi.ConnectionState
import chat.core.ffi.CoreConfig
import chat.core.ffi.CoreException
import chat.core.ffi.DeliveryState
import chat.core.ffi.EndReason as CoreEndReason
import chat.core.ffi.FailureReason as CoreFailureReason
import chat.core.ffi.InternalException
import chat.core.ffi.LoadResult
import chat.core.ffi.RoomListItem
import chat.core.ffi.SessionState as CoreSessionState
import chat.core.ffi.TimelineItem
import chat.core.ffi.Transport as CoreTransport
import chat.core.ffi.TransportChoice as CoreTransportChoice
import java.io.File
import java.nio.charset.CharacterCodingException
import java.time.Instant
import kotlin.time.Duration
import kotlin.time.Duration.Companion.milliseconds

/** The generated types end here: nothing outside this package sees them. */
internal fun ChatConfig.toCore(defaultDir: File) = CoreConfig(
    serverUrl = serverUrl,
    userId = userId,
    dataDir = (dataDir ?: defaultDir).path,
    transport = transport.toCore(),
    pollIntervalMs = pollInterval.toMillis(),
    pollCeilingMs = pollCeiling.toMillis(),
    roomsIntervalMs = roomsInterval.toMillis(),
    messagesKept = messagesKept.coerceAtLeast(0).toUInt(),
    answerTimeoutMs = answerTimeout.toMillis(),
    allowCleartext = allowCleartext,
    userAgent = userAgent.orEmpty()
)

private fun TransportChoice.toCore() = when (this) {
    TransportChoice.POLLING -> CoreTransportChoice.POLLING
    TransportChoice.LONG_POLLING -> CoreTransportChoice.LONG_POLLING
    TransportChoice.SSE -> CoreTransportChoice.SSE
    TransportChoice.WEB_SOCKET -> CoreTransportChoice.WEB_SOCKET
    TransportChoice.AUTO -> CoreTransportChoice.AUTO
}

private fun Duration.toMillis(): ULong = inWholeMilliseconds.coerceAtLeast(0).toULong()

internal fun TimelineItem.toMessage() = Message(
    key = MessageKey(key),
    id = id,
    sender = sender,
    isOwn = own,
    text = text,
    sentAt = Instant.ofEpochMilli(sentAtMs),
    isEdited = edited,
    isDeleted = deleted,
    delivery = when (val state = state) {
        is DeliveryState.Pending -> Delivery.Pending

        is DeliveryState.Sending -> Delivery.Sending

        // Whether polling has brought it back yet makes no difference to a reader.
        is DeliveryState.Sent, is DeliveryState.Confirmed -> Delivery.Sent

        is DeliveryState.Failed -> Delivery.Failed(state.reason.toPublic())
    },
    change = when (val change = change) {
        is ChangeState.None -> Change.None
        is ChangeState.Pending -> Change.Pending
        is ChangeState.Failed -> Change.Failed(change.reason.toPublic())
    }
)

internal fun RoomListItem.toPublic() = RoomSummary(
    id = RoomId(id),
    title = title,
    lastMessage = lastMessage?.run {
        LastMessage(id, sender, isOwn = own, text, Instant.ofEpochMilli(sentAtMs), isDeleted = deleted)
    },
    unread = unread.toCount()
)

/** More than anybody will read. */
internal fun ULong.toCount(): Int = coerceAtMost(Int.MAX_VALUE.toULong()).toInt()

internal fun CoreSessionState.toPublic() = when (this) {
    CoreSessionState.ACTIVE -> SessionState.ACTIVE
    CoreSessionState.ENDED -> SessionState.ENDED
}

/** Whether there may be older messages still. */
internal fun LoadResult.toPublic(): Result<Boolean> = when (this) {
    is LoadResult.Loaded -> Result.success(hasOlder)

    is LoadResult.Failed -> Result.failure(
        when (error) {
            ConnectionError.STORAGE -> ChatException.Storage("what the server sent could not be stored")
            else -> ChatException.Offline(error.toPublic())
        }
    )

    is LoadResult.Ended -> Result.failure(ChatException.Ended(reason.toPublic()))

    is LoadResult.Closed -> Result.failure(ChatException.Closed())
}

private fun CoreFailureReason.toPublic() = when (this) {
    CoreFailureReason.REFUSED -> FailureReason.REFUSED
    CoreFailureReason.NOT_A_MEMBER -> FailureReason.NOT_A_MEMBER
    CoreFailureReason.ROOM_NOT_FOUND -> FailureReason.ROOM_NOT_FOUND
}

internal fun ConnectionState.toPublic(): Connection = when (this) {
    is ConnectionState.Connecting -> Connection.Connecting

    is ConnectionState.Live -> Connection.Live(transport.toPublic())

    is ConnectionState.Waiting ->
        Connection.Waiting(error.toPublic(), attempt.toInt(), retryInMs.toLong().milliseconds)

    is ConnectionState.Ended -> Connection.Ended(reason.toPublic())
}

private fun CoreTransport.toPublic() = when (this) {
    CoreTransport.POLLING -> Transport.POLLING
    CoreTransport.LONG_POLLING -> Transport.LONG_POLLING
    CoreTransport.SSE -> Transport.SSE
    CoreTransport.WEB_SOCKET -> Transport.WEB_SOCKET
}

private fun ConnectionError.toPublic() = when (this) {
    ConnectionError.OFFLINE -> Problem.OFFLINE
    ConnectionError.TIMEOUT -> Problem.TIMEOUT
    ConnectionError.INTERRUPTED -> Problem.INTERRUPTED
    ConnectionError.TLS -> Problem.TLS
    ConnectionError.SERVER -> Problem.SERVER
    ConnectionError.RATE_LIMITED -> Problem.RATE_LIMITED
    ConnectionError.BAD_ANSWER -> Problem.BAD_ANSWER
    ConnectionError.CURSOR_AHEAD -> Problem.CURSOR_AHEAD
    ConnectionError.TOKEN_UNAVAILABLE -> Problem.TOKEN_UNAVAILABLE
    ConnectionError.STORAGE -> Problem.STORAGE
}

private fun CoreEndReason.toPublic() = when (this) {
    CoreEndReason.SESSION_ENDED -> EndReason.SESSION_ENDED
    CoreEndReason.NOT_A_MEMBER -> EndReason.NOT_A_MEMBER
    CoreEndReason.ROOM_NOT_FOUND -> EndReason.ROOM_NOT_FOUND
}

/** Runs [call] on the core and turns what it throws into a [ChatException]. */
internal inline fun <T> onCore(call: () -> T): T = try {
    call()
} catch (e: CoreException) {
    throw e.toPublic()
} catch (e: CharacterCodingException) {
    // The bindings encode strings strictly: half a surrogate pair never reaches the core.
    throw ChatException.TextInvalid(e)
} catch (e: InternalException) {
    throw ChatException.Internal("the core panicked", e)
} catch (e: IllegalStateException) {
    // What the bindings throw for an object that was closed in the meantime.
    throw ChatException.Closed(e)
}

internal fun CoreException.toPublic(): ChatException = when (this) {
    is CoreException.InvalidConfig -> ChatException.InvalidConfig(reason, this)
    is CoreException.InvalidRoom -> ChatException.InvalidRoom(this)
    is CoreException.TextBlank -> ChatException.TextBlank(this)
    is CoreException.TextTooLong -> ChatException.TextTooLong(scalars.toInt(), limit.toInt(), this)
    is CoreException.TextInvalid -> ChatException.TextInvalid(this)
    is CoreException.NotFound -> ChatException.NotFound(this)
    is CoreException.NotTheSender -> ChatException.NotTheSender(this)
    is CoreException.TooLate -> ChatException.TooLate(this)
    is CoreException.CacheInUse -> ChatException.CacheInUse(this)
    is CoreException.CacheTooNew -> ChatException.CacheTooNew(this)
    is CoreException.DiskFull -> ChatException.StorageFull(this)
    is CoreException.Storage -> ChatException.Storage(reason, this)
    is CoreException.Closed -> ChatException.Closed(this)
}
