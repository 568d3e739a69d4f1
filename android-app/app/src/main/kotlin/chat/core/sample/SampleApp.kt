package chat.core.sample

import android.app.Application
import chat.core.ChatClient
import chat.core.ChatConfig
import chat.core.ChatException
import chat.core.TokenProvider
import kotlinx.coroutines.MainScope
import kotlinx.coroutines.flow.MutableSharedFlow
import kotlinx.coroutines.flow.SharedFlow
import kotlinx.coroutines.flow.asSharedFlow
import kotlinx.coroutines.launch
import kotlinx.coroutines.sync.Mutex
import kotlinx.coroutines.sync.withLock

/** Keeps the one client of each account, and its token, whatever happens to the screens. */
class SampleApp : Application() {
    private val scope = MainScope()
    private val mutex = Mutex()
    private val clients = HashMap<String, ChatClient>()
    private val signIns = MutableSharedFlow<Unit>()

    /** A real app keeps its login here, not the token itself. */
    private val tokens by lazy { getSharedPreferences("tokens", MODE_PRIVATE) }

    /** Tells that somebody has signed in again: whatever ended with the session may go on. */
    val signedIn: SharedFlow<Unit> = signIns.asSharedFlow()

    /** The client of [account], opened at the first call. A call that failed is tried again by the next one. */
    suspend fun client(account: SampleAccount): ChatClient = mutex.withLock {
        clients.getOrPut(account.key) {
            val config = ChatConfig(account.server, account.user) {
                transport = account.transport
                allowCleartext = true
            }
            // A real app asks its own login here, and asks it again when `refused` is true.
            ChatClient.open(this, config, TokenProvider { tokens.getString(account.key, null) })
        }
    }

    /** Whether there is a token, good or not, to ask the server with. */
    fun hasToken(account: SampleAccount): Boolean = tokens.contains(account.key)

    /** The token that came with an intent, if one did, is the newest there is. */
    fun keepToken(account: SampleAccount) {
        if (account.token.isNotEmpty()) tokens.edit().putString(account.key, account.token).apply()
    }

    /** The user has a new token. What follows from it is not the matter of a screen that may be gone by then. */
    fun signIn(account: SampleAccount, token: String) {
        keepToken(account.copy(token = token))
        scope.launch {
            try {
                client(account).resumeSession()
            } catch (_: ChatException) {
                // The client did not open: the screen says why, and what to do about it.
            }
            signIns.emit(Unit)
        }
    }

    /** Closes them all: logging out, or the end of a test. */
    suspend fun closeClients(): Unit = mutex.withLock {
        clients.values.forEach { it.close() }
        clients.clear()
    }
}
