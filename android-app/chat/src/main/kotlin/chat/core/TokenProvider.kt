package chat.core

/**
 * Where the client gets its access token from: usually the app's own login.
 *
 * Asked when a room needs a token for the first time and again when the server refused one; however many requests
 * meet the refusal, it is asked once at a time.
 */
public fun interface TokenProvider {
    /**
     * A token for [ChatConfig.userId], or `null` when there is none now (no network, for one): the rooms go on
     * trying, more and more slowly. An exception means the same as `null` and never reaches the core, and so does an
     * answer that takes longer than thirty seconds.
     *
     * Runs on a background thread that may block. Cancelled when the client is closed.
     *
     * @param refused Whether the server turned the previous token down, so that a stored one is of no more use. If
     *   it turns down the next one too, the session ends: [EndReason.SESSION_ENDED].
     */
    public suspend fun token(refused: Boolean): String?
}
