package chat.core

import kotlin.time.Duration
import kotlin.time.Duration.Companion.minutes
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.async
import kotlinx.coroutines.awaitAll
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.flow.combine
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.launch
import kotlinx.coroutines.withTimeoutOrNull

/** How a [catchUp] ended. */
public sealed interface CatchUp {
    /**
     * What the server had is on the device, and what was unsent is on the server.
     *
     * @property rooms How many rooms there was something to do in.
     */
    public data class Done(public val rooms: Int) : CatchUp

    /**
     * Not all could be asked or sent; what was is kept. Try again later.
     *
     * @property problem Why; [Problem.TIMEOUT] also when the time was up.
     */
    public data class Later(public val problem: Problem) : CatchUp

    /** There is no use in trying again before somebody logs in, or opens the client. */
    public data class Ended(public val reason: EndReason) : CatchUp
}

/**
 * Brings the account up to date once, without any screen, and returns: for periodic work and for push messages, where
 * the system gives an app a minute and wants to know when it is done. First the list of rooms is asked for, then each
 * room in which something was said that the device does not have, then what is unsent is sent. An account without
 * news costs one request.
 *
 * Afterwards [ChatClient.rooms] has what a notification needs. Nothing of it goes on after it returned: only rooms that
 * somebody else has running run on. It shares their jobs, so it may be called at any time, also more than once at a
 * time, and cancelled at any time: what has arrived is stored. Edits and deletions of what the device has already are
 * seen when the room is next asked for something, on a screen at the latest.
 *
 * A second failure in a row ends it: who woke the app knows better than this function when the next try is due.
 *
 * @param within The longest it takes.
 * @param rooms How many rooms are looked at, beginning with the liveliest: each is opened, which costs memory.
 * @throws ChatException.Storage the cache could not be read.
 * @throws ChatException.Closed the client was closed.
 */
public suspend fun ChatClient.catchUp(within: Duration = 1.minutes, rooms: Int = 20): CatchUp =
    withTimeoutOrNull(within) { catchUpOnce(rooms) } ?: CatchUp.Later(Problem.TIMEOUT)

private suspend fun ChatClient.catchUpOnce(most: Int): CatchUp {
    val answered =
        whilePolled({ pollRooms() }) { roomsConnection.first { it is Connection.Live || it.trouble() != null } }
    answered.trouble()?.let { return it }
    val looked = rooms.value.rooms.take(most).map { room(it.id) to (it.lastMessage?.id ?: 0) }
    val behind = looked.filter { (room, newest) -> !room.loaded().reaches(newest) }
    for ((room, newest) in behind) {
        room.pollUntil { it.reaches(newest) }?.let { return it }
    }
    // All at once: what the server does not take now holds up no other room's.
    val unsent = looked.map { (room, _) -> room }.filter { it.loaded().hasUnsent() }
    val troubles = coroutineScope {
        unsent.map { room ->
            async {
                room.wake()
                room.pollUntil { !it.hasUnsent() }
            }
        }.awaitAll()
    }
    return troubles.firstNotNullOfOrNull { it } ?: CatchUp.Done((behind.map { it.first } + unsent).distinct().size)
}

/** @return why it is not [done], or `null` when it is, or nothing is to be had of this room. */
private suspend fun ChatRoom.pollUntil(done: (Timeline) -> Boolean): CatchUp? {
    // Whoever polls it may just be resting.
    if (connection.value != Connection.Idle) wake()
    val last = whilePolled({ poll() }) {
        // In this order: what the server had to say is in the timeline before the room is live.
        combine(connection, timeline) { _, _ -> connection.value to timeline.value }
            .first { (connection, timeline) ->
                connection.trouble() != null || (connection is Connection.Live && done(timeline))
            }.first
    }
    return last.trouble().takeUnless { it is CatchUp.Ended && it.reason in ROOM_IS_OVER }
}

/** [poll] runs as long as [action] does. */
private suspend fun <T> whilePolled(poll: suspend () -> EndReason, action: suspend () -> T): T = coroutineScope {
    // At once: from here on the connection is this job's and not the last one's.
    val job = launch(start = CoroutineStart.UNDISPATCHED) { poll() }
    action().also { job.cancel() }
}

/** One failure may be a connection that died while the process slept. */
private fun Connection.trouble(): CatchUp? = when (this) {
    is Connection.Waiting -> if (attempt > 1) CatchUp.Later(problem) else null
    is Connection.Ended -> CatchUp.Ended(reason)
    else -> null
}

private suspend fun ChatRoom.loaded(): Timeline = timeline.first { it.isLoaded }

/** Whether all is there up to message [newest]: ids leave none out, so a hole is arithmetic. */
private fun Timeline.reaches(newest: Long): Boolean {
    val ids = messages.mapNotNull { it.id }
    return (ids.lastOrNull() ?: 0) >= newest && ids.zipWithNext().all { (before, after) -> after == before + 1 }
}

private fun Timeline.hasUnsent(): Boolean = messages.any {
    it.delivery == Delivery.Pending || it.delivery == Delivery.Sending || it.change == Change.Pending
}

private val ROOM_IS_OVER = setOf(EndReason.NOT_A_MEMBER, EndReason.ROOM_NOT_FOUND)
