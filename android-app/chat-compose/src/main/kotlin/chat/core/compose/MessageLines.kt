package chat.core.compose

import androidx.compose.foundation.clickable
import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Row
import androidx.compose.foundation.layout.fillMaxWidth
import androidx.compose.foundation.layout.heightIn
import androidx.compose.foundation.layout.padding
import androidx.compose.foundation.layout.size
import androidx.compose.foundation.shape.CircleShape
import androidx.compose.material3.CircularProgressIndicator
import androidx.compose.material3.HorizontalDivider
import androidx.compose.material3.MaterialTheme
import androidx.compose.material3.Surface
import androidx.compose.material3.Text
import androidx.compose.runtime.Composable
import androidx.compose.ui.Alignment
import androidx.compose.ui.Modifier
import androidx.compose.ui.graphics.Color
import androidx.compose.ui.res.pluralStringResource
import androidx.compose.ui.res.stringResource
import androidx.compose.ui.semantics.LiveRegionMode
import androidx.compose.ui.semantics.clearAndSetSemantics
import androidx.compose.ui.semantics.contentDescription
import androidx.compose.ui.semantics.heading
import androidx.compose.ui.semantics.liveRegion
import androidx.compose.ui.semantics.semantics
import androidx.compose.ui.text.font.FontWeight
import androidx.compose.ui.text.style.TextAlign
import androidx.compose.ui.unit.dp

/** The day above the messages of a day. */
@Composable
internal fun DateSeparator(label: String) {
    Row(
        Modifier.fillMaxWidth().padding(top = 18.dp, bottom = 8.dp),
        horizontalArrangement = Arrangement.Center
    ) {
        Surface(shape = CircleShape, color = MaterialTheme.colorScheme.surfaceContainer) {
            Text(
                text = label,
                modifier = Modifier.padding(horizontal = 14.dp, vertical = 5.dp).semantics { heading() },
                color = MaterialTheme.colorScheme.onSurfaceVariant,
                style = MaterialTheme.typography.labelMedium
            )
        }
    }
}

/** Says that there is more in between than one sees: it is on its way. */
@Composable
internal fun GapNotice(missing: Long) {
    val count = missing.coerceAtMost(Int.MAX_VALUE.toLong()).toInt()
    val label = pluralStringResource(R.plurals.chat_gap, count, count)
    val colors = MaterialTheme.colorScheme
    Row(
        modifier = Modifier
            .fillMaxWidth()
            .padding(top = 18.dp, bottom = 8.dp)
            .clearAndSetSemantics { contentDescription = label },
        verticalAlignment = Alignment.CenterVertically,
        horizontalArrangement = Arrangement.spacedBy(10.dp)
    ) {
        HorizontalDivider(Modifier.weight(1f), color = colors.outlineVariant)
        CircularProgressIndicator(Modifier.size(14.dp), strokeWidth = 2.dp, color = colors.outline)
        LineLabel(label, colors.onSurfaceVariant)
        HorizontalDivider(Modifier.weight(1f), color = colors.outlineVariant)
    }
}

/** Above the first message that was not read when the screen was opened. */
@Composable
internal fun UnreadLine(count: Int) {
    val label = pluralStringResource(R.plurals.chat_unread, count, count)
    val color = MaterialTheme.colorScheme.primary
    Row(
        modifier = Modifier
            .fillMaxWidth()
            .padding(top = 14.dp, bottom = 6.dp)
            .clearAndSetSemantics {
                contentDescription = label
                heading()
            },
        verticalAlignment = Alignment.CenterVertically,
        horizontalArrangement = Arrangement.spacedBy(10.dp)
    ) {
        HorizontalDivider(Modifier.weight(1f), color = color)
        LineLabel(label, color, FontWeight.Bold)
        HorizontalDivider(Modifier.weight(1f), color = color)
    }
}

@Composable
private fun LineLabel(label: String, color: Color, weight: FontWeight? = null) {
    Text(
        text = label,
        color = color,
        textAlign = TextAlign.Center,
        fontWeight = weight,
        style = MaterialTheme.typography.labelMedium.byPhrases()
    )
}

/** Above the oldest message as long as there are older ones: they are being fetched, or could not be. */
@Composable
internal fun OlderNotice(isLoading: Boolean, hasFailed: Boolean, onLoadOlder: () -> Unit) {
    val label = stringResource(if (hasFailed) R.string.chat_older_failed else R.string.chat_older_loading)
    Row(
        modifier = Modifier
            .fillMaxWidth()
            .then(if (hasFailed) Modifier.clickable(onClick = onLoadOlder) else Modifier)
            .heightIn(min = 48.dp)
            .semantics { liveRegion = LiveRegionMode.Polite },
        verticalAlignment = Alignment.CenterVertically,
        horizontalArrangement = Arrangement.Center
    ) {
        when {
            hasFailed -> Text(
                text = label,
                color = MaterialTheme.colorScheme.error,
                textAlign = TextAlign.Center,
                style = MaterialTheme.typography.labelLarge.byPhrases()
            )

            isLoading -> CircularProgressIndicator(
                modifier = Modifier.size(20.dp).semantics { contentDescription = label },
                strokeWidth = 2.dp
            )
        }
    }
}
