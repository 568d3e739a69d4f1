package chat.core

import chat.core.internal.ScreenOrder
import chat.core.internal.merged
import chat.core.testing.exampleMessage
import java.util.concurrent.atomic.AtomicInteger
import kotlin.random.Random
import kotlin.random.nextInt
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test

/** What a diff makes of a list, against the slow way of doing it. */
class TimelineMergeTest {
    /** Nobody doubts this one. */
    private fun List<Message>.mergedSlowly(upserted: List<Message>, removed: List<Long>): List<Message> {
        val gone = upserted.map { it.key.value } + removed
        return (filterNot { it.key.value in gone } + upserted).sortedWith(ScreenOrder)
    }

    private fun message(id: Long?, key: Long = checkNotNull(id), text: String = "text") =
        exampleMessage(key, text).copy(id = id)

    /** A room that lives: all that a core may say of it, and what a screen then shows. */
    private class Life(private val random: Random) {
        private val shown = sortedMapOf<Long, Message>()
        private var lastKey = 0L
        private var newest = 500L

        fun diff(): Pair<List<Message>, List<Long>> {
            val before = shown.toMap()
            repeat(random.nextInt(1..6)) { step() }
            val upserted = shown.values.filter { before[it.key.value] !== it }.shuffled(random)
            return upserted to (before.keys - shown.keys).shuffled(random)
        }

        private fun step() {
            when (random.nextInt(8)) {
                0, 1 -> repeat(random.nextInt(1..20)) { show(confirmed(++newest)) }
                2 -> repeat(random.nextInt(1..30)) { show(confirmed(random.nextLong(1, newest))) }
                3 -> repeat(random.nextInt(1..3)) { show(exampleMessage(--lastKey).copy(id = null)) }
                4 -> any { it.id == null }?.let { show(it.copy(id = ++newest)) }
                5, 6 -> any { true }?.let { show(it.copy(text = "edit ${random.nextInt()}")) }
                else -> repeat(random.nextInt(1..4)) { any { true }?.let { shown -= it.key.value } }
            }
        }

        private fun any(condition: (Message) -> Boolean) = shown.values.filter(condition).randomOrNull(random)

        /** Written here or elsewhere: no two rows have one number. */
        private fun confirmed(id: Long) = shown.values.find { it.id == id }?.copy(isEdited = true) ?: exampleMessage(id)

        private fun show(message: Message) {
            shown[message.key.value] = message
        }
    }

    @Test
    fun `whatever happens to a room, the fast way shows what the slow one does`() {
        val start = System.nanoTime()
        repeat(300) { nth ->
            val seed = start + nth
            val life = Life(Random(seed))
            var fast = emptyList<Message>()
            var slow = emptyList<Message>()
            repeat(40) { step ->
                val (upserted, removed) = life.diff()
                fast = fast.merged(upserted, removed)
                slow = slow.mergedSlowly(upserted, removed)
                val wrong = (0..slow.size).firstOrNull { slow.getOrNull(it) != fast.getOrNull(it) }
                assertEquals("seed $seed, step $step: the first that is not where it belongs", null, wrong)
                assertEquals("seed $seed, step $step", slow.size, fast.size)
            }
        }
    }

    @Test
    fun `what is appended to ten thousand messages looks at a few of them`() {
        val looks = AtomicInteger()
        val all = List(10_000) { message(it + 1L) }
        val counted = object : AbstractList<Message>() {
            override val size = all.size
            override fun get(index: Int): Message = all[index].also { looks.incrementAndGet() }
            override fun subList(fromIndex: Int, toIndex: Int) = all.subList(fromIndex, toIndex)
        }
        val merged = counted.merged(listOf(message(10_001), message(null, key = -1)), emptyList())
        assertEquals(10_002, merged.size)
        assertTrue("${looks.get()} looks", looks.get() < 150)
    }

    @Test
    fun `a message keeps its one row from the outbox to its place among the others`() {
        val before = listOf(message(1), message(2), message(null, -1), message(null, -2))
        val after = before.merged(listOf(message(3), message(4, key = -1)), emptyList())
        assertEquals(listOf(1L, 2L, 3L, -1L, -2L), after.map { it.key.value })
    }

    @Test
    fun `older ones land before and leave the rest as it was`() {
        val before = List(5) { message(it + 101L) }
        val after = before.merged(List(100) { message(it + 1L) }.shuffled(), emptyList())
        assertEquals((1L..105L).toList(), after.map { it.key.value })
        assertTrue(before.indices.all { before[it] === after[100 + it] })
    }

    @Test
    fun `what is removed and what was never there is not there`() {
        val before = listOf(message(1), message(2, key = -7), message(3), message(null, -8))
        assertEquals(listOf(1L, 3L), before.merged(emptyList(), listOf(-7, -8, -9, 99)).map { it.key.value })
    }
}
