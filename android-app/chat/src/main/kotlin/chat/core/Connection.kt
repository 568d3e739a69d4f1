package chat.core

import kotlin.time.Duration

/**
 * How a room stands with its server.
 *
 * ```
 *          start             answer
 *   Idle ────────▶ Connecting ────▶ Live
 *     ▲                │  ▲          │
 *     │ stop           ▼  │          ▼
 *     └──────────── Waiting ◀────────┘ an error that passes
 *                      │
 *                      ▼ one that does not
 *                    Ended
 * ```
 */
public sealed interface Connection {
    /** Not polling: never started, or stopped. */
    public data object Idle : Connection

    /** Started and nothing heard yet. */
    public data object Connecting : Connection

    /**
     * The last question was answered, and what comes next is heard of by [transport]. It may change at any time without
     * a word of anything else: another way to hear the same.
     *
     * @property transport The one in use: not always the one that [ChatConfig.transport] wants.
     */
    public data class Live(public val transport: Transport) : Connection

    /**
     * Something went wrong that may pass; the job is alive and asks again.
     *
     * @property problem What went wrong.
     * @property attempt How many times in a row, from 1.
     * @property retryIn The rest before the next question, counted from when this state began.
     */
    public data class Waiting(public val problem: Problem, public val attempt: Int, public val retryIn: Duration) :
        Connection {
        /** [retryIn] for Java, in milliseconds. */
        public val retryInMillis: Long get() = retryIn.inWholeMilliseconds
    }

    /** The job is over until someone starts it again. */
    public data class Ended(public val reason: EndReason) : Connection
}

/** What may go wrong and pass. */
public enum class Problem {
    /** No way to the server: no network, or nobody answers there. */
    OFFLINE,

    /** No answer within [ChatConfig.answerTimeout]. */
    TIMEOUT,

    /** The connection broke in the middle of an answer. */
    INTERRUPTED,

    /** The server could not prove that it is the server. */
    TLS,

    /** The server failed (5xx). */
    SERVER,

    /** The server asked for fewer questions (429). */
    RATE_LIMITED,

    /** The answer makes no sense; a portal in between, perhaps. */
    BAD_ANSWER,

    /** The server knows less than it once did: it was set back. */
    CURSOR_AHEAD,

    /** [TokenProvider] has no token now. */
    TOKEN_UNAVAILABLE,

    /** The device's storage failed. */
    STORAGE
}

/** Why a job is over. */
public enum class EndReason {
    /** The token is refused and so was the one after it: log in again, then [ChatClient.resumeSession]. */
    SESSION_ENDED,

    /** One is not in the room. */
    NOT_A_MEMBER,

    /** There is no such room (any more). */
    ROOM_NOT_FOUND,

    /** [ChatClient.close] was called. */
    CLIENT_CLOSED
}
