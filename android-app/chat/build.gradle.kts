import com.android.build.api.variant.HostTestBuilder
import javax.inject.Inject
import org.gradle.process.ExecOperations

plugins {
    alias(libs.plugins.android.library)
}

/** Builds `libchat_core.so` for each ABI with cargo-ndk. */
abstract class CargoNdk @Inject constructor(private val exec: ExecOperations) : DefaultTask() {
    /** All that Cargo reads of ours: sources, manifests, the lock, the toolchain. */
    @get:InputFiles
    @get:PathSensitive(PathSensitivity.RELATIVE)
    abstract val rust: ConfigurableFileCollection

    @get:Input
    abstract val abis: ListProperty<String>

    @get:Input
    abstract val minSdk: Property<Int>

    @get:Input
    abstract val ndkVersion: Property<String>

    @get:Internal
    abstract val workspace: DirectoryProperty

    @get:Internal
    abstract val sdk: DirectoryProperty

    @get:OutputDirectory
    abstract val jniLibs: DirectoryProperty

    @TaskAction
    fun build() {
        exec.exec {
            workingDir(workspace)
            environment("ANDROID_NDK_HOME", sdk.get().dir("ndk/${ndkVersion.get()}").asFile.path)
            commandLine("cargo", "ndk")
            abis.get().forEach { args("-t", it) }
            args("-P", minSdk.get(), "-o", jniLibs.get().asFile.path)
            args("build", "--release", "--locked", "-p", "chat-core-ffi")
        }
    }
}

/** Generates the Kotlin bindings from the library built for this machine: they are the same for every ABI. */
abstract class Bindings @Inject constructor(private val exec: ExecOperations, private val files: FileSystemOperations) :
    DefaultTask() {
    @get:InputFiles
    @get:PathSensitive(PathSensitivity.RELATIVE)
    abstract val rust: ConfigurableFileCollection

    @get:Internal
    abstract val workspace: DirectoryProperty

    @get:OutputDirectory
    abstract val sources: DirectoryProperty

    @TaskAction
    fun generate() {
        exec.exec {
            workingDir(workspace)
            commandLine("scripts/bindings")
        }
        files.sync {
            from(workspace.dir("target/bindings/kotlin"))
            into(sources)
        }
    }
}

android {
    namespace = "chat.core"
    compileSdk = libs.versions.compileSdk.get().toInt()
    ndkVersion = libs.versions.ndk.get()

    defaultConfig {
        minSdk = libs.versions.minSdk.get().toInt()
        consumerProguardFiles("consumer-rules.pro")
    }

    compileOptions {
        sourceCompatibility = JavaVersion.VERSION_17
        targetCompatibility = JavaVersion.VERSION_17
    }
}

val workspaceDir: Directory = rootProject.layout.projectDirectory
val rustSources: FileCollection = files(
    listOf("Cargo.toml", "Cargo.lock", "rust-toolchain.toml").map { workspaceDir.file(it) },
    workspaceDir.dir("rust-core").asFileTree.matching { include("**/*.rs", "**/*.toml") }
)

// Neither differs between variants, and both write below target/: one task of each, whose output every variant takes.
val cargoNdk = tasks.register<CargoNdk>("cargoNdk") {
    workspace = workspaceDir
    rust.from(rustSources)
    sdk = androidComponents.sdkComponents.sdkDirectory
    abis = listOf("arm64-v8a", "armeabi-v7a", "x86_64")
    minSdk = libs.versions.minSdk.get().toInt()
    ndkVersion = libs.versions.ndk
}
val bindings = tasks.register<Bindings>("bindings") {
    workspace = workspaceDir
    rust.from(rustSources, workspaceDir.file("scripts/bindings"))
}

androidComponents {
    // The tests run in the host build, over the library for this machine: see the root pom.xml.
    beforeVariants { it.hostTests[HostTestBuilder.UNIT_TEST_TYPE]?.enable = false }
    onVariants { variant ->
        variant.sources.jniLibs?.addGeneratedSourceDirectory(cargoNdk, CargoNdk::jniLibs)
        variant.sources.kotlin?.addGeneratedSourceDirectory(bindings, Bindings::sources)
    }
}

dependencies {
    api(libs.kotlinx.coroutines.android)
    api(libs.androidx.lifecycle.common)
    api(libs.androidx.lifecycle.viewmodel)
    api(libs.androidx.lifecycle.viewmodel.savedstate)
    implementation(variantOf(libs.jna) { artifactType("aar") })
}
