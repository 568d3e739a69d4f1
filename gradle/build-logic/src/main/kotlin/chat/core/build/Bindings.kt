package chat.core.build

import javax.inject.Inject
import org.gradle.api.DefaultTask
import org.gradle.api.file.ConfigurableFileCollection
import org.gradle.api.file.DirectoryProperty
import org.gradle.api.file.FileSystemOperations
import org.gradle.api.tasks.CacheableTask
import org.gradle.api.tasks.InputFiles
import org.gradle.api.tasks.Internal
import org.gradle.api.tasks.OutputDirectory
import org.gradle.api.tasks.PathSensitive
import org.gradle.api.tasks.PathSensitivity
import org.gradle.api.tasks.TaskAction
import org.gradle.process.ExecOperations

/** Generates the Kotlin bindings from the library built for this machine: they are the same for every ABI. */
@CacheableTask
abstract class Bindings @Inject constructor(private val exec: ExecOperations, private val files: FileSystemOperations) :
    DefaultTask() {
    /** All that Cargo reads of ours, and the script. */
    @get:InputFiles
    @get:PathSensitive(PathSensitivity.RELATIVE)
    abstract val rust: ConfigurableFileCollection

    @get:Internal
    abstract val workspace: DirectoryProperty

    /** `chat/core/ffi/chat_core.kt`. */
    @get:OutputDirectory
    abstract val sources: DirectoryProperty

    @TaskAction
    fun generate() {
        exec.exec {
            workingDir(workspace.get().asFile)
            commandLine("scripts/bindings")
        }
        files.sync {
            from(workspace.dir("target/bindings/kotlin"))
            into(sources)
        }
    }
}
