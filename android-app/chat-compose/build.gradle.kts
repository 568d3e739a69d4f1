plugins {
    id("chat.library")
    alias(libs.plugins.kotlin.compose)
}

description = "The chat screen in Compose, on chat.core:chat."

android {
    namespace = "chat.core.compose"
    resourcePrefix = "chat_"

    buildFeatures {
        compose = true
    }
}

composeCompiler {
    stabilityConfigurationFiles.add(layout.projectDirectory.file("stability.conf"))
}

dependencies {
    api(project(":chat"))
    api(libs.bundles.compose)
}
