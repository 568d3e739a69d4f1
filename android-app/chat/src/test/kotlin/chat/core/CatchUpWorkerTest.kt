package chat.core

import android.content.Context
import android.net.ConnectivityManager
import androidx.test.ext.junit.runners.AndroidJUnit4
import androidx.work.ListenableWorker
import androidx.work.ListenableWorker.Result
import androidx.work.NetworkType
import androidx.work.WorkInfo
import androidx.work.WorkManager
import androidx.work.WorkerFactory
import androidx.work.WorkerParameters
import androidx.work.testing.TestListenableWorkerBuilder
import androidx.work.testing.WorkManagerTestInitHelper
import chat.core.fixtures.ChatRule
import kotlin.time.Duration.Companion.hours
import kotlin.time.Duration.Companion.minutes
import kotlinx.coroutines.runBlocking
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Rule
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Shadows.shadowOf

/** The catch-up as the system runs it. */
@RunWith(AndroidJUnit4::class)
class CatchUpWorkerTest {
    @get:Rule
    val chat = ChatRule()

    private val results = mutableListOf<CatchUp>()

    /** An app's worker, with the app's client. */
    private inner class Worker(
        context: Context,
        parameters: WorkerParameters,
        private val app: suspend () -> ChatClient?
    ) : ChatCatchUpWorker(context, parameters) {
        override suspend fun client() = app()

        override suspend fun onCaughtUp(client: ChatClient, result: CatchUp) {
            results += result
        }
    }

    private fun work(attempt: Int = 0, app: suspend () -> ChatClient?): Result {
        val factory = object : WorkerFactory() {
            override fun createWorker(
                appContext: Context,
                workerClassName: String,
                workerParameters: WorkerParameters
            ): ListenableWorker = Worker(appContext, workerParameters, app)
        }
        val builder = TestListenableWorkerBuilder.from(chat.context, Worker::class.java)
        return runBlocking { builder.setWorkerFactory(factory).setRunAttemptCount(attempt).build().doWork() }
    }

    @Test
    fun `it brings the app's own client up to date and leaves it open`() {
        chat.bobSays("hello")
        val client = chat.client()
        assertEquals(Result.success(), work { client })
        assertTrue("$results", results.single() is CatchUp.Done)
        assertEquals("hello", client.rooms.value.rooms.first { it.id == RoomId(chat.room) }.lastMessage?.text)
        assertEquals(Connection.Idle, chat.aliceRoom(client).connection.value)
    }

    @Test
    fun `a server that is down is asked again soon, twice, and then with the next period`() {
        chat.proxy.failAll(503, "unavailable")
        val client = chat.client()
        assertEquals(
            listOf(Result.retry(), Result.retry(), Result.failure()),
            List(3) {
                work(attempt = it) { client }
            }
        )
        assertEquals(List(3) { CatchUp.Later(Problem.SERVER) }, results)
    }

    @Test
    fun `who is not logged in asks nothing`() {
        assertEquals(Result.success(), work { null })
        val client = chat.client(tokens = { "a bad token" })
        assertEquals(Result.failure(), work { client })
        assertEquals(listOf(CatchUp.Ended(EndReason.SESSION_ENDED)), results)
    }

    @Test
    fun `an account that is open elsewhere fails the work and not the app`() {
        val config = chat.config()
        chat.client(config)
        assertEquals(Result.failure(), work { chat.client(config) })
    }

    @Test
    fun `while the user saves data nothing is asked`() {
        val manager = checkNotNull(chat.context.getSystemService(ConnectivityManager::class.java))
        shadowOf(manager).setRestrictBackgroundStatus(ConnectivityManager.RESTRICT_BACKGROUND_STATUS_ENABLED)
        val client = chat.client()
        assertTrue(manager.isActiveNetworkMetered)
        assertEquals(Result.success(), work { client })
        assertEquals(emptyList<String>(), chat.proxy.log)
    }

    private fun scheduled(): List<WorkInfo> =
        WorkManager.getInstance(chat.context).getWorkInfosForUniqueWork("chat.core.catch-up").get()

    @Test
    fun `it is scheduled once, with a network and a battery that is not low, and cancelled`() {
        WorkManagerTestInitHelper.initializeTestWorkManager(chat.context)
        ChatCatchUp.schedule<ChatCatchUpWorker>(chat.context, every = 2.hours)
        ChatCatchUp.schedule<ChatCatchUpWorker>(chat.context, every = 1.hours)
        val work = scheduled().single()
        assertEquals(WorkInfo.State.ENQUEUED, work.state)
        assertEquals(1.hours.inWholeMilliseconds, work.periodicityInfo?.repeatIntervalMillis)
        assertEquals(NetworkType.CONNECTED, work.constraints.requiredNetworkType)
        assertTrue(work.constraints.requiresBatteryNotLow())
        ChatCatchUp.cancel(chat.context)
        assertEquals(WorkInfo.State.CANCELLED, scheduled().single().state)
        assertThrows(IllegalArgumentException::class.java) {
            ChatCatchUp.schedule<ChatCatchUpWorker>(chat.context, every = 14.minutes)
        }
    }
}
