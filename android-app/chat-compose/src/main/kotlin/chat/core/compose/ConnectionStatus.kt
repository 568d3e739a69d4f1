package chat.core.compose

import androidx.annotation.StringRes
import androidx.compose.animation.AnimatedVisibility
import androidx.compose.animation.expandVertically
import androidx.compose.animation.shrinkVertically
import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Box
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.RowScope
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.heightIn
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.layout.size
import androidx.compose.foundation.shape.CircleShape
import androidx.compose.material3.ButtonDefaults
import androidx.compose.material3.ExperimentalMaterial3Api
import androidx.compose.material3.Icon
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Surface
import androidx.compose.material3.Text
import androidx.compose.material3.TextButton
import androidx.compose.material3.TopAppBar
import androidx.compose.material3.TopAppBarDefaults
import androidx.compose.runtime.Composable
import androidx.compose.runtime.getValue
import androidx.compose.runtime.mutableStateOf
import androidx.compose.runtime.remember
import androidx.compose.runtime.setValue
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.platform.LocalDensity
import androidx.compose.ui.res.painterResource
import androidx.compose.ui.res.stringResource
import androidx.compose.ui.semantics.LiveRegionMode
import androidx.compose.ui.semantics.contentDescription
import androidx.compose.ui.semantics.liveRegion
import androidx.compose.ui.semantics.semantics
import androidx.compose.ui.text.style.TextOverflow
import androidx.compose.ui.unit.dp
import androidx.compose.ui.unit.max
import chat.core.Connection
import chat.core.EndReason
import chat.core.Problem
import chat.core.Transport

/** The room's name and, below it, how it stands with the server; `null` when there is no room. */
@OptIn(ExperimentalMaterial3Api::class)
@Composable
internal fun ChatTopBar(
    title: String,
    connection: Connection?,
    navigationIcon: @Composable () -> Unit,
    actions: @Composable RowScope.() -> Unit = {}
) {
    val colors = MaterialTheme.colorScheme
    TopAppBar(
        title = {
            Row(
                modifier = Modifier.padding(end = 12.dp),
                verticalAlignment = Alignment.CenterVertically,
                horizontalArrangement = Arrangement.spacedBy(12.dp)
            ) {
                Surface(Modifier.size(40.dp), CircleShape, color = colors.primaryContainer) {
                    Box(contentAlignment = Alignment.Center) {
                        Icon(
                            painterResource(R.drawable.chat_ic_chat),
                            null,
                            Modifier.size(20.dp),
                            colors.onPrimaryContainer
                        )
                    }
                }
                Column {
                    Text(
                        title,
                        maxLines = 1,
                        overflow = TextOverflow.Ellipsis,
                        style = MaterialTheme.typography.titleMedium
                    )
                    if (connection != null) StatusLine(connection)
                }
            }
        },
        navigationIcon = navigationIcon,
        actions = actions,
        // Its own height is a fixed one: two lines of large letters need more.
        expandedHeight = with(LocalDensity.current) {
            val lines = with(MaterialTheme.typography) { titleMedium.lineHeight.toDp() + labelMedium.lineHeight.toDp() }
            max(TopAppBarDefaults.TopAppBarExpandedHeight, lines + 16.dp)
        },
        colors = TopAppBarDefaults.topAppBarColors(containerColor = colors.surface)
    )
}

@Composable
private fun StatusLine(connection: Connection) {
    val colors = MaterialTheme.colorScheme
    val dot = when (connection) {
        is Connection.Live -> colors.tertiary
        is Connection.Ended -> colors.error
        else -> colors.outline
    }
    val spoken = connection.status(R.string.chat_status_live_description)
    Row(verticalAlignment = Alignment.CenterVertically, horizontalArrangement = Arrangement.spacedBy(6.dp)) {
        Surface(Modifier.size(8.dp), CircleShape, color = dot) {}
        Text(
            connection.status(R.string.chat_status_live),
            // "Middle dot" is nothing for the ear.
            Modifier.semantics { contentDescription = spoken },
            color = colors.onSurfaceVariant,
            maxLines = 1,
            overflow = TextOverflow.Ellipsis,
            style = MaterialTheme.typography.labelMedium
        )
    }
}

@Composable
private fun Connection.status(@StringRes live: Int): String = when (this) {
    is Connection.Live -> stringResource(live, stringResource(transport.label()))
    is Connection.Idle -> stringResource(R.string.chat_status_idle)
    is Connection.Connecting -> stringResource(R.string.chat_status_connecting)
    is Connection.Waiting -> stringResource(problem.status())
    is Connection.Ended -> stringResource(reason.status())
}

