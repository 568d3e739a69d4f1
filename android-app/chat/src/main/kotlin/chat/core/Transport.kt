package chat.core

/**
 * How a room is to hear of what changes in it. All of them bring the same messages in the same order, and with each of
 * them a message is sent once. Where the wanted one cannot be had (a proxy that lets no WebSocket through, a server
 * that is full), the room is polled until it can, and [Connection.Live] says so. What each costs in figures, and when
 * to choose which, is in `docs/transports.md`.
 */
public enum class TransportChoice {
    /**
     * A question every [ChatConfig.pollInterval], and more seldom in silence. Works everywhere and holds no connection;
     * a message is late by the rest between two questions. For rooms that are looked at now and then.
     */
    POLLING,

    /**
     * A question that the server holds back until there is something to tell. Works nearly everywhere and a message
     * comes at once; costs a request for each batch. For networks that let no stream through.
     */
    LONG_POLLING,

    /**
     * Server-sent events: one answer that does not end. A message comes at once and costs little more than its own
     * bytes; what is sent goes by requests of its own. For rooms that are read more than written to.
     */
    SSE,

    /**
     * One connection for both directions: the fastest, and the cheapest for each message; something in between may
     * not let it through. For lively conversations.
     */
    WEB_SOCKET,

    /**
     * The richest that works on the network of the moment: a WebSocket, or else server-sent events, long polling,
     * polling. Remembers what did not work, and climbs back up. For whoever does not know the users' networks.
     */
    AUTO
}

/** How a room hears of what changes in it; see [TransportChoice]. */
public enum class Transport {
    /** By asking again and again. */
    POLLING,

    /** By questions that the server holds back. */
    LONG_POLLING,

    /** By server-sent events. */
    SSE,

    /** By a WebSocket. */
    WEB_SOCKET
}
