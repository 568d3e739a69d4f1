package chat.core.sample

import android.app.Application
import chat.core.ChatClient
import chat.core.ChatConfig
import chat.core.TokenProvider
import kotlinx.coroutines.sync.Mutex
import kotlinx.coroutines.sync.withLock

/** Keeps the one client of each account, whatever happens to the screens. */
class SampleApp : Application() {
    private val mutex = Mutex()
    private val clients = HashMap<SampleAccount, ChatClient>()

    /** The client of [account], opened at the first call. A call that failed is tried again by the next one. */
    suspend fun client(account: SampleAccount): ChatClient = mutex.withLock {
        clients.getOrPut(account) {
            val config = ChatConfig(account.server, account.user) {
                transport = account.transport
                allowCleartext = true
            }
            // A real app asks its own login here, and asks it again when `refused` is true.
            ChatClient.open(this, config, TokenProvider { account.token.ifEmpty { null } })
        }
    }

    /** Closes them all: logging out, or the end of a test. */
    suspend fun closeClients(): Unit = mutex.withLock {
        clients.values.forEach { it.close() }
        clients.clear()
    }
}
