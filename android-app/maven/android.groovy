// Makes Android library archives usable from Maven, and does for the modules and their tests what AGP's
// "includeAndroidResources" does: one resource APK, R classes, a merged manifest, test_config.properties.
import org.apache.maven.artifact.handler.DefaultArtifactHandler
import org.eclipse.aether.RepositorySystem
import org.eclipse.aether.artifact.DefaultArtifact
import org.eclipse.aether.resolution.ArtifactRequest
import com.android.manifmerger.*
import com.android.utils.StdLogger

def ant = new groovy.ant.AntBuilder()
ant.project.buildListeners[0].messageOutputLevel = 1
def prop = { session.userProperties[it] ?: project.properties[it] } // -D wins, as in the POM
def out = new File(project.build.directory as String, 'android')
def fetch = { String gav -> session.lookup(RepositorySystem.name).resolveArtifact(session.repositorySession,
  new ArtifactRequest(new DefaultArtifact(gav), project.remoteProjectRepositories, null)).artifact.file }
def onClasspath = new DefaultArtifactHandler('aar'); onClasspath.extension = 'aar'; onClasspath.addedToClasspath = true; onClasspath.language = 'java'

// 1. AARs: unpack, and let each artifact stand for its classes.jar.
def aars = [] as LinkedHashSet
project.artifacts.findAll { it.file?.name?.endsWith('.aar') }.each { a ->
  def dir = new File(out, "aar/${a.groupId}_${a.artifactId}_${a.version}")
  def jar = new File(dir, "${a.artifactId}-${a.version}.jar")
  if (!jar.exists()) {
    ant.unzip(src: a.file, dest: dir)
    ant.jar(destfile: jar) { zipgroupfileset(dir: dir, includes: 'classes.jar,libs/*.jar') }
  }
  a.artifactHandler = onClasspath
  a.file = jar
  aars << dir
}
log.info("android: ${aars.size()} AARs on the class path")
// What the other plugins' configuration reads: Robolectric's SDK stays in the local repository, and so does the Compose plugin.
project.properties['robolectric.dependency.dir'] = fetch("org.robolectric:android-all-instrumented:${prop('version.android-all-instrumented')}").parent
project.properties['compose.plugin'] = fetch("org.jetbrains.kotlin:kotlin-compose-compiler-plugin-embeddable:${prop('version.kotlin')}").path
if (!prop('android.libraries')) return

// 2. Resources: compile each, link all.
def run = { List cmd ->
  def p = new ProcessBuilder(cmd.collect { it as String }).redirectErrorStream(true).start()
  def text = p.inputStream.text
  if (p.waitFor()) throw new Exception("${cmd.take(3)}: $text")
  if (text.trim()) log.debug(text)
}
def aapt2 = new File(out, 'prebuilt/linux/aapt2') // apktool ships the native binary
if (!aapt2.exists()) ant.unzip(src: fetch("org.apktool:apktool-lib:${prop('version.apktool')}"), dest: out) { patternset(includes: 'prebuilt/linux/aapt2') }
aapt2.executable = true
def namespace = prop('android.namespace')
def main = new File(project.basedir, 'src/main')
def libs = prop('android.libraries').split(',').collect { // "../chat:its.namespace"; our own manifests name no package
  def (path, name) = it.split(':')
  def d = new File(out, "lib/$name"), from = new File(project.basedir, "$path/src/main")
  ant.delete(dir: d); ant.copy(todir: d) { fileset(dir: from, includes: 'AndroidManifest.xml,res/**,assets/**') }
  def m = new File(d, 'AndroidManifest.xml'); m.text = m.text.replaceFirst('<manifest', "<manifest package=\"$name\"")
  d
}
def packageOf = { new groovy.xml.XmlSlurper().parse(it).@package.text() }
def flats = [], packages = [] as LinkedHashSet, manifests = [], assets = []
(aars.toList().reverse() + libs + [main]).each { d ->
  def res = new File(d, 'res')
  if (res.list()) {
    def flat = new File(out, "flat/${d.path.replaceAll('[^A-Za-z0-9.]', '_')}.zip"); flat.parentFile.mkdirs()
    if (!flat.exists() || !(d in aars)) run([aapt2, 'compile', '--dir', res, '-o', flat])
    flats << flat
  }
  if (new File(d, 'assets').list()) assets << new File(d, 'assets')
  def m = new File(d, 'AndroidManifest.xml')
  if (d != main && m.exists()) { manifests << m; packages << packageOf(m) }
}
def manifest = new File(out, 'AndroidManifest.xml')
def merger = ManifestMerger2.newMerger(new File(main, 'AndroidManifest.xml'), new StdLogger(StdLogger.Level.WARNING), ManifestMerger2.MergeType.APPLICATION)
  .setNamespace(namespace).addLibraryManifests(manifests as File[]).withFeatures(ManifestMerger2.Invoker.Feature.REMOVE_TOOLS_DECLARATIONS)
[PACKAGE: namespace, MIN_SDK_VERSION: prop('version.minSdk'), TARGET_SDK_VERSION: prop('version.targetSdk')].each { k, v ->
  merger.setOverride(ManifestSystemProperty.valueOf(k), v) }
def report = merger.merge()
if (report.result.error) throw new Exception(report.reportString)
manifest.text = report.getMergedDocument(MergingReport.MergedManifestKind.MERGED)
def r = new File(project.build.directory as String, 'generated-sources/r'); ant.delete(dir: r); r.mkdirs()
def apk = new File(out, 'resources.ap_')
def merged = new File(out, 'assets'); merged.mkdirs()
assets.each { d -> ant.copy(todir: merged) { fileset(dir: d) } }
run([aapt2, 'link', '-o', apk, '-I', project.artifacts.find { it.artifactId == 'android-all' }.file, '--manifest', manifest,
  '--auto-add-overlay', '--non-final-ids', '--java', r, '--custom-package', namespace, '--extra-packages', packages.join(':'),
  '-A', merged] + flats.collectMany { ['-R', it] })
project.addCompileSourceRoot(r.path)

// 3. What Robolectric reads.
def cfg = new File(project.build.testOutputDirectory as String, 'com/android/tools/test_config.properties'); cfg.parentFile.mkdirs()
cfg.text = "android_custom_package=$namespace\nandroid_merged_manifest=$manifest\nandroid_resource_apk=$apk\nandroid_merged_assets=$merged\n"
log.info("android: ${flats.size()} resource sets, ${packages.size()} R packages, ${manifests.size()} manifests merged")
