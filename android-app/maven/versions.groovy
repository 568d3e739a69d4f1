// Fails the build when pom.xml or a dependency lock says another version than gradle/libs.versions.toml.
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
if (wrong) throw new Exception("gradle/libs.versions.toml is the one place for versions, and the host build disagrees:\n  " + wrong.join('\n  '))
if (!new File(project.properties['bindings'] as String).directory) throw new Exception('There are no Kotlin bindings under target/bindings: run scripts/bindings first')
