package chat.core.testing

import com.sun.net.httpserver.HttpExchange
import com.sun.net.httpserver.HttpServer
import java.io.IOException
import java.net.InetAddress
import java.net.InetSocketAddress
import java.net.URI
import java.net.http.HttpClient
import java.net.http.HttpRequest
import java.net.http.HttpResponse
import java.util.concurrent.CompletableFuture
import java.util.concurrent.ConcurrentLinkedQueue
import java.util.concurrent.CountDownLatch
import java.util.concurrent.ExecutorService
import java.util.concurrent.Executors
import java.util.concurrent.TimeUnit
import java.util.concurrent.atomic.AtomicInteger
import java.util.concurrent.atomic.AtomicReference

/**
 * Stands between the app and [upstream]: counts what is asked, and on cue holds an answer back or makes up another.
 * It adds nothing of its own while nothing was asked of it.
 */
class FaultProxy(private val upstream: String) : AutoCloseable {
    private val threads: ExecutorService = Executors.newCachedThreadPool { Thread(it, "fault-proxy") }
    private val http = HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build()
    private val server = HttpServer.create(InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0)
    private val pollsInFlight = AtomicInteger()
    private val mostPollsInFlight = AtomicInteger()
    private val pollCount = AtomicInteger()
    private val emptyCount = AtomicInteger()
    private val postCount = AtomicInteger()
    private val madeUp = AtomicReference<(HttpExchange) -> Answer?> { null }
    private val held = AtomicReference<Hold?>()
    private val historyCount = AtomicInteger()
    private val requests = ConcurrentLinkedQueue<String>()

    /** Where the app thinks the server is. */
    val url: String get() = "http://127.0.0.1:${server.address.port}"

    /** Questions for new messages so far. */
    val polls: Int get() = pollCount.get()

    /** How many of them were answered `204`. */
    val emptyPolls: Int get() = emptyCount.get()

    /** Messages that were sent, each try counted. */
    val posts: Int get() = postCount.get()

    /** Questions for older messages so far. */
    val histories: Int get() = historyCount.get()

    /** Every request so far: "GET /v1/rooms". */
    val log: List<String> get() = requests.toList()

    /** How many questions there ever were at the same time, since [recount]. */
    val mostPollsAtOnce: Int get() = mostPollsInFlight.get()

    /** Counts [mostPollsAtOnce] anew: a question that the app has dropped may take a moment to end in here. */
    fun recount() = mostPollsInFlight.set(0)

    init {
        server.executor = threads
        server.createContext("/") { handle(it) }
        server.start()
    }

    /** Answers every request with [status] until [heal]. */
    fun failAll(status: Int, code: String = "internal") = madeUp.set { Answer(status, problem(status, code)) }

    /** Answers every request to send with [status] until [heal]. */
    fun failPosts(status: Int, code: String) =
        madeUp.set { if (it.requestMethod == "POST") Answer(status, problem(status, code)) else null }

    /** Answers every edit and deletion with [status] until [heal]. */
    fun failChanges(status: Int, code: String) = madeUp.set {
        if (it.requestMethod in setOf("PATCH", "DELETE")) Answer(status, problem(status, code)) else null
    }

    /** Answers every question for older messages with [status] until [heal]. */
    fun failHistory(status: Int, code: String) =
        madeUp.set { if (it.isHistory()) Answer(status, problem(status, code)) else null }

    /** Answers every request that carries [token] with `401` until [heal]. */
    fun refuse(token: String) = madeUp.set {
        val refused = it.requestHeaders.getFirst("Authorization") == "Bearer $token"
        if (refused) Answer(401, problem(401, "token_expired")) else null
    }

    /** Is a server that knows of no transport but polling, until [heal]. */
    fun refuseStreams() = madeUp.set {
        val isStream = it.requestURI.path.run { endsWith("/events") || endsWith("/socket") }
        when {
            isStream -> Answer(404, problem(404, "not_found"))
            "wait=" in it.requestURI.query.orEmpty() -> Answer(400, problem(400, "bad_request"))
            else -> null
        }
    }

    /** Answers every request with what is no JSON until [heal]. */
    fun talkNonsense() = madeUp.set { Answer(200, "<html>Welcome to the hotel</html>", "text/html") }

