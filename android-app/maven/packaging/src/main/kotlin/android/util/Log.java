package android.util;

/** Android's own writes to a device. */
public final class Log {
    public static int d(String tag, String message) {
        return print(tag, message);
    }

    public static int w(String tag, String message) {
        return print(tag, message);
    }

    private static int print(String tag, String message) {
        System.err.println(tag + ": " + message);
        return 0;
    }
}
