package chat.core.build

import com.android.build.api.dsl.LibraryExtension
import com.android.build.api.variant.HostTestBuilder
import com.android.build.api.variant.LibraryAndroidComponentsExtension
import org.gradle.api.JavaVersion
import org.gradle.api.Plugin
import org.gradle.api.Project
import org.gradle.api.artifacts.VersionCatalogsExtension
import org.gradle.api.publish.PublishingExtension
import org.gradle.api.publish.maven.MavenPublication

/**
 * `chat.library`: what the three AARs have in common. Published as `chat.core:MODULE:VERSION`, the release variant with
 * its sources and its KDoc; group and version come from gradle.properties.
 */
class LibraryPlugin : Plugin<Project> {
    override fun apply(project: Project) {
        project.pluginManager.apply("com.android.library")
        project.pluginManager.apply("maven-publish")
        configureAndroid(project)
        configurePublishing(project)
    }

    private fun configureAndroid(project: Project) {
        project.extensions.configure(LibraryExtension::class.java) {
            compileSdk = project.catalogVersion("compileSdk").toInt()
            defaultConfig.minSdk = project.catalogVersion("minSdk").toInt()
            compileOptions.sourceCompatibility = JavaVersion.VERSION_17
            compileOptions.targetCompatibility = JavaVersion.VERSION_17
            publishing.singleVariant(RELEASE) {
                withSourcesJar()
                withJavadocJar()
            }
        }
        // The tests run in the host build, over the library for this machine: see the root pom.xml.
        val components = project.extensions.getByType(LibraryAndroidComponentsExtension::class.java)
        components.beforeVariants(components.selector().all()) { variant ->
            variant.hostTests[HostTestBuilder.UNIT_TEST_TYPE]?.enable = false
        }
    }

    private fun configurePublishing(project: Project) {
        val publications = project.extensions.getByType(PublishingExtension::class.java).publications
        val publication = publications.create(RELEASE, MavenPublication::class.java) {
            pom {
                name.set("chat-core ${project.name}")
                description.set(project.provider { project.description })
                licenses {
                    license {
                        name.set("Apache-2.0")
                        url.set("https://www.apache.org/licenses/LICENSE-2.0.txt")
                    }
                    license {
                        name.set("MIT")
                        url.set("https://opensource.org/license/mit")
                    }
                }
            }
        }
        // AGP makes the component when it knows the variants.
        project.afterEvaluate { publication.from(project.components.getByName(RELEASE)) }
    }

    private companion object {
        const val RELEASE = "release"
    }
}

/** A version of gradle/libs.versions.toml. */
internal fun Project.catalogVersion(name: String): String =
    extensions.getByType(VersionCatalogsExtension::class.java).named("libs").findVersion(name).get().requiredVersion
