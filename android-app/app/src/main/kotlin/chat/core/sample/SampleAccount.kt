package chat.core.sample

import android.content.Context
import android.content.Intent
import chat.core.TransportChoice

/**
 * Who chats where. From the extras of the intent that starts the sample, or else from `res/values/defaults.xml`:
 *
 * ```
 * adb shell am start -S -n chat.core.sample/.RoomsActivity --es user bob --es token JWT --el room 7 --es transport SSE
 * ```
 *
 * @property token Kept by [SampleApp] once it was given; empty for the one that it has.
 * @property room The room to open; 0 for none.
 * @property transport What the client is opened with, which is once in a process: hence the `-S` above.
 */
data class SampleAccount(
    val server: String,
    val user: String,
    val token: String,
    val room: Long,
    val transport: TransportChoice = TransportChoice.AUTO
) {
    /** What tells accounts apart. */
    val key: String get() = "$user $server"

    /** An intent that opens [room]. */
    fun intent(context: Context): Intent = extras(Intent(context, MainActivity::class.java)).putExtra("room", room)

    /** An intent that lists the rooms. */
    fun roomsIntent(context: Context): Intent = extras(Intent(context, RoomsActivity::class.java))

    private fun extras(intent: Intent) = intent
        .putExtra("server", server)
        .putExtra("user", user)
        .putExtra("token", token)
        .putExtra("transport", transport.name)

    /** Without the token: it must not end up in a log. */
    override fun toString(): String = "SampleAccount($user at $server, room $room)"

    companion object {
        /** Reads what [intent] and [roomsIntent] returned. */
        fun of(intent: Intent, context: Context): SampleAccount = SampleAccount(
            server = intent.getStringExtra("server") ?: context.getString(R.string.default_server),
            user = intent.getStringExtra("user") ?: context.getString(R.string.default_user),
            token = intent.getStringExtra("token") ?: context.getString(R.string.default_token),
            room = intent.getLongExtra("room", 0),
            transport = transport(intent.getStringExtra("transport") ?: context.getString(R.string.default_transport))
        )

        /** An extra may say anything. */
        private fun transport(name: String) = TransportChoice.entries.find { it.name == name } ?: TransportChoice.AUTO
    }
}
