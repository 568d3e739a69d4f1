// Packs a library as AGP packs its AAR, as far as that goes without an SDK: classes, resources, manifest, R.txt and the consumer
// rules, no native libraries. For the packaging tests; what is published comes from Gradle.
import com.android.manifmerger.*
import com.android.utils.StdLogger

def ant = new groovy.ant.AntBuilder()
ant.project.buildListeners[0].messageOutputLevel = 1
def prop = { session.userProperties[it] ?: project.properties[it] }
def target = new File(project.build.directory as String), main = new File(project.basedir, 'src/main')
def out = new File(target, 'aar'); ant.delete(dir: out); out.mkdirs()
def namespace = prop('android.namespace') as String

// The bindings are a module of their own here and a part of `chat` in Gradle. Classes made from resources are in no AAR.
ant.jar(destfile: new File(out, 'classes.jar')) {
  fileset(dir: project.build.outputDirectory, includes: 'chat/**,META-INF/*.kotlin_module', excludes: '**/R.class,**/R$*.class,**/Manifest.class,**/Manifest$*.class')
  if (project.artifactId == 'chat') zipfileset(src: project.artifacts.find { it.artifactId == 'chat-ffi' }.file, includes: 'chat/**,META-INF/*.kotlin_module')
}
def merger = ManifestMerger2.newMerger(new File(main, 'AndroidManifest.xml'), new StdLogger(StdLogger.Level.WARNING), ManifestMerger2.MergeType.LIBRARY)
  .setNamespace(namespace).withFeatures(ManifestMerger2.Invoker.Feature.REMOVE_TOOLS_DECLARATIONS)
[PACKAGE: namespace, MIN_SDK_VERSION: prop('version.minSdk') as String].each { k, v -> merger.setOverride(ManifestSystemProperty.valueOf(k), v) }
def report = merger.merge()
if (report.result.error) throw new Exception(report.reportString)
def manifest = new File(out, 'AndroidManifest.xml')
manifest.text = report.getMergedDocument(MergingReport.MergedManifestKind.MERGED)
def symbols = new File(out, 'R.txt'); symbols.text = ''
def res = new File(main, 'res')
if (res.directory) {
  ant.copy(todir: new File(out, 'res')) { fileset(dir: res) }
  def flat = new File(target, 'android/own.zip'), aapt2 = "$target/android/prebuilt/linux/aapt2" // android.groovy put it there
  def framework = project.artifacts.find { it.artifactId == 'android-all' }.file
  [[aapt2, 'compile', '--dir', res, '-o', flat],
   [aapt2, 'link', '--static-lib', '--auto-add-overlay', '-o', new File(target, 'android/own.apk'), '-I', framework, '--manifest', manifest,
    '--output-text-symbols', symbols, '-R', flat]].each { command ->
    def p = new ProcessBuilder(command.collect { it as String }).redirectErrorStream(true).start()
    def text = p.inputStream.text
    if (p.waitFor()) throw new Exception("${command.take(2)}: $text")
  }
}
def rules = new File(project.basedir, 'consumer-rules.pro')
if (rules.exists()) ant.copy(file: rules, tofile: new File(out, 'proguard.txt'))
ant.zip(destfile: new File(target, "${project.artifactId}-${project.version}.aar"), basedir: out)
