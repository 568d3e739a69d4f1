package chat.core.internal

import android.util.Log
import chat.core.ChatException
import chat.core.TokenProvider
import chat.core.ffi.ChatCore
import chat.core.ffi.TokenSource
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.cancel
import kotlinx.coroutines.ensureActive
import kotlinx.coroutines.launch

/**
 * Between the core, which asks for a token and goes on, and the app's [TokenProvider], which may take its time.
 * The core asks once at a time; whatever the app's code does, the core gets an answer.
 */
internal class TokenBridge(private val provider: TokenProvider) : TokenSource {
    private val scope = CoroutineScope(SupervisorJob() + Dispatchers.IO)
    private val core = CompletableDeferred<ChatCore>()

    fun attach(core: ChatCore) {
        this.core.complete(core)
    }

    fun close() = scope.cancel()

    override fun onTokenWanted(request: ULong, refused: Boolean) {
        scope.launch {
            val token = try {
                provider.token(refused)
            } catch (e: CancellationException) {
                // Ours when the client closes; the app's own (a timeout, say) means that there is no token.
                ensureActive()
                null
            } catch (e: Exception) {
                Log.w("chat-core", "TokenProvider failed with ${e.javaClass.name}")
                null
            }
            val core = core.await()
            try {
                onCore { core.supplyToken(request, token) }
            } catch (e: ChatException) {
                // The client was closed while the app looked for a token: nobody waits for it any more.
                Log.d("chat-core", "token comes too late: ${e.message}")
            }
        }
    }
}
