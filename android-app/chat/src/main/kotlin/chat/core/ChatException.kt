package chat.core

/** Everything this library throws. None of it carries what a user wrote, nor a token. */
public sealed class ChatException(message: String, cause: Throwable? = null) : Exception(message, cause) {
    /** A value in [ChatConfig] cannot be used. [reason] is for developers. */
    public class InvalidConfig(public val reason: String, cause: Throwable? = null) :
        ChatException("invalid configuration: $reason", cause)

    /** No room has this number: they count from 1. */
    public class InvalidRoom(cause: Throwable? = null) : ChatException("not a room number", cause)

    /** Nothing but white space. */
    public class TextBlank(cause: Throwable? = null) : ChatException("the text is blank", cause)

    /** The text has [length] characters where [limit] are allowed; both in Unicode scalar values, see [MessageText]. */
    public class TextTooLong(public val length: Int, public val limit: Int, cause: Throwable? = null) :
        ChatException("the text has $length characters, $limit are allowed", cause)

    /** The text holds what cannot be stored or sent, half a surrogate pair for one. */
    public class TextInvalid(cause: Throwable? = null) : ChatException("the text holds an invalid character", cause)

    /** The message acted upon is not there any more, or in no state for that. */
    public class NotFound(cause: Throwable? = null) : ChatException("no such message", cause)

    /** The message acted upon is somebody else's. */
    public class NotTheSender(cause: Throwable? = null) : ChatException("not the sender of the message", cause)

    /** The message may have reached the server: it can be deleted, not taken back. */
    public class TooLate(cause: Throwable? = null) : ChatException("the message may have been sent", cause)

    /** The server could not be asked, or its answer not be used; [problem] says why. Ask again later. */
    public class Offline(public val problem: Problem) : ChatException("the server could not be asked: $problem")

    /** The session or the room is over, for [reason]. */
    public class Ended(public val reason: EndReason) : ChatException("it is over: $reason")

    /** Another client of this account is open on the same cache: close it first, or share it. */
    public class CacheInUse(cause: Throwable? = null) : ChatException("the cache is in use", cause)

    /** The cache was written by a later version of this library and is left alone. */
    public class CacheTooNew(cause: Throwable? = null) : ChatException("the cache is of a later version", cause)

    /** The device has no space left. Nothing was stored; it works again when there is. */
    public class StorageFull(cause: Throwable? = null) : ChatException("the device's storage is full", cause)

    /** The device's storage failed; [reason] says how. Nothing was stored. */
    public class Storage(public val reason: String, cause: Throwable? = null) :
        ChatException("storage failed: $reason", cause)

    /** The client was closed. */
    public class Closed(cause: Throwable? = null) : ChatException("the client is closed", cause)

    /** `libchat_core.so` is missing for this device's processor, or does not fit this version of the library. */
    public class NativeLibrary(cause: Throwable) : ChatException("the native library did not load", cause)

    /** A fault of the library itself. Worth a report. */
    public class Internal(public val reason: String, cause: Throwable? = null) :
        ChatException("internal error: $reason", cause)
}