    /** The server's own answers again. */
    fun heal() = madeUp.set { null }

    /** The next question for news waits for its answer until [Hold.release]. */
    fun holdNextPoll(): Hold = hold { it.isPoll() }

    /** The same for a question for older messages. */
    fun holdNextHistory(): Hold = hold { it.isHistory() }

    /** The same for a message that is sent. */
    fun holdNextPost(): Hold = hold { it.requestMethod == "POST" }

    private fun hold(which: (HttpExchange) -> Boolean) = Hold(server.address.port, which).also { held.set(it) }

    override fun close() {
        held.getAndSet(null)?.release()
        server.stop(0)
        threads.shutdownNow()
    }

    private fun handle(exchange: HttpExchange) = exchange.use {
        val isPoll = it.isPoll()
        requests += "${it.requestMethod} ${it.requestURI.path}"
        if (it.isHistory()) historyCount.incrementAndGet()
        if (it.requestMethod == "POST") postCount.incrementAndGet()
        if (isPoll) {
            pollCount.incrementAndGet()
            mostPollsInFlight.accumulateAndGet(pollsInFlight.incrementAndGet(), ::maxOf)
        }
        try {
            val answer = madeUp.get()(it) ?: forward(it)
            val hold = held.get()
            if (hold?.which(it) == true && held.compareAndSet(hold, null)) hold.waitHere(it.remoteAddress.port)
            if (isPoll && answer.status == 204) emptyCount.incrementAndGet()
            answer.headers.forEach(it.responseHeaders::set)
            it.sendResponseHeaders(answer.status, if (answer.body.isEmpty()) -1 else answer.body.size.toLong())
            if (answer.body.isNotEmpty()) it.responseBody.write(answer.body)
        } catch (_: IOException) {
            // The app hung up, as it does when it stops.
        } finally {
            if (isPoll) pollsInFlight.decrementAndGet()
        }
    }

    private fun forward(exchange: HttpExchange): Answer {
        val request = HttpRequest.newBuilder(URI(upstream + exchange.requestURI))
        for (name in REQUEST_HEADERS) {
            exchange.requestHeaders.getFirst(name)?.let { request.header(name, it) }
        }
        val body = exchange.requestBody.readBytes()
        request.method(exchange.requestMethod, HttpRequest.BodyPublishers.ofByteArray(body))
        val response = http.send(request.build(), HttpResponse.BodyHandlers.ofByteArray())
        val headers = RESPONSE_HEADERS.mapNotNull { name ->
            response.headers().firstValue(name).orElse(null)?.let { name to it }
        }
        return Answer(response.statusCode(), response.body(), headers.toMap())
    }

    private fun HttpExchange.isHistory() = requestMethod == "GET" && "before=" in requestURI.query.orEmpty()

    private fun HttpExchange.isPoll() = requestMethod == "GET" && requestURI.path.endsWith("/messages") && !isHistory()

    private fun problem(status: Int, code: String) =
        """{"type":"about:blank","title":"Made up","status":$status,"code":"$code"}"""

    private class Answer(val status: Int, val body: ByteArray, val headers: Map<String, String>) {
        constructor(status: Int, body: String, contentType: String = "application/problem+json") :
            this(status, body.toByteArray(), mapOf("Content-Type" to contentType))
    }

    private companion object {
        val REQUEST_HEADERS =
            listOf("Authorization", "Content-Type", "Idempotency-Key", "Accept", "User-Agent", "If-None-Match")
        val RESPONSE_HEADERS = listOf("Content-Type", "ETag", "Retry-After", "Chat-Poll-Interval")
    }

    /** An answer that is held back. */
    class Hold internal constructor(private val port: Int, internal val which: (HttpExchange) -> Boolean) {
        private val asker = CompletableFuture<Int>()
        private val released = CountDownLatch(1)

        /** Whether the question is here, waiting. */
        val hasArrived: Boolean get() = asker.isDone

        /** Whether whoever asked has closed the connection; only asked while the answer is held. */
        val isHungUp: Boolean get() = asker.isDone && !isEstablished(port, asker.get())

        /** Lets the answer go. */
        fun release() = released.countDown()

        internal fun waitHere(askerPort: Int) {
            asker.complete(askerPort)
            released.await(30, TimeUnit.SECONDS)
        }
    }
}
