plugins {
    id("chat.library")
}

description = "Fakes of chat.core:chat, for the tests of the apps that use it."

android {
    namespace = "chat.core.testing"
}

dependencies {
    api(project(":chat"))
}
