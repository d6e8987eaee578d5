package io.athanor.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.athanor.api.common.Digest;
import io.athanor.api.error.AccessDeniedException;
import io.athanor.api.error.ConflictException;
import io.athanor.api.error.FormatException;
import io.athanor.api.eval.ReportJson;
import io.athanor.api.registry.AuditEntry;
import io.athanor.api.registry.ModelVersion;
import io.athanor.api.registry.Permission;
import io.athanor.api.registry.Principal;
import io.athanor.api.registry.Verdict;
import io.athanor.registry.governance.Document;
import io.athanor.registry.store.DocumentTable;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Versions go from one registry to another in one file. */
class VersionArchiveTest {
  @TempDir private Path temp;
  private ModelRegistry from;
  private ModelRegistry to;
  private Path file;

  @BeforeEach
  void open() {
    from = ModelRegistry.open(temp.resolve("from"));
    to = ModelRegistry.in(temp.resolve("to")).principal(new Principal("importer")).open();
    file = temp.resolve("version.tar");
  }

  @AfterEach
  void close() {
    assertThat(from.verify().problems()).isEmpty();
    assertThat(to.verify().problems()).isEmpty();
    from.close();
    to.close();
  }

  private ModelVersion described() {
    return from.registration("spam-filter", TestModels.folder(temp, "weights"))
        .description("finds spam")
        .semanticVersion("1.4.0")
        .licence("Apache-2.0")
        .terms("not for people")
        .tag("team", "mail")
        .job("job-7")
        .report(TestModels.gated(Map.of("f1", 0.9), true))
        .register();
  }

  private Map<String, byte[]> entries(Path archive) throws IOException {
    Map<String, byte[]> entries = new LinkedHashMap<>();
    try (InputStream in = Files.newInputStream(archive);
        TarArchiveInputStream tar = new TarArchiveInputStream(in)) {
      for (TarArchiveEntry e = tar.getNextEntry(); e != null; e = tar.getNextEntry()) {
        assertThat(e.getModTime().getTime()).isZero();
        assertThat(entries.put(e.getName(), tar.readAllBytes())).isNull();
      }
    }
    return entries;
  }

  private List<Document> documents(ModelRegistry registry, ModelVersion version) {
    return registry
        .transactions()
        .read(s -> new DocumentTable(registry.versionTable()).ofVersion(s, version.id()));
  }

  @Test
  void bringsAVersionWithAllThatBelongsToIt() {
    ModelVersion version = described();
    from.archive().export(version, file);
    to.registration("spam-filter", TestModels.folder(temp, "another")).register();

    ModelVersion imported = to.archive().importFrom(file);

    assertThat(imported.id()).hasToString("spam-filter:2");
    assertThat(imported.digest()).isEqualTo(version.digest());
    assertThat(imported.manifest()).isEqualTo(version.manifest());
    assertThat(imported.notes()).isEqualTo(version.notes());
    assertThat(imported.semanticVersion()).isEqualTo(version.semanticVersion());
    assertThat(imported.metrics()).isEqualTo(Map.of("f1", 0.9));
    assertThat(imported.report()).isEqualTo(version.report());
    assertThat(imported.verdict()).isEqualTo(Verdict.PASSED);
    assertThat(imported.job()).contains("job-7");
    assertThat(to.version(imported.id())).isEqualTo(imported);
    assertThat(imported.folder().resolve("text/vocabulary.txt")).hasContent("words");
    assertThat(ReportJson.write(to.report(imported).orElseThrow()))
        .isEqualTo(ReportJson.write(from.report(version).orElseThrow()));
  }

  @Test
  void keepsWhereItCameFrom() throws IOException {
    ModelVersion version = described();
    from.archive().export(version, file);

    ModelVersion imported = to.archive().importFrom(file, "mail-filter");

    assertThat(imported.id()).hasToString("mail-filter:1");
    AuditEntry entry = to.audit().head().orElseThrow();
    assertThat(entry.action()).isEqualTo("import");
    assertThat(entry.principal()).isEqualTo(new Principal("importer"));
    assertThat(entry.after()).contains(version.digest().hex());
    assertThat(entry.reason()).startsWith("was spam-filter:1 in the archive sha256:");
    Document origin = documents(to, imported).get(0);
    assertThat(origin.kind()).isEqualTo(Archive.ORIGIN);
    JsonNode record = new ObjectMapper().readTree(to.files().content(origin.digest()).toFile());
    assertThat(record.get("name").textValue()).isEqualTo("spam-filter");
    assertThat(record.get("created").get("by").textValue()).isEqualTo(from.principal().name());
  }

  @Test
  void writesTheSameBytesForTheSameVersion() throws IOException {
    ModelVersion version = described();
    Path again = temp.resolve("again.tar");

    from.archive().export(version, file);
    from.archive().export(version, again);

    assertThat(Files.mismatch(file, again)).isEqualTo(-1);
  }

