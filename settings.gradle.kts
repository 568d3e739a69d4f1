pluginManagement {
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
include(":chat", ":app")
project(":chat").projectDir = file("android-app/chat")
project(":app").projectDir = file("android-app/app")