@StringRes
private fun Transport.label() = when (this) {
    Transport.POLLING -> R.string.chat_transport_polling
    Transport.LONG_POLLING -> R.string.chat_transport_long_polling
    Transport.SSE -> R.string.chat_transport_sse
    Transport.WEB_SOCKET -> R.string.chat_transport_web_socket
}

@StringRes
private fun Problem.status() = when (this) {
    Problem.OFFLINE -> R.string.chat_status_offline
    else -> R.string.chat_status_reconnecting
}

@StringRes
private fun EndReason.status() = when (this) {
    EndReason.SESSION_ENDED -> R.string.chat_status_signed_out
    EndReason.NOT_A_MEMBER, EndReason.ROOM_NOT_FOUND -> R.string.chat_status_closed
    EndReason.CLIENT_CLOSED -> R.string.chat_status_idle
}

/** A line below the title while something is wrong that the user can do something about, or wants to know of. */
@Composable
internal fun ConnectionBanner(connection: Connection, onRestart: () -> Unit, onSignIn: (() -> Unit)? = null) {
    val now = connection.banner()?.let { it to (connection is Connection.Ended) }
    // While the banner leaves, it still shows what it said.
    var last by remember { mutableStateOf(now) }
    if (now != null) last = now
    AnimatedVisibility(now != null, enter = expandVertically(), exit = shrinkVertically()) {
        val (label, isEnd) = last ?: return@AnimatedVisibility
        val colors = MaterialTheme.colorScheme
        Surface(
            modifier = Modifier.fillMaxWidth().semantics { liveRegion = LiveRegionMode.Polite },
            color = if (isEnd) colors.errorContainer else colors.secondaryContainer,
            contentColor = if (isEnd) colors.onErrorContainer else colors.onSecondaryContainer
        ) {
            Row(
                modifier = Modifier.heightIn(min = 44.dp).padding(start = 16.dp, end = 8.dp),
                verticalAlignment = Alignment.CenterVertically,
                horizontalArrangement = Arrangement.spacedBy(12.dp)
            ) {
                Icon(painterResource(R.drawable.chat_ic_offline), contentDescription = null, Modifier.size(18.dp))
                Text(
                    text = stringResource(label),
                    modifier = Modifier.weight(1f).padding(vertical = 8.dp),
                    style = MaterialTheme.typography.bodyMedium.byPhrases()
                )
                if (isEnd) EndButton(onRestart, onSignIn)
            }
        }
    }
}

@Composable
private fun EndButton(onRestart: () -> Unit, onSignIn: (() -> Unit)?) {
    val color = MaterialTheme.colorScheme.onErrorContainer
    TextButton(
        onClick = onSignIn ?: onRestart,
        colors = ButtonDefaults.textButtonColors(contentColor = color)
    ) {
        Text(stringResource(if (onSignIn != null) R.string.chat_sign_in else R.string.chat_try_again))
    }
}

/** One slow answer is nobody's business: what may pass is told from the second time on. */
@StringRes
private fun Connection.banner(): Int? = when (this) {
    // That the room is closed stands where one would write.
    is Connection.Ended -> reason.label().takeIf { reason == EndReason.SESSION_ENDED }

    is Connection.Waiting -> when (problem) {
        Problem.OFFLINE -> R.string.chat_banner_offline
        Problem.TLS -> R.string.chat_banner_insecure
        Problem.STORAGE -> R.string.chat_banner_storage
        Problem.TOKEN_UNAVAILABLE -> R.string.chat_banner_signing_in
        Problem.TIMEOUT, Problem.INTERRUPTED -> R.string.chat_banner_slow.takeIf { attempt > 1 }
        Problem.SERVER, Problem.RATE_LIMITED, Problem.BAD_ANSWER -> R.string.chat_banner_server.takeIf { attempt > 1 }
        Problem.CURSOR_AHEAD -> null
    }

    else -> null
}

@StringRes
internal fun EndReason.label(): Int = when (this) {
    EndReason.SESSION_ENDED -> R.string.chat_banner_session_ended
    EndReason.NOT_A_MEMBER -> R.string.chat_banner_not_a_member
    EndReason.ROOM_NOT_FOUND -> R.string.chat_banner_no_room
    EndReason.CLIENT_CLOSED -> R.string.chat_status_idle
}
