package chat.core.testing

import android.os.Looper
import java.io.File
import java.util.concurrent.locks.LockSupport
import kotlin.time.Duration
import kotlin.time.Duration.Companion.milliseconds
import kotlin.time.Duration.Companion.seconds
import kotlin.time.TimeSource
import org.robolectric.Shadows.shadowOf

/** Runs the main thread's work until [condition] holds; fails when it does not within [deadline]. */
fun waitUntil(what: String, deadline: Duration = 10.seconds, condition: () -> Boolean) {
    if (!holdsWithin(deadline, condition)) throw AssertionError("waited $deadline in vain until $what")
}

/** Runs the main thread's work for [time] and fails as soon as [condition] does not hold. */
fun holdsFor(time: Duration, what: String, condition: () -> Boolean) {
    if (holdsWithin(time) { !condition() }) throw AssertionError("it did not last that $what")
}

private fun holdsWithin(deadline: Duration, condition: () -> Boolean): Boolean {
    val start = TimeSource.Monotonic.markNow()
    while (true) {
        shadowOf(Looper.getMainLooper()).idle()
        if (condition()) return true
        if (start.elapsedNow() > deadline) return false
        LockSupport.parkNanos(POLL.inWholeNanoseconds)
    }
}

private val POLL = 5.milliseconds

/** The threads of the native core in this process, by the kernel's account. */
fun coreThreads(): List<String> = File("/proc/self/task").listFiles().orEmpty()
    .mapNotNull { task -> runCatching { File(task, "comm").readText().trim() }.getOrNull() }
    .filter { it.startsWith("chat-core") }

/** The threads of the JVM by name, daemons and all. */
fun jvmThreads(): List<String> = Thread.getAllStackTraces().keys.map { it.name }

/** Files and sockets this process has open. */
fun openFiles(): Int = File("/proc/self/fd").list().orEmpty().size

/** Whether the other end, at [remotePort], still holds its connection to our [localPort], by the kernel's account. */
fun isEstablished(localPort: Int, remotePort: Int): Boolean =
    listOf("/proc/self/net/tcp", "/proc/self/net/tcp6").map(::File).filter { it.exists() }
        .flatMap { it.readLines() }
        .map { it.trim().split(Regex("\\s+")) }
        .any { (_, local, remote, state) ->
            local.endsWith(":%04X".format(localPort)) && remote.endsWith(":%04X".format(remotePort)) &&
                state == ESTABLISHED
        }

/** TCP_ESTABLISHED of the kernel's; when the other end has closed its own, CLOSE_WAIT follows. */
private const val ESTABLISHED = "01"
