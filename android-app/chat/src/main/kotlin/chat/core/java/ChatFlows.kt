// What Java needs to work with coroutines without seeing any: it finds `observe` in `ChatFlows`.
@file:JvmName("ChatFlows")

package chat.core.java

import java.util.concurrent.CompletableFuture
import java.util.concurrent.Executor
import java.util.concurrent.RejectedExecutionException
import java.util.function.Consumer
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.Job
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.asCoroutineDispatcher
import kotlinx.coroutines.asExecutor
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.future.future
import kotlinx.coroutines.launch

/** Something that one is told of until it is closed. */
public fun interface Subscription : AutoCloseable {
    /**
     * Ends it. Called on the thread of the subscription's executor, nothing is told after this returned; on another
     * thread, a call that has begun may still be going on. May be called any number of times.
     */
    override fun close()
}

/**
 * Tells [consumer] of [flow]: of a state what it is and, again and again, what it has become (who is slow gets the
 * newest, not all in between); of [chat.core.ChatViewModel.events] each one.
 *
 * @param executor Where [consumer] is called, one call after the other: the main thread's, for views. What is thrown
 *   there is nobody's to catch, as in any task of an executor's.
 */
public fun <T> observe(flow: Flow<T>, executor: Executor, consumer: Consumer<in T>): Subscription {
    val subscription = Job()
    val threads = Dispatchers.Default.asExecutor()
    // By way of a thread of ours: an executor that runs what it is given on the spot must not run it where the core is
    // telling us. And no further than that: who is cancelled before the executor's turn has taken nothing.
    val dispatcher = Executor { task ->
        threads.execute {
            try {
                executor.execute(task)
            } catch (_: RejectedExecutionException) {
                // The executor was shut down: nobody is there to be told any more.
                subscription.cancel()
                task.run()
            }
        }
    }.asCoroutineDispatcher()
    scope.launch(dispatcher + subscription) { flow.collect(consumer::accept) }
    return Subscription { subscription.cancel() }
}

private val scope = CoroutineScope(SupervisorJob() + Dispatchers.Default)

/** Undispatched: what is called first is done first, and who cancels at once has called all the same. */
internal fun <T> future(call: suspend () -> T): CompletableFuture<T> =
    scope.future(start = CoroutineStart.UNDISPATCHED) { call() }

internal fun futureOfNothing(call: suspend () -> Unit): CompletableFuture<Void?> = future {
    call()
    null
}
