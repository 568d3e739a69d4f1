// The public API of a library against the baseline in its api/ folder, by the tool behind Kotlin's own abiValidation, which keeps its
// files in the same place. Fails with the difference; -Dapi.update writes the baseline instead.
import org.jetbrains.kotlin.abi.tools.AbiFilters
import org.jetbrains.kotlin.abi.tools.AbiToolsFactory

def name = project.artifactId
def committed = new File(project.basedir, "api/${name}.api")
def built = new File(project.build.directory as String, "api/${name}.api")
built.parentFile.mkdirs()
def classes = []
new File(project.build.outputDirectory as String).eachFileRecurse(groovy.io.FileType.FILES) {
  // Made from resources and in no AAR; and what the Compose compiler keeps its lambdas in, which nobody calls.
  if (it.name.endsWith('.class') && !(it.name =~ /^(R|R\$.*|Manifest(\$.*)?|ComposableSingletons\$.*)\.class$/)) classes << it
}
def tools = ServiceLoader.load(AbiToolsFactory, AbiToolsFactory.classLoader).first().get()
built.withWriter('UTF-8') { tools.printJvmDump(it, classes.sort(), new AbiFilters([] as Set, [] as Set, [] as Set, [] as Set)) }
if (session.userProperties.containsKey('api.update')) {
  committed.parentFile.mkdirs()
  committed.text = built.text
} else if (!committed.exists() || committed.text != built.text) {
  def difference = committed.exists() ? tools.filesDiff(committed, built) : "there is no $committed"
  throw new Exception("The public API of $name is not the committed one. If that is meant, say so in CHANGELOG.md and write the baseline:\n" +
    "  mvn -B -q verify -DskipTests -Dapi.update\n$difference")
}
