// Fails the build when pom.xml, a dependency lock or Cargo.toml says another version than the Gradle build.
def root = new File(project.properties['root'] as String)
def here = new File(root, 'android-app/maven')
def catalog = new GroovyClassLoader(getClass().classLoader).parseClass(new File(here, 'Catalog.groovy')).newInstance(root)
def wrong = []
project.properties.findAll { k, v -> k.startsWith('version.') }.each { k, v ->
  def name = k - 'version.'
  if (catalog.versions[name] != v) wrong << "pom.xml says $k = $v, the catalog says ${catalog.versions[name] ?: 'nothing'}: change pom.xml"
}
catalog.locks.each { id, roots ->
  def pom = new File(here, "$id/pom.xml")
  def locked = pom.exists() ? new groovy.xml.XmlSlurper(false, false).parse(pom).properties.roots.text() : ''
  if (locked != roots.join(' ')) wrong << "android-app/maven/$id/pom.xml was not resolved from today's catalog: run  mvn -B -N org.codehaus.gmavenplus:gmavenplus-plugin:execute@lock"
}
def published = new Properties()
new File(root, 'gradle.properties').withInputStream { published.load(it) }
def crates = new groovy.toml.TomlSlurper().parse(new File(root, 'Cargo.toml')).workspace.package.version
if (project.version != published.version) wrong << "$project.file says version $project.version, gradle.properties says $published.version"
if (crates != published.version) wrong << "Cargo.toml says version $crates, gradle.properties says $published.version"
if (wrong) throw new Exception("gradle.properties and gradle/libs.versions.toml are the one place for versions, and others disagree:\n  " + wrong.join('\n  '))
def bindings = (session.userProperties['bindings'] ?: project.properties['bindings']) as String // -D wins, as in the POM
if (!new File(bindings).directory) throw new Exception("There are no Kotlin bindings in $bindings: run scripts/bindings first")
