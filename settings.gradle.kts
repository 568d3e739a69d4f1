pluginManagement {
    includeBuild("gradle/build-logic")
    repositories {
        google()
        mavenCentral()
        gradlePluginPortal()
    }
}

dependencyResolutionManagement {
    repositoriesMode = RepositoriesMode.FAIL_ON_PROJECT_REPOS
    repositories {
        google()
        mavenCentral()
    }
}

rootProject.name = "chat-core"
include(":chat", ":chat-compose", ":chat-testing", ":app")
rootProject.children.forEach { it.projectDir = file("android-app/${it.name}") }
