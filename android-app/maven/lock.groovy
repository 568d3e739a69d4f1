// Maven cannot follow Compose's redirects by itself. This resolves the catalog's libraries the way Gradle does (newest wins, KMP redirects followed, version constraints honoured; a version
// the repository lacks becomes the next one it has) and writes a flat Maven POM of the closure.
import org.eclipse.aether.RepositorySystem
import org.eclipse.aether.artifact.DefaultArtifact
import org.eclipse.aether.resolution.*
import org.apache.maven.artifact.versioning.ComparableVersion

def root = new File(project.properties['root'] as String), here = new File(root, 'android-app/maven')
def catalog = new GroovyClassLoader(getClass().classLoader).parseClass(new File(here, 'Catalog.groovy')).newInstance(root)
def system = session.lookup(RepositorySystem.class.name)
def rs = session.repositorySession, repos = project.remoteProjectRepositories
def V = { new ComparableVersion(it) }
def available = [:].withDefault { ga -> def (g, a) = ga.split(':')
  system.resolveVersionRange(rs, new VersionRangeRequest(new DefaultArtifact(g, a, 'pom', '[0,)'), repos, null)).versions*.toString() }
def pomOf = [:].withDefault { gav -> def (g, a, v) = gav.split(':')
  def req = new ArtifactDescriptorRequest(new DefaultArtifact(g, a, 'pom', v), repos, null)
  def file = null
  try { file = system.resolveArtifact(rs, new ArtifactRequest(new DefaultArtifact(g, a, 'pom', v), repos, null)).artifact.file } catch (e) { return null }
  def d = system.readArtifactDescriptor(rs, req)
  [kmp: file.text.contains('published-with-gradle-metadata'), packaging: new groovy.xml.XmlSlurper(false, false).parse(file).packaging.text() ?: 'jar', deps: d.dependencies, managed: d.managedDependencies] }
def nearest = [:].withDefault { gav -> def (g, a, v) = gav.split(':')
  if (pomOf[gav]) return v
  def later = available["$g:$a" as String].findAll { V(it) >= V(v) }
  def pick = later.find { it ==~ /[0-9.]+/ } ?: later ? (later.find { it ==~ /[0-9.]+/ } ?: later[0]) : null
  println "lock: $gav is not served, using $pick"; pick }
def clean = { String v -> v.replaceAll(/[\[\]()]/, '').split(',')[0] }

def lock = { List<String> roots, Map<String, String> pinned ->
  def chosen = [:] + pinned, scopes, types
  for (int round = 0; round < 20; round++) {
    def before = chosen.clone(); scopes = [:]; types = [:]
    def want = [:]
    def queue = new ArrayDeque(roots.collect { [it.split(':')[0..1].join(':'), it.split(':')[2], 'compile'] }), seen = [] as Set
    while (queue) {
      def (ga, v, scope) = queue.poll()
      if (!chosen[ga] || V(chosen[ga]) < V(v)) chosen[ga] = v
      if (!seen.add("$ga:$scope")) continue
      if (scopes[ga] != 'compile') scopes[ga] = scope
      def at = nearest["$ga:${chosen[ga]}" as String]
      if (!at) { println "lock: NOTHING for $ga ${chosen[ga]}"; continue }
      chosen[ga] = at
      def pom = pomOf["$ga:$at" as String]
      def art = ga.split(':')[1]
      def redirect = pom.deps.find { it.artifact.artifactId in [art + '-android', art + '-jvm'] && it.artifact.groupId == ga.split(':')[0] }
      // A KMP root whose POM does not name its Android/JVM variant: only its Gradle metadata does.
      def variant = null
      if (!redirect && pom.kmp && !(art =~ /-(android|jvm)$/) && !ga.startsWith('androidx.') && pom.packaging in ['jar', 'pom'])
        variant = ['-android', '-jvm'].find { pomOf["$ga$it:$at" as String] }
      if (variant) { types[ga] = 'redirect'; queue << [ga + variant, at, scope]; continue }
      types[ga] = redirect ? 'redirect' : pom.packaging == 'bundle' ? 'jar' : pom.packaging
      pom.deps.findAll { it.scope in ['compile', 'runtime', ''] && !it.optional }.each {
        def s = redirect ? scope : scope == 'compile' && it.scope != 'runtime' ? 'compile' : 'runtime'
        queue << ["${it.artifact.groupId}:${it.artifact.artifactId}" as String, clean(it.artifact.version), s] }
      pom.managed.findAll { it.artifact.groupId.startsWith('androidx.') }.each { want["${it.artifact.groupId}:${it.artifact.artifactId}" as String] = clean(it.artifact.version) }
    }
    want.each { ga, v -> if (scopes[ga] && V(chosen[ga]) < V(v)) chosen[ga] = v }
    if (chosen == before) break
  }
  scopes.keySet().findAll { types[it] != 'redirect' && types[it] }.collectEntries { [it, [chosen[it], types[it], scopes[it]]] }
}
def write = { String id, List<String> roots, Map m ->
  def f = new File(here, "$id/pom.xml"); f.parentFile.mkdirs()
  f.text = """<?xml version="1.0" encoding="UTF-8"?>
<!-- Written by android-app/maven/lock.groovy from gradle/libs.versions.toml; do not edit. -->
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>${project.groupId}</groupId>
  <artifactId>$id</artifactId>
  <version>${project.version}</version>
  <packaging>pom</packaging>
  <properties><roots>${roots.join(' ')}</roots></properties>
  <dependencies>
""" + m.sort().collect { ga, x -> def (g, a) = ga.split(':')
    "    <dependency><groupId>$g</groupId><artifactId>$a</artifactId><version>${x[0]}</version>${x[1] == 'jar' ? '' : "<type>${x[1]}</type>"}${x[2] == 'compile' ? '' : "<scope>runtime</scope>"}<exclusions><exclusion><groupId>*</groupId><artifactId>*</artifactId></exclusion></exclusions></dependency>\n" }.join() + "  </dependencies>\n</project>\n"
  println "lock: $id ${m.size()} entries"
}
def versions = lock(catalog.locks.values().flatten(), [:]).collectEntries { k, v -> [k, v[0]] } // one version of each for all
catalog.locks.each { id, roots -> write(id, roots, lock(roots, versions)) }
