package chat.core.internal

import chat.core.ChatException

/**
 * Loads `libchat_core.so` the way JNI wants it. The generated bindings load it a second time through JNA, which does
 * not run `JNI_OnLoad`; without that the core would never learn of the JVM.
 */
internal object NativeLibrary {
    /** Any number of times; after the first it is free. */
    fun load() {
        try {
            System.loadLibrary("chat_core")
        } catch (e: LinkageError) {
            throw ChatException.NativeLibrary(e)
        }
    }
}
