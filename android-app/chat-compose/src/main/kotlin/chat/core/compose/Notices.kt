package chat.core.compose

import androidx.annotation.StringRes
import androidx.compose.animation.core.Animatable
import androidx.compose.animation.core.tween
import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Box
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.layout.fillMaxSize
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.layout.size
import androidx.compose.foundation.rememberScrollState
import androidx.compose.foundation.shape.CircleShape
import androidx.compose.foundation.verticalScroll
import androidx.compose.material3.Button
import androidx.compose.material3.CircularProgressIndicator
import androidx.compose.material3.Icon
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Surface
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.runtime.LaunchedEffect
import androidx.compose.runtime.remember
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.graphics.graphicsLayer
import androidx.compose.ui.res.painterResource
import androidx.compose.ui.res.stringResource
import androidx.compose.ui.semantics.contentDescription
import androidx.compose.ui.semantics.heading
import androidx.compose.ui.semantics.semantics
import androidx.compose.ui.text.style.TextAlign
import androidx.compose.ui.unit.dp
import chat.core.ChatException
import chat.core.Connection

/**
 * Neither the cache nor the server has spoken yet. The cache speaks within milliseconds: until it had the time for it
 * there is nothing to see, so that no spinner flashes up before the messages.
 */
@Composable
internal fun LoadingNotice(@StringRes label: Int = R.string.chat_loading) {
    val loading = stringResource(label)
    val alpha = remember { Animatable(0f) }
    LaunchedEffect(Unit) { alpha.animateTo(1f, tween(durationMillis = 200, delayMillis = CACHE_TIME)) }
    Box(Modifier.fillMaxSize(), contentAlignment = Alignment.Center) {
        CircularProgressIndicator(
            modifier = Modifier
                .graphicsLayer { this.alpha = alpha.value }
                .semantics { contentDescription = loading }
        )
    }
}

/** In milliseconds: the cache of a slow phone, with room to spare. */
private const val CACHE_TIME = 400

/** Nobody has said anything yet; or nobody knows, as long as there is no network to ask. */
@Composable
internal fun EmptyNotice(connection: Connection) = if (connection is Connection.Waiting) {
    Notice(R.string.chat_empty_offline_title, R.string.chat_empty_offline_text)
} else {
    Notice(R.string.chat_empty_title, R.string.chat_empty_text)
}

/** The room cannot be opened on this device. */
@Composable
internal fun FailureNotice(failure: ChatException, onReopen: () -> Unit) =
    Notice(R.string.chat_cannot_open_title, failure.label()) {
        Button(onReopen, Modifier.padding(top = 8.dp)) { Text(stringResource(R.string.chat_try_again)) }
    }

/** Where there is nothing to list: what that means, and what one can do about it. */
@Composable
internal fun Notice(@StringRes title: Int, @StringRes text: Int, action: @Composable () -> Unit = {}) {
    val colors = MaterialTheme.colorScheme
    Column(
        modifier = Modifier
            .fillMaxSize()
            .verticalScroll(rememberScrollState())
            .padding(horizontal = 40.dp, vertical = 24.dp),
        horizontalAlignment = Alignment.CenterHorizontally,
        verticalArrangement = Arrangement.spacedBy(10.dp, Alignment.CenterVertically)
    ) {
        Surface(Modifier.size(72.dp), CircleShape, color = colors.primaryContainer) {
            Box(contentAlignment = Alignment.Center) {
                Icon(painterResource(R.drawable.chat_ic_chat), null, Modifier.size(34.dp), colors.onPrimaryContainer)
            }
        }
        Text(
            text = stringResource(title),
            modifier = Modifier.padding(top = 8.dp).semantics { heading() },
            textAlign = TextAlign.Center,
            style = MaterialTheme.typography.titleMedium
        )
        Text(
            text = stringResource(text),
            color = colors.onSurfaceVariant,
            textAlign = TextAlign.Center,
            style = MaterialTheme.typography.bodyMedium.byPhrases()
        )
        action()
    }
}

@StringRes
private fun ChatException.label(): Int = when (this) {
    is ChatException.InvalidConfig, is ChatException.InvalidRoom -> R.string.chat_cannot_open_config
    is ChatException.CacheInUse -> R.string.chat_cannot_open_in_use
    is ChatException.CacheTooNew -> R.string.chat_cannot_open_too_new
    is ChatException.Storage, is ChatException.StorageFull -> R.string.chat_cannot_open_storage
    else -> R.string.chat_cannot_open_other
}