  @Test
  void writesAnImageLayoutThatOtherToolsCanRead() throws IOException {
    ModelVersion version = described();
    from.archive().export(version, file);
    Map<String, byte[]> entries = entries(file);
    ObjectMapper json = new ObjectMapper();

    assertThat(new ArrayList<>(entries.keySet())).startsWith("oci-layout", "index.json");
    assertThat(json.readTree(entries.get("oci-layout")).get("imageLayoutVersion").textValue())
        .isEqualTo("1.0.0");
    JsonNode index = json.readTree(entries.get("index.json"));
    JsonNode descriptor = index.get("manifests").get(0);
    assertThat(descriptor.get("annotations").get("org.opencontainers.image.ref.name").textValue())
        .isEqualTo("spam-filter:1");
    JsonNode manifest = json.readTree(blob(entries, descriptor));
    assertThat(manifest.get("schemaVersion").intValue()).isEqualTo(2);
    assertThat(manifest.get("artifactType").textValue())
        .isEqualTo("application/vnd.athanor.model.version.v1");
    blob(entries, manifest.get("config"));
    List<String> titles = new ArrayList<>();
    for (JsonNode layer : manifest.get("layers")) {
      blob(entries, layer);
      titles.add(layer.path("annotations").path("org.opencontainers.image.title").asText("-"));
    }
    assertThat(titles).containsExactly("config.json", "text/vocabulary.txt", "weights.bin", "-");
    assertThat(entries).hasSize(2 + 2 + 4);
  }

  private static byte[] blob(Map<String, byte[]> entries, JsonNode descriptor) {
    String digest = descriptor.get("digest").textValue();
    byte[] content = entries.get("blobs/" + digest.replace(':', '/'));
    assertThat(Digest.of(content)).hasToString(digest);
    assertThat(content).hasSize(descriptor.get("size").intValue());
    return content;
  }

  @Test
  void keepsOneCopyOfFilesThatAreTheSame() throws IOException {
    Path folder = TestModels.folder(temp, "twice");
    Files.copy(folder.resolve("weights.bin"), folder.resolve("copy.bin"));
    ModelVersion version = from.registration("m", folder).register();

    from.archive().export(version, file);
    ModelVersion imported = to.archive().importFrom(file);

    assertThat(entries(file)).hasSize(2 + 2 + 3);
    assertThat(imported.folder().resolve("copy.bin")).hasContent("twice");
    assertThat(imported.folder().resolve("weights.bin")).hasContent("twice");
  }

  @Test
  void bringsBackAVersionThatWasImported() {
    from.archive().export(described(), file);
    ModelVersion imported = to.archive().importFrom(file);
    Path second = temp.resolve("second.tar");
    to.archive().export(imported, second);

    ModelVersion back = from.archive().importFrom(second, "back");

    assertThat(back.digest()).isEqualTo(imported.digest());
    assertThat(documents(from, back)).hasSize(2).allMatch(d -> d.kind().equals(Archive.ORIGIN));
  }

  @Test
  void refusesASemanticVersionThatIsTaken() {
    from.archive().export(described(), file);

    assertThatThrownBy(() -> from.archive().importFrom(file))
        .isInstanceOf(ConflictException.class)
        .hasMessage("spam-filter:1 is called 1.4.0 already; import it under another name");
    assertThat(from.archive().importFrom(file, "other").id()).hasToString("other:1");
  }

  @Test
  void asksWhetherSomebodyMayReadAndRegister() {
    ModelVersion version = described();
    from.archive().export(version, file);
    Principal administrator = new Principal("root");
    to.access().assign("administrators", administrator);
    to.access().allow("administrators", Permission.ADMINISTER);
    to.access().enable();
    from.access().assign("administrators", administrator);
    from.access().allow("administrators", Permission.ADMINISTER);
    from.access().enable();
    try {
      assertThatThrownBy(() -> to.archive().importFrom(file))
          .isInstanceOf(AccessDeniedException.class)
          .hasMessageContaining("register spam-filter");
      assertThatThrownBy(() -> from.archive().export(version, temp.resolve("no.tar")))
          .isInstanceOf(AccessDeniedException.class);
      assertThat(temp.resolve("no.tar")).doesNotExist();
    } finally {
      to.as(administrator).access().disable();
      from.as(administrator).access().disable();
    }
  }

  @Test
  void refusesToExportDamagedFilesAndLeavesWhatWasThere() throws IOException {
    ModelVersion version = described();
    Files.writeString(file, "an older export");
    Path weights = version.folder().resolve("weights.bin");
    assertThat(weights.toFile().setWritable(true)).isTrue();
    Files.writeString(weights, "tampered");

    assertThatThrownBy(() -> from.archive().export(version, file))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("weights.bin: damaged or changed: expected digest sha256:")
        .hasMessageContaining("Restore it from a copy, or delete the version");
    assertThat(file).hasContent("an older export");
    Files.writeString(weights, "weights");
  }

  @Test
  void tellsProgressAndEndsWhenInterrupted() {
    ModelVersion version = described();
    List<Long> seen = new ArrayList<>();
    from.archive().progress((done, total) -> seen.add(total - done)).export(version, file);
    assertThat(seen).isNotEmpty().endsWith(0L);

    Path other = temp.resolve("interrupted.tar");
    assertThatThrownBy(
            () ->
                from.archive()
                    .progress((done, total) -> Thread.currentThread().interrupt())
                    .export(version, other))
        .isInstanceOf(CancellationException.class);
    assertThat(Thread.interrupted()).isTrue();
    assertThat(other).doesNotExist();

    assertThatThrownBy(
            () ->
                to.archive()
                    .progress((done, total) -> Thread.currentThread().interrupt())
                    .importFrom(file))
        .isInstanceOf(CancellationException.class);
    assertThat(Thread.interrupted()).isTrue();
    assertThat(to.models()).isEmpty();
    assertThat(temp.resolve("to/staging")).isEmptyDirectory();
    assertThat(temp.resolve("to/models")).isEmptyDirectory();
  }
}
