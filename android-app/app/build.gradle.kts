import com.android.build.api.variant.HostTestBuilder

plugins {
    alias(libs.plugins.android.application)
    alias(libs.plugins.kotlin.compose)
}

android {
    namespace = "chat.core.sample"
    compileSdk = libs.versions.compileSdk.get().toInt()

    defaultConfig {
        applicationId = "chat.core.sample"
        minSdk = libs.versions.minSdk.get().toInt()
        targetSdk = libs.versions.targetSdk.get().toInt()
        versionCode = 1
        versionName = "$version"
        testInstrumentationRunner = "androidx.test.runner.AndroidJUnitRunner"
        // The ABIs of libchat_core.so. JNA has more, and a device must not install half of the two.
        ndk.abiFilters += listOf("arm64-v8a", "armeabi-v7a", "x86_64")
    }

    buildTypes {
        release {
            // Proves that the library's consumer rules are enough: there are no others.
            isMinifyEnabled = true
            isShrinkResources = true
            proguardFiles(getDefaultProguardFile("proguard-android-optimize.txt"))
            // A stand-in for the key of a real app, so that what R8 made of it can be installed and tried.
            signingConfig = signingConfigs.getByName("debug")
        }
    }

    compileOptions {
        sourceCompatibility = JavaVersion.VERSION_17
        targetCompatibility = JavaVersion.VERSION_17
    }

    buildFeatures {
        compose = true
    }

    sourceSets {
        // The helpers of the tests that run on a device as well as in the host build.
        getByName("androidTest").kotlin.srcDir("../chat/src/testFixtures/kotlin")
    }

    lint {
        // The libraries too: they are linted as a part of this app.
        checkDependencies = true
    }
}

androidComponents {
    // The tests run in the host build, over the library for this machine: see the root pom.xml.
    beforeVariants { it.hostTests[HostTestBuilder.UNIT_TEST_TYPE]?.enable = false }
}

dependencies {
    implementation(project(":chat-compose"))
    implementation(libs.bundles.app)
    androidTestImplementation(libs.bundles.androidTest)
}
