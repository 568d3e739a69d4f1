package chat.core.compose

import chat.core.Change
import chat.core.ChatFormats
import chat.core.ChatUiState
import chat.core.Connection
import chat.core.Delivery
import chat.core.FailureReason
import chat.core.Message
import chat.core.MessageKey
import chat.core.RoomSummary
import chat.core.Transport
import chat.core.UnreadMark
import chat.core.chatRows
import java.time.Instant
import java.time.ZoneId
import java.util.Locale

/** Half past ten in the morning, and so on: what the pictures show. */
object Screens {
    val english = ChatFormats(Locale.US, ZoneId.of("Asia/Seoul"), "h:mm a")
    val arabic = ChatFormats(Locale.forLanguageTag("ar"), ZoneId.of("Asia/Seoul"), "h:mm a")
    val korean = ChatFormats(Locale.KOREA, ZoneId.of("Asia/Seoul"), "a h:mm")

    /** A state that shows [messages] to somebody in Seoul. */
    fun state(
        messages: List<Message>,
        formats: ChatFormats = english,
        connection: Connection = Connection.Live(Transport.POLLING),
        unread: UnreadMark? = null
    ) = ChatUiState(rows = chatRows(messages, formats, unread), connection = connection, isLoading = false)

    /** A conversation of two days, for the eye. */
    fun conversation(korean: Boolean): List<Message> = Script().run {
        at("2024-08-06T11:58:00Z")
        bob(if (korean) "다들 잘 지내죠? 내일 점심 같이 먹어요 🙂" else "Lunch tomorrow, anyone? 🙂")
        at("2024-08-07T01:30:00Z")
        alice(if (korean) "좋아요! 어디서 볼까요?" else "I’m in! Where shall we meet?")
        bob(if (korean) "시청역 2번 출구 어때요" else "City Hall, exit 2?")
        bob(if (korean) "12시 반이면 사람이 적어요" else "At half past twelve it’s less crowded")
        at("2024-08-07T01:31:00Z")
        carol(
            if (korean) {
                "저는 조금 늦을 것 같아요. 먼저 주문해 주시면 금방 갈게요. 비가 올 수도 있으니 우산 챙기세요 ☔"
            } else {
                "I may be a little late, go ahead and order. It might rain, so bring an umbrella ☔"
            }
        )
        at("2024-08-07T01:32:00Z")
        alice(if (korean) "그럼 제가 자리 잡아 둘게요" else "I’ll get us a table then")
        alice("👍")
        messages
    }

    /** A long morning of it. */
    fun history(): List<Message> = Script().run {
        repeat(4) { hour ->
            at("2024-08-07T0$hour:30:00Z")
            alice("I’m at exit 2")
            bob("So am I")
            alice("I don’t see you")
            bob("It’s the one beside the bakery")
            carol("My train stands still before the bridge, as it does every single day.")
            bob("Take your time")
        }
        messages
    }

    /** The same, with everything that can go wrong at its end. */
    fun troubled(korean: Boolean): List<Message> = Script(conversation(korean)).run {
        at("2024-08-07T01:40:00Z")
        carol("שלום! أراكم هناك 👋")
        alice(if (korean) "이 메시지는 거절됐어요" else "This one was refused", Delivery.Failed(FailureReason.REFUSED))
        alice(if (korean) "지하철이에요, 신호가 약하네요" else "On the subway, no signal", Delivery.Pending)
        messages
    }

    /** Somebody comes back: what they have not read, a hole that is being filled, and what was changed meanwhile. */
    fun changed(korean: Boolean): List<Message> {
        val all = conversation(korean)
        val away = all.drop(2).map { it.copy(key = MessageKey(it.key.value + 40), id = it.id?.plus(40)) }
        val (first, second) = away
        return all.take(2) + first.copy(isEdited = true) + second.copy(text = "", isDeleted = true) + away.drop(2).map {
            if (it.isOwn && it != away.last()) it.copy(change = Change.Pending, isEdited = true) else it
        } + away.last().run {
            copy(key = MessageKey(key.value + 1), id = id?.plus(1), change = Change.Failed(FailureReason.REFUSED))
        }
    }

    /** The rooms of somebody who was away: from today to last month. */
    fun rooms(korean: Boolean): List<RoomSummary> {
        fun say(english: String, inKorean: String) = if (korean) inKorean else english
        val lunch = conversation(korean).last { !it.isOwn }.text
        val all = listOf(
            exampleRoom(1, say("Lunch", "점심 모임 🍱"), lunch, "carol", Instant.parse("2024-08-07T01:31:00Z"), 3),
            exampleRoom(2, say("Release 2.4", "2.4 배포"), say("I’ll look at it", "제가 볼게요"), "alice"),
            exampleRoom(3, say("Everybody", "전체 공지"), "👍", "dave", Instant.parse("2024-08-06T23:02:00Z"), 120),
            exampleRoom(4, say("Family", "가족"), "שלום! أراكم هناك 👋", "mina", Instant.parse("2024-08-06T09:12:00Z")),
            exampleRoom(5, say("Book club", "독서 모임"), "", at = Instant.parse("2024-08-04T12:00:00Z")),
            exampleRoom(
                6,
                say("A room with a name that no line can hold", "한 줄에 다 들어가지 않을 만큼 이름이 긴 채팅방"),
                say("See you in September", "9월에 만나요"),
                at = Instant.parse("2024-07-15T12:00:00Z")
            )
        )
        return all.map { room ->
            val last = room.lastMessage
            if (last?.text == "") room.copy(lastMessage = last.copy(isDeleted = true)) else room
        } + exampleRoom(7, say("New project", "새 프로젝트")).copy(lastMessage = null)
    }

    private class Script(start: List<Message> = emptyList()) {
        val messages = start.toMutableList()
        private var now = Instant.EPOCH
        private var own = 0L

        fun at(time: String) {
            now = Instant.parse(time)
        }

        fun bob(text: String) = say("bob", text)
        fun carol(text: String) = say("carol", text)
        fun alice(text: String, delivery: Delivery = Delivery.Sent) = say("alice", text, delivery)

        private fun say(sender: String, text: String, delivery: Delivery = Delivery.Sent) {
            val confirmed = delivery == Delivery.Sent
            val key = if (confirmed) messages.size + 1L else --own
            messages += Message(
                key = MessageKey(key),
                id = key.takeIf { confirmed },
                sender = sender,
                isOwn = sender == "alice",
                text = text,
                sentAt = now,
                delivery = delivery
            )
        }
    }
}
