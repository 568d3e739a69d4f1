plugins {
    id("chat.rust")
}

description = "Rooms of messages in step with a server, on the device: the client, its Rust core and a ViewModel."

android {
    namespace = "chat.core"

    defaultConfig {
        consumerProguardFiles("consumer-rules.pro")
    }
}

dependencies {
    api(libs.kotlinx.coroutines.android)
    api(libs.androidx.lifecycle.common)
    api(libs.androidx.lifecycle.viewmodel)
    api(libs.androidx.lifecycle.viewmodel.savedstate)
    // Of the periodic catch-up, which is off by default: an app that switches it on brings this.
    compileOnly(libs.androidx.work.runtime)
    implementation(variantOf(libs.jna) { artifactType("aar") })
}
