package chat.core

import java.io.File
import kotlin.time.Duration
import kotlin.time.Duration.Companion.seconds
import kotlin.time.toKotlinDuration

/**
 * Whose chat this is and where its server stands. Two things are asked for, the rest has defaults:
 *
 * ```
 * ChatConfig("https://chat.example.com", userId = "alice")
 * ChatConfig("https://chat.example.com", userId = "alice") { transport = TransportChoice.AUTO }
 * ```
 *
 * Java builds it with [Builder]. No data class, so that later versions can add to it: see `docs/adr/0013`.
 */
public class ChatConfig private constructor(builder: Builder) {
    /** @param configure Changes what is not to be as it is by default. */
    public constructor(serverUrl: String, userId: String, configure: Builder.() -> Unit = {}) :
        this(Builder(serverUrl, userId).apply(configure))

    /**
     * Scheme, host and port, no path: `https://chat.example.com`. Whether the server is believed to be that is for the
     * phone to say, over every transport: by its certificate authorities and the user's, as the app's network security
     * config has it, with its pins. A server that is not believed is sent no token and no message; that shows as
     * [Problem.TLS].
     */
    public val serverUrl: String = builder.serverUrl

    /**
     * The account. A message is one's own when its sender is this user, so it must be the user the server reads from
     * the token.
     */
    public val userId: String = builder.userId

    /**
     * How rooms hear of what changes in them; polling unless told otherwise. [TransportChoice] says what each way
     * costs. The list of rooms is always polled.
     */
    public val transport: TransportChoice = builder.transport

    /**
     * How long a room rests between two questions to the server while it is lively: for the minute after its screen
     * was shown, something was said in it or changed, a push came or the network. A second by default.
     */
    public val pollInterval: Duration = builder.pollInterval

    /**
     * The longest rest. Every ten seconds of silence beyond the first minute add one second to the rest, up to this:
     * with the defaults a room rests for 1 s up to a minute's silence, 11 s after 2 min 40 s, and 30 s from 5 min 50 s
     * on, so that what ends a silence is late by a tenth of it at most. No longer than [pollInterval], the rest is
     * always the same. A server that asks for a longer rest gets it. 30 seconds by default.
     */
    public val pollCeiling: Duration = builder.pollCeiling

    /** What [pollInterval] is to a room, for the list of rooms. 5 seconds by default. */
    public val roomsInterval: Duration = builder.roomsInterval

    /**
     * How many messages of each room stay on the device; when there are a tenth more, the oldest go.
     * [ChatRoom.loadOlder] gets them from the server. 100,000 by default.
     */
    public val messagesKept: Int = builder.messagesKept

    /**
     * For how long the server may be silent, before an answer or in the middle of one, until the request counts as
     * failed. An answer that keeps coming is waited for, however slow the network. 10 seconds by default.
     */
    public val answerTimeout: Duration = builder.answerTimeout

    /**
     * Lets [serverUrl] be `http://`, where the app's network security config permits cleartext to that host as well,
     * which it does not by default. For development only: tokens and messages travel in the open.
     */
    public val allowCleartext: Boolean = builder.allowCleartext

    /** What the client calls itself to the server; `null` for the library's own name and version. */
    public val userAgent: String? = builder.userAgent

    /**
     * The folder of the cache, one file for each server and user; `null` for one inside the app's storage that device
     * back-ups leave out, because a cache restored to another phone would be another phone's.
     */
    public val dataDir: File? = builder.dataDir

    override fun toString(): String = "ChatConfig($userId at $serverUrl, $transport)"

    /**
     * What a [ChatConfig] is made of. Kotlin sets its properties, Java calls its setters, which can be chained. For one
     * thread.
     *
     * @property serverUrl See [ChatConfig.serverUrl].
     * @property userId See [ChatConfig.userId].
     */
    public class Builder(public val serverUrl: String, public val userId: String) {
        /** See [ChatConfig.transport]. */
        @set:JvmSynthetic
        public var transport: TransportChoice = TransportChoice.POLLING

        /** See [ChatConfig.pollInterval]. */
        @set:JvmSynthetic
        public var pollInterval: Duration = 1.seconds

        /** See [ChatConfig.pollCeiling]. */
        @set:JvmSynthetic
        public var pollCeiling: Duration = 30.seconds

        /** See [ChatConfig.roomsInterval]. */
        @set:JvmSynthetic
        public var roomsInterval: Duration = 5.seconds

        /** See [ChatConfig.messagesKept]. */
        @set:JvmSynthetic
        public var messagesKept: Int = 100_000

        /** See [ChatConfig.answerTimeout]. */
        @set:JvmSynthetic
        public var answerTimeout: Duration = 10.seconds

        /** See [ChatConfig.allowCleartext]. */
        @set:JvmSynthetic
        public var allowCleartext: Boolean = false

        /** See [ChatConfig.userAgent]. */
        @set:JvmSynthetic
        public var userAgent: String? = null

        /** See [ChatConfig.dataDir]. */
        @set:JvmSynthetic
        public var dataDir: File? = null

        /** See [ChatConfig.transport]. */
        public fun setTransport(transport: TransportChoice): Builder = apply { this.transport = transport }

        /** See [ChatConfig.pollInterval]. */
        public fun setPollInterval(interval: java.time.Duration): Builder =
            apply { pollInterval = interval.toKotlinDuration() }

        /** See [ChatConfig.pollCeiling]. */
        public fun setPollCeiling(ceiling: java.time.Duration): Builder =
            apply { pollCeiling = ceiling.toKotlinDuration() }

        /** See [ChatConfig.roomsInterval]. */
        public fun setRoomsInterval(interval: java.time.Duration): Builder =
            apply { roomsInterval = interval.toKotlinDuration() }

        /** See [ChatConfig.messagesKept]. */
        public fun setMessagesKept(messages: Int): Builder = apply { messagesKept = messages }

        /** See [ChatConfig.answerTimeout]. */
        public fun setAnswerTimeout(timeout: java.time.Duration): Builder =
            apply { answerTimeout = timeout.toKotlinDuration() }

        /** See [ChatConfig.allowCleartext]. */
        public fun setAllowCleartext(allowed: Boolean): Builder = apply { allowCleartext = allowed }

        /** See [ChatConfig.userAgent]. */
        public fun setUserAgent(name: String?): Builder = apply { userAgent = name }

        /** See [ChatConfig.dataDir]. */
        public fun setDataDir(folder: File?): Builder = apply { dataDir = folder }

        /** The configuration as it is now. What makes no sense in it is told by [ChatClient.open]. */
        public fun build(): ChatConfig = ChatConfig(this)
    }
}
