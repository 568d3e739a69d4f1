// AGP compiles Kotlin by itself; naming the Kotlin plugin here, unapplied, makes it use the catalog's version.
plugins {
    alias(libs.plugins.android.application) apply false
    alias(libs.plugins.android.library) apply false
    alias(libs.plugins.kotlin.android) apply false
    alias(libs.plugins.kotlin.compose) apply false
}
