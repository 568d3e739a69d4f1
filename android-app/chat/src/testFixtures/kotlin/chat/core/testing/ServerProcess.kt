package chat.core.testing

import java.io.File
import java.net.URI
import java.net.http.HttpClient
import java.net.http.HttpRequest
import java.net.http.HttpResponse
import java.nio.file.Files
import java.util.UUID
import java.util.concurrent.ConcurrentHashMap
import org.json.JSONArray
import org.json.JSONObject

/** The real reference server as a process of its own, and the other people in its rooms. */
class ServerProcess private constructor(private val binary: File) {
    private val database = Files.createTempDirectory("chat-server").resolve("chat.db")
    private val process = ProcessBuilder(
        binary.path, "--listen", "127.0.0.1:0", "--database", "$database", "--jwt-secret", SECRET, "--log", "off"
    ).redirectError(ProcessBuilder.Redirect.INHERIT).start()
    private val http = HttpClient.newHttpClient()
    private val tokens = ConcurrentHashMap<String, String>()

    /** `http://127.0.0.1:PORT`. */
    val url: String = process.inputStream.bufferedReader().readLine().orEmpty().substringAfter("listening on ", "")

    init {
        check(url.isNotEmpty()) { "$binary did not say where it listens" }
        Runtime.getRuntime().addShutdownHook(Thread(process::destroy))
    }

    /** A token for [user], good for an hour. */
    fun token(user: String): String = tokens.getOrPut(user) {
        val command = listOf(binary.path, "token", "--user", user, "--jwt-secret", SECRET, "--ttl", "1h")
        ProcessBuilder(command).start().inputStream.bufferedReader().readText().trim()
    }

    /** Makes a room with these people in it and returns its number. */
    fun createRoom(vararg members: String = arrayOf("alice", "bob"), title: String = "A room"): Long {
        val body = JSONObject().put("title", title).put("members", JSONArray(members.toList()))
        return JSONObject(call(members.first(), "POST", "/v1/rooms", body)).getLong("id")
    }

    /** [user] says [text]; returns the message's number. */
    fun say(room: Long, user: String, text: String): Long =
        JSONObject(call(user, "POST", "/v1/rooms/$room/messages", JSONObject().put("text", text))).getLong("id")

    /** What the server holds of [room], oldest first, as [user] reads it. */
    fun texts(room: Long, user: String = "bob"): List<String> {
        val page = JSONObject(call(user, "GET", "/v1/rooms/$room/messages?limit=500"))
        val messages = page.getJSONArray("messages")
        return List(messages.length()) { messages.getJSONObject(it).getString("text") }
    }

    /** [user] has the message say [text] instead. */
    fun edit(room: Long, user: String, id: Long, text: String) {
        call(user, "PATCH", "/v1/rooms/$room/messages/$id", JSONObject().put("text", text))
    }

    /** [user] deletes the message. */
    fun delete(room: Long, user: String, id: Long) {
        call(user, "DELETE", "/v1/rooms/$room/messages/$id")
    }

    /** [user] has read up to the message, on another device. */
    fun markRead(room: Long, user: String, id: Long) {
        call(user, "PUT", "/v1/rooms/$room/read", JSONObject().put("id", id))
    }

    /** What the server knows of [user]'s reading: the marker, 0 for none, and the count of what is unread. */
    fun reading(room: Long, user: String): Pair<Long, Int> {
        val rooms = JSONObject(call(user, "GET", "/v1/rooms")).getJSONArray("rooms")
        val summary = List(rooms.length()) { rooms.getJSONObject(it) }.single { it.getLong("id") == room }
        return summary.optLong("read_marker", 0) to summary.getInt("unread")
    }

    private fun call(user: String, method: String, path: String, body: JSONObject? = null): String {
        val publisher = body?.let { HttpRequest.BodyPublishers.ofString(it.toString()) }
        val request = HttpRequest.newBuilder(URI(url + path))
            .header("Authorization", "Bearer ${token(user)}")
            .header("Content-Type", "application/json")
            .header("Idempotency-Key", UUID.randomUUID().toString())
            .method(method, publisher ?: HttpRequest.BodyPublishers.noBody())
            .build()
        val response = http.send(request, HttpResponse.BodyHandlers.ofString())
        check(response.statusCode() in 200..299) { "$method $path: ${response.statusCode()} ${response.body()}" }
        return response.body()
    }

    companion object {
        private const val SECRET = "a secret of the tests, and of nobody else"

        /** One for all tests of a JVM: each test makes rooms of its own. It ends with the JVM. */
        val shared: ServerProcess by lazy { ServerProcess(File(checkNotNull(System.getProperty("chat.server")))) }
    }
}
