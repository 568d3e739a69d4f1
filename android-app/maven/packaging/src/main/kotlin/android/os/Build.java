package android.os;

/** Android's own asks the system's properties, and there is no such system. */
public final class Build {
    public static final class VERSION {
        public static final int SDK_INT = 26;
    }
}
