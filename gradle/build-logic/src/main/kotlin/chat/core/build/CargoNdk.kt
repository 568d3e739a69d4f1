package chat.core.build

import javax.inject.Inject
import org.gradle.api.DefaultTask
import org.gradle.api.file.ConfigurableFileCollection
import org.gradle.api.file.DirectoryProperty
import org.gradle.api.provider.Property
import org.gradle.api.tasks.CacheableTask
import org.gradle.api.tasks.Input
import org.gradle.api.tasks.InputFiles
import org.gradle.api.tasks.Internal
import org.gradle.api.tasks.OutputDirectory
import org.gradle.api.tasks.PathSensitive
import org.gradle.api.tasks.PathSensitivity
import org.gradle.api.tasks.TaskAction
import org.gradle.process.ExecOperations

/** Builds `libchat_core.so` for one ABI. A task for each, so that each is up to date, or comes from the cache, by itself. */
@CacheableTask
abstract class CargoNdk @Inject constructor(private val exec: ExecOperations) : DefaultTask() {
    /** All that Cargo reads of ours: sources, manifests, the lock, the toolchain. */
    @get:InputFiles
    @get:PathSensitive(PathSensitivity.RELATIVE)
    abstract val rust: ConfigurableFileCollection

    /** As Android names it: `arm64-v8a`. */
    @get:Input
    abstract val abi: Property<String>

    @get:Input
    abstract val minSdk: Property<Int>

    /** r28 or later: 64-bit libraries are aligned to 16 KB pages from there on. */
    @get:Input
    abstract val ndkVersion: Property<String>

    @get:Internal
    abstract val ndk: DirectoryProperty

    @get:Internal
    abstract val workspace: DirectoryProperty

    /** `ABI/libchat_core.so`, with its symbols: AGP strips what goes into the AAR, `nativeSymbols` keeps this. */
    @get:OutputDirectory
    abstract val jniLibs: DirectoryProperty

    @TaskAction
    fun build() {
        exec.exec {
            workingDir(workspace.get().asFile)
            environment("ANDROID_NDK_HOME", ndk.get().asFile.path)
            // The profile drops both. Here they cost nothing, and a crash in the field has a function and a line.
            environment("CARGO_PROFILE_RELEASE_STRIP", "none")
            environment("CARGO_PROFILE_RELEASE_DEBUG", "line-tables-only")
            commandLine("cargo", "ndk", "-t", abi.get(), "-P", minSdk.get(), "-o", jniLibs.get().asFile.path)
            args("build", "--release", "--locked", "-p", "chat-core-ffi")
        }
    }
}
