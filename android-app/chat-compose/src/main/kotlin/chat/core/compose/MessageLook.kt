package chat.core.compose

import androidx.compose.runtime.Composable
import androidx.compose.runtime.Immutable

/**
 * How an app wants messages to look, and what can be done with them.
 *
 * @property avatar `null` for [ChatAvatar].
 * @property canChange Whether the room still takes anything.
 */
@Immutable
internal class MessageLook(
    val displayName: (String) -> String,
    val avatar: (@Composable (String) -> Unit)?,
    val canChange: Boolean
)
