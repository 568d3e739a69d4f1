package chat.core.internal

import android.content.Context
import chat.core.ChatException

/**
 * Loads `libchat_core.so` the way JNI wants it. The generated bindings load it a second time through JNA, which does
 * not run `JNI_OnLoad`; without that the core would never learn of the JVM.
 */
internal object NativeLibrary {
    private var ready = false

    /** Loads the library and hands it the application. Only the first call does anything; the rest are free. */
    @Synchronized
    fun load(context: Context) {
        if (ready) return
        try {
            System.loadLibrary("chat_core")
            initialize(context)
        } catch (e: LinkageError) {
            throw ChatException.NativeLibrary(e)
        }
        ready = true
    }

    /** `Java_chat_core_internal_NativeLibrary_initialize` in `rust-core/ffi`: consumer-rules.pro keeps the name. */
    @JvmStatic
    private external fun initialize(context: Context)
}
