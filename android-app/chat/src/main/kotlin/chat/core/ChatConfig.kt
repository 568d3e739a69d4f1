package chat.core

import java.io.File
import kotlin.time.Duration
import kotlin.time.Duration.Companion.seconds

/**
 * Whose chat this is and where its server stands.
 *
 * @property serverUrl Scheme, host and port, no path: `https://chat.example.com`.
 * @property userId The account. A message is one's own when its sender is this user, so it must be the user the
 *   server reads from the token.
 * @property transport How rooms hear of what changes in them. [TransportChoice] says what each way costs. The list of
 *   rooms is always polled.
 * @property pollInterval How long a room rests between two questions to the server while it is lively: for the minute
 *   after its screen was shown, something was said in it or changed, a push came or the network.
 * @property pollCeiling The longest rest. Every ten seconds of silence beyond the first minute add one second to the
 *   rest, up to this: with the defaults a room rests for 1 s up to a minute's silence, 11 s after 2 min 40 s, and 30 s
 *   from 5 min 50 s on, so that what ends a silence is late by a tenth of it at most. No longer than [pollInterval],
 *   the rest is always the same. A server that asks for a longer rest gets it.
 * @property roomsInterval What [pollInterval] is to a room, for the list of rooms.
 * @property messagesKept How many messages of each room stay on the device; when there are a tenth more, the oldest
 *   go. [ChatRoom.loadOlder] gets them from the server.
 * @property answerTimeout For how long the server may be silent, before an answer or in the middle of one, until the
 *   request counts as failed. An answer that keeps coming is waited for, however slow the network.
 * @property allowCleartext Lets [serverUrl] be `http://`. For development only: tokens and messages travel in the
 *   open. The core's connections are native, so Android's own cleartext policy neither forbids nor allows them.
 * @property userAgent What the client calls itself to the server; `null` for the library's own name and version.
 * @property dataDir The folder of the cache, one file for each server and user; `null` for one inside the app's
 *   storage that device back-ups leave out, because a cache restored to another phone would be another phone's.
 */
public data class ChatConfig(
    public val serverUrl: String,
    public val userId: String,
    public val transport: TransportChoice = TransportChoice.POLLING,
    public val pollInterval: Duration = 1.seconds,
    public val pollCeiling: Duration = 30.seconds,
    public val roomsInterval: Duration = 5.seconds,
    public val messagesKept: Int = 100_000,
    public val answerTimeout: Duration = 10.seconds,
    public val allowCleartext: Boolean = false,
    public val userAgent: String? = null,
    public val dataDir: File? = null
)
