dependencyResolutionManagement {
    repositories {
        google()
        mavenCentral()
    }
    versionCatalogs {
        create("libs") { from(files("../libs.versions.toml")) }
    }
}

rootProject.name = "build-logic"
