package android.os

/** All that the generated bindings ask of Android: at this version they take JNA's cleaner, as on phones before 34. */
class Build private constructor() {
    class VERSION private constructor() {
        companion object {
            @JvmField
            val SDK_INT = 26
        }
    }
}
