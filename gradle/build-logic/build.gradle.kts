// What the three libraries share, and the tasks that build Rust. Plain Kotlin instead of precompiled scripts, so that
// `scripts/test lint` can compile it against the real API jars where there is no Gradle.
plugins {
    `kotlin-dsl`
}

dependencies {
    compileOnly(libs.android.gradle.api)
}

gradlePlugin {
    plugins {
        register("library") {
            id = "chat.library"
            implementationClass = "chat.core.build.LibraryPlugin"
        }
        register("rust") {
            id = "chat.rust"
            implementationClass = "chat.core.build.RustPlugin"
        }
    }
}
