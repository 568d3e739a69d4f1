// Reads gradle/libs.versions.toml for the scripts beside it.
class Catalog {
  final Map toml
  Catalog(File root) { toml = new groovy.toml.TomlSlurper().parse(new File(root, 'gradle/libs.versions.toml')) as Map }

  Map<String, String> getVersions() { toml.versions }

  /** "group:artifact:version" of a library. */
  String library(String name) {
    def it = toml.libraries[name]
    if (!it) throw new Exception("gradle/libs.versions.toml has no library '$name'")
    "${it.module}:${versions[it.version.ref]}"
  }

  /** What each lock POM is resolved from. JNA stands beside its bundle because Gradle takes it as an AAR. */
  Map<String, List<String>> getLocks() {
    ['chat-libs': toml.bundles.chat + 'jna', 'compose-libs': toml.bundles.compose, 'app-libs': toml.bundles.app, 'work-libs': ['androidx-work-runtime', 'androidx-work-testing'],
     'device-libs': toml.bundles.androidTest, 'test-libs': toml.bundles.androidTest + toml.bundles.test]
      .collectEntries { id, names -> [id, names.collect { library(it) }] }
  }
}
