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
 * @property pollInterval How long a room rests between two questions to the server.
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
    public val pollInterval: Duration = 1.seconds,
    public val answerTimeout: Duration = 10.seconds,
    public val allowCleartext: Boolean = false,
    public val userAgent: String? = null,
    public val dataDir: File? = null
)
