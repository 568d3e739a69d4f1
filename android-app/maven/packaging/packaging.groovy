// What the packaging tests work on, handed to them as system properties: the AARs of this build, and what an app's build would add.
import org.eclipse.aether.RepositorySystem
import org.eclipse.aether.artifact.DefaultArtifact
import org.eclipse.aether.resolution.ArtifactRequest

def root = new File(project.properties['root'] as String)
def catalog = new GroovyClassLoader(getClass().classLoader).parseClass(new File(root, 'android-app/maven/Catalog.groovy')).newInstance(root)
def fetch = { String gav -> session.lookup(RepositorySystem.name).resolveArtifact(session.repositorySession,
  new ArtifactRequest(new DefaultArtifact(gav), project.remoteProjectRepositories, null)).artifact.file }
def path = { it.join(File.pathSeparator) }
def jna = catalog.library('jna').split(':')
// What an app that depends on `chat` has beside it: JNA as the AAR that phones get.
def libraries = project.artifacts.findAll { it.scope in ['compile', 'runtime'] && it.groupId != 'chat.core' && it.artifactId != 'jna' }*.file
project.properties.putAll([
  'packaging.aars': path(['chat', 'chat-compose', 'chat-testing'].collect { new File(root, "android-app/$it/target/$it-${project.version}.aar") }),
  'packaging.libraries': path(libraries),
  'packaging.rules': path(libraries.collect { new File(it.parentFile, 'proguard.txt') }.findAll { it.exists() }),
  'packaging.jna': fetch("${jna[0]}:${jna[1]}:aar:${jna[2]}").path,
  'packaging.android': project.artifacts.find { it.artifactId == 'android-all' }.file.path,
  'packaging.ndk': catalog.versions.ndk,
  'packaging.cargoNdk': catalog.versions['cargo-ndk'],
])
