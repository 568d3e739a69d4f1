package chat.core.testing

import chat.core.Change
import chat.core.ChatClient
import chat.core.ChatRoom
import chat.core.Delivery
import chat.core.EndReason
import chat.core.Message
import chat.core.MessageKey
import chat.core.RoomId
import chat.core.SessionState
import chat.core.fixtures.ChatRule
import chat.core.fixtures.FaultProxy
import chat.core.fixtures.waitUntil
import kotlinx.coroutines.runBlocking

/** What happens around a client of alice's and one of her rooms: the server's half, and the network's. */
internal interface Stage {
    val client: ChatClient
    val room: ChatRoom

    fun bobSays(text: String)

    /** Lets what alice did with the message through, and returns when it has arrived. */
    fun deliver(key: MessageKey)

    /** Has the server refuse it, and returns when alice knows. */
    fun refuse(key: MessageKey)

    /** Has what [send] sends on its way while [act] runs; then it arrives. */
    fun whileSending(send: () -> MessageKey, act: (MessageKey) -> Unit): MessageKey

    /** From now on nothing gets through, and nothing has arrived that was not delivered before. */
    fun goOffline()

    fun goOnline()

    fun endSession()

    /** Nobody is in the room any more. */
    fun removeAlice()

    /** Puts more than a page in the room, and returns how many. */
    fun fill(): Int
}

/** The fake, told directly. */
internal class FakeStage : Stage {
    override val client = FakeChatClient()
    override val room = client.fakeRoom()

    override fun bobSays(text: String) {
        room.receive(text)
    }

    override fun deliver(key: MessageKey) = room.deliver(key)

    override fun refuse(key: MessageKey) = room.refuse(key)

    override fun whileSending(send: () -> MessageKey, act: (MessageKey) -> Unit) = send().also {
        room.startSending(it)
        act(it)
        room.deliver(it)
    }

    override fun goOffline() = client.goOffline()

    override fun goOnline() = client.goOnline()

    override fun endSession() = client.endSession()

    override fun removeAlice() = room.end(EndReason.NOT_A_MEMBER)

    override fun fill(): Int {
        room.show(exampleMessages(MANY).drop(10))
        room.addOlderPage(exampleMessages(MANY).take(10).drop(3))
        room.addOlderPage(exampleMessages(MANY).take(3))
        return MANY
    }
}

/** The real thing: the native core, a real server, and a proxy in between. */
internal class NativeStage(private val chat: ChatRule) : Stage {
    private val proxy: FaultProxy get() = chat.proxy
    override val client = chat.client()
    override val room by lazy { runBlocking { client.room(RoomId(chat.room)) } }

    override fun bobSays(text: String) {
        chat.bobSays(text)
    }

    private fun message(key: MessageKey): Message? = room.timeline.value.messages.find { it.key == key }

    override fun deliver(key: MessageKey) {
        goOnline()
        waitUntil("it is delivered") { message(key)?.run { id != null && change == Change.None } == true }
    }

    override fun refuse(key: MessageKey) {
        val isMessage = message(key)?.id == null
        if (isMessage) proxy.failPosts(422, "invalid") else proxy.failChanges(422, "invalid")
        room.wake()
        waitUntil("it is refused") {
            message(key)?.run { if (isMessage) delivery is Delivery.Failed else change is Change.Failed } == true
        }
        proxy.heal()
    }

    override fun whileSending(send: () -> MessageKey, act: (MessageKey) -> Unit): MessageKey {
        val hold = proxy.holdNextPost()
        val key = send()
        waitUntil("it is on its way") { hold.hasArrived && message(key)?.delivery == Delivery.Sending }
        act(key)
        hold.release()
        waitUntil("it has arrived") { message(key)?.id != null }
        return key
    }

    /** "Too many requests", because after that alone the core is certain that nothing has arrived. */
    override fun goOffline() = proxy.failAll(429, "rate_limited")

    override fun goOnline() {
        proxy.heal()
        room.wake()
    }

    override fun endSession() {
        proxy.failAll(401, "token_expired")
        room.wake()
        waitUntil("the session is over") { client.session.value == SessionState.ENDED }
        proxy.heal()
    }

    override fun removeAlice() {
        proxy.failAll(403, "not_a_member")
        room.wake()
    }

    override fun fill(): Int {
        repeat(MANY) { bobSays("message ${it + 1}") }
        return MANY
    }
}

/** More than two pages of the real thing. */
private const val MANY = 220
