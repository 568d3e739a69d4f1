package chat.core.build

import com.android.build.api.dsl.LibraryExtension
import com.android.build.api.variant.LibraryAndroidComponentsExtension
import org.gradle.api.Plugin
import org.gradle.api.Project
import org.gradle.api.publish.PublishingExtension
import org.gradle.api.publish.maven.MavenPublication
import org.gradle.api.tasks.TaskProvider
import org.gradle.api.tasks.bundling.Zip

/** `chat.rust`, for `chat` alone: the native library for each ABI, the bindings over it, and its symbols. */
class RustPlugin : Plugin<Project> {
    override fun apply(project: Project) {
        project.pluginManager.apply(LibraryPlugin::class.java)
        val ndkVersion = project.catalogVersion("ndk")
        project.extensions.getByType(LibraryExtension::class.java).ndkVersion = ndkVersion

        val components = project.extensions.getByType(LibraryAndroidComponentsExtension::class.java)
        val workspace = project.rootProject.layout.projectDirectory
        val rust = project.files(
            listOf("Cargo.toml", "Cargo.lock", "rust-toolchain.toml").map { workspace.file(it) },
            workspace.dir("rust-core").asFileTree.matching { include("**/*.rs", "**/*.toml") }
        )
        val libraries = ABIS.map { (task, abi) ->
            project.tasks.register(task, CargoNdk::class.java) {
                description = "Builds libchat_core.so for $abi."
                this.workspace.set(workspace)
                this.rust.from(rust)
                this.abi.set(abi)
                this.ndkVersion.set(ndkVersion)
                ndk.set(components.sdkComponents.ndkDirectory)
                minSdk.set(project.catalogVersion("minSdk").toInt())
            }
        }
        val bindings = project.tasks.register("bindings", Bindings::class.java) {
            description = "Generates the Kotlin bindings of libchat_core."
            this.workspace.set(workspace)
            this.rust.from(rust, workspace.file("scripts/bindings"))
        }
        // None of them differs between variants: every variant takes the output of the same tasks.
        components.onVariants(components.selector().all()) { variant ->
            libraries.forEach { variant.sources.jniLibs?.addGeneratedSourceDirectory(it, CargoNdk::jniLibs) }
            variant.sources.kotlin?.addGeneratedSourceDirectory(bindings, Bindings::sources)
        }
        publishSymbols(project, libraries)
    }

    /** The AAR's libraries are stripped; these are the same with function names and lines, for `ndk-stack` and the like. */
    private fun publishSymbols(project: Project, libraries: List<TaskProvider<CargoNdk>>) {
        val symbols = project.tasks.register("nativeSymbols", Zip::class.java) {
            description = "Packs the unstripped libraries."
            archiveClassifier.set("native-symbols")
            destinationDirectory.set(project.layout.buildDirectory.dir("outputs/native-symbols"))
            libraries.forEach { library -> from(library.flatMap { it.jniLibs }) }
        }
        project.extensions.configure(PublishingExtension::class.java) {
            publications.withType(MavenPublication::class.java).configureEach { artifact(symbols) }
        }
    }

    private companion object {
        /** 32-bit x86 is left out: no phone has it, and the emulators have had x86_64 for as long as we support. */
        val ABIS = mapOf(
            "cargoNdkArm64" to "arm64-v8a",
            "cargoNdkArm32" to "armeabi-v7a",
            "cargoNdkX86" to "x86_64"
        )
    }
}
