package chat.core.sample

import androidx.compose.foundation.layout.Arrangement
import androidx.compose.foundation.layout.Column
import androidx.compose.foundation.text.input.TextFieldState
import androidx.compose.material3.AlertDialog
import androidx.compose.material3.OutlinedSecureTextField
import androidx.compose.material3.Text
import androidx.compose.material3.TextButton
import androidx.compose.runtime.Composable
import androidx.compose.runtime.remember
import androidx.compose.ui.Modifier
import androidx.compose.ui.platform.testTag
import androidx.compose.ui.res.stringResource
import androidx.compose.ui.unit.dp

/** Stands for an app's login: asks for a token of `chat-server token --user …`. */
@Composable
fun SignInDialog(app: SampleApp, account: SampleAccount, onDone: () -> Unit) {
    // Not saved with the screen's state: a token has no business there.
    val token = remember { TextFieldState() }
    val typed = token.text.trim().toString()
    AlertDialog(
        // Without a token there is nothing to go back to.
        onDismissRequest = { if (app.hasToken(account)) onDone() },
        title = { Text(stringResource(R.string.sign_in_title, account.user)) },
        text = {
            Column(verticalArrangement = Arrangement.spacedBy(16.dp)) {
                Text(stringResource(R.string.sign_in_text, account.user, account.server))
                OutlinedSecureTextField(
                    state = token,
                    modifier = Modifier.testTag("token"),
                    label = { Text(stringResource(R.string.sign_in_token)) }
                )
            }
        },
        confirmButton = {
            TextButton(
                onClick = {
                    app.signIn(account, typed)
                    onDone()
                },
                modifier = Modifier.testTag("sign-in"),
                enabled = typed.isNotEmpty()
            ) {
                Text(stringResource(R.string.sign_in))
            }
        }
    )
}
