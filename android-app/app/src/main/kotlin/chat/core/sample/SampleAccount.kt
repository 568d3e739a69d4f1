package chat.core.sample

import android.content.Context
import android.content.Intent
import chat.core.TransportChoice

/** Who chats where. From the extras of the intent that starts the sample, or else from `res/values/defaults.xml`. */
data class SampleAccount(
    val server: String,
    val user: String,
    val token: String,
    val room: Long,
    val transport: TransportChoice = TransportChoice.AUTO
) {
    /** An intent that opens [MainActivity] with this account. */
    fun intent(context: Context): Intent = Intent(context, MainActivity::class.java)
        .putExtra("server", server)
        .putExtra("user", user)
        .putExtra("token", token)
        .putExtra("room", room)
        .putExtra("transport", transport.name)

    /** Without the token: it must not end up in a log. */
    override fun toString(): String = "SampleAccount($user at $server, room $room)"

    companion object {
        /** Reads what [intent] returned, for instance from `adb shell am start … --es user bob --el room 7 --es transport SSE`. */
        fun of(intent: Intent, context: Context): SampleAccount = SampleAccount(
            server = intent.getStringExtra("server") ?: context.getString(R.string.default_server),
            user = intent.getStringExtra("user") ?: context.getString(R.string.default_user),
            token = intent.getStringExtra("token") ?: context.getString(R.string.default_token),
            room = intent.getLongExtra("room", context.resources.getInteger(R.integer.default_room).toLong()),
            transport = transport(intent.getStringExtra("transport") ?: context.getString(R.string.default_transport))
        )

        /** An extra may say anything. */
        private fun transport(name: String) = TransportChoice.entries.find { it.name == name } ?: TransportChoice.AUTO
    }
}
