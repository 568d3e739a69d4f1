package chat.core.bench

import chat.core.ffi.ChatCore
import chat.core.ffi.ConnectionState
import chat.core.ffi.CoreConfig
import chat.core.ffi.RoomCore
import chat.core.ffi.RoomListener
import chat.core.ffi.ServerTrust
import chat.core.ffi.TimelineUpdate
import chat.core.ffi.TokenSource
import chat.core.ffi.TransportChoice
import chat.core.ffi.TrustVerdict
import java.util.concurrent.LinkedBlockingQueue
import java.util.concurrent.TimeUnit.SECONDS
import kotlin.system.exitProcess

/** Long enough for the compiler to have done what it will. */
private val warmUp = SECONDS.toNanos(6)
private val measured = SECONDS.toNanos(4)

/** What the core said, and when it arrived. */
private class Heard(val update: TimelineUpdate, val at: Long)

private class Ear : RoomListener {
    val heard = LinkedBlockingQueue<Heard>()

    override fun onTimeline(update: TimelineUpdate) {
        heard.add(Heard(update, System.nanoTime()))
    }

    override fun onConnection(state: ConnectionState) = Unit

    fun next() = checkNotNull(heard.poll(60, SECONDS)) { "nothing was heard" }

    /** Has everything told anew. */
    fun again(room: RoomCore): Heard {
        room.stop()
        heard.clear()
        room.start()
        return generateSequence(::next).first { it.update is TimelineUpdate.Snapshot }
    }
}

private class Tokens(private val token: String) : TokenSource {
    lateinit var core: ChatCore

    override fun onTokenWanted(request: ULong, refused: Boolean) = core.supplyToken(request, token)
}

/** Nothing here is encrypted. */
private object Nobody : ServerTrust {
    override fun verify(chain: List<ByteArray>, host: String) = TrustVerdict.REFUSED
}

/** The JVM's half of `chat-bench boundary`: the same as `chat-bench snapshots` does in Rust. */
fun main(args: Array<String>) {
    // Said aloud how it ends: threads of the core that still run keep the JVM alive.
    exitProcess(if (runCatching { measure(args) }.onFailure(Throwable::printStackTrace).isSuccess) 0 else 1)
}

private fun measure(args: Array<String>) {
    val options = args.toList().chunked(2).associate { (name, value) -> name to value }
    fun option(name: String) = options.getValue("--$name")
    // For JNI, so that the core's threads are attached once; the bindings load it again, for JNA.
    System.loadLibrary("chat_core")
    val config = CoreConfig(
        serverUrl = option("server"),
        userId = option("user"),
        dataDir = option("data"),
        transport = TransportChoice.POLLING,
        pollIntervalMs = 1_000u,
        pollCeilingMs = 1_000u,
        roomsIntervalMs = 5_000u,
        messagesKept = 100_000u,
        answerTimeoutMs = 10_000u,
        allowCleartext = true,
        userAgent = ""
    )
    val tokens = Tokens(option("token"))
    val core = ChatCore(config, tokens, Nobody).also { tokens.core = it }
    val ear = Ear()
    val room = core.room(option("room").toLong(), ear)
    room.start()
    val last = option("until").toLong()
    generateSequence(ear::next).first { it.update.newest() >= last }
    while (ear.again(room).update.items().size < last) Thread.sleep(100) // what lies before the newest page is coming

    val begun = System.nanoTime()
    val took = mutableListOf<Long>()
    while (System.nanoTime() - begun < warmUp + measured) {
        val asked = System.nanoTime()
        val heard = ear.again(room)
        check(heard.update.items().size.toLong() == last) { "not all was heard" }
        if (heard.at - begun > warmUp) took += heard.at - asked
    }
    core.shutdown()
    println("""{"us":${took.sorted()[took.size / 2] / 1e3}}""")
}

private fun TimelineUpdate.newest() = items().maxOfOrNull { it.id ?: 0 } ?: 0

private fun TimelineUpdate.items() = when (this) {
    is TimelineUpdate.Snapshot -> items
    is TimelineUpdate.Diff -> upserted
}
