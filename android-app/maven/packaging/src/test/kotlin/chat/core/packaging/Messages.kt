package chat.core.packaging

import com.android.tools.r8.Diagnostic
import com.android.tools.r8.DiagnosticsHandler

/** Keeps the errors of R8 and D8, which print them otherwise. Their warnings are of others' classes. */
internal class Messages : DiagnosticsHandler {
    val errors = mutableListOf<String>()

    override fun error(error: Diagnostic) {
        errors += error.diagnosticMessage
    }

    override fun warning(warning: Diagnostic) = Unit

    override fun info(info: Diagnostic) = Unit
}
