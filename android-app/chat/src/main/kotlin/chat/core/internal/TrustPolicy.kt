package chat.core.internal

import android.net.Uri
import android.security.NetworkSecurityPolicy
import chat.core.ChatConfig
import chat.core.ChatException

/**
 * Whoever reads an app's network security config relies on it: where it forbids cleartext, a flag left over from
 * development must not leak the token. The core alone would not know; that [ChatConfig.allowCleartext] is wanted
 * besides, it sees to.
 *
 * @throws ChatException.InvalidConfig cleartext is asked for, and the app's manifest does not permit it.
 */
internal fun ChatConfig.checkCleartext() {
    val url = Uri.parse(serverUrl)
    if (!allowCleartext || url.scheme == "https") return
    val host = url.host.orEmpty()
    if (!NetworkSecurityPolicy.getInstance().isCleartextTrafficPermitted(host)) {
        throw ChatException.InvalidConfig("server URL: the app's network security config permits no cleartext to $host")
    }
}
