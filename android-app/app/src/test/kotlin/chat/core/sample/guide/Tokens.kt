package chat.core.sample.guide

import chat.core.ChatClient
import chat.core.ChatViewModel
import chat.core.TokenProvider
import java.io.IOException

/** The app's own login, whatever it is. */
interface Login {
    val accessToken: String?

    @Throws(IOException::class)
    suspend fun refresh(): String
}

private object NoLogin : Login {
    override val accessToken: String? = null

    override suspend fun refresh(): String = throw IOException("there is none here")
}

// DOC
class LoginTokens(private val login: Login = theLogin) : TokenProvider {
    override suspend fun token(refused: Boolean): String? =
        if (refused) login.refresh() else login.accessToken ?: login.refresh()
}
// END DOC

private val theLogin: Login = NoLogin

// DOC
suspend fun onLoggedIn(client: ChatClient, model: ChatViewModel) {
    client.resumeSession() // what is unsent is sent, rooms that were started go on
    model.restart() // and so does the screen
}

suspend fun onLogout(client: ChatClient) {
    client.wipe() // closes it, and deletes what this account has on the device, the unsent too
}
// END DOC
