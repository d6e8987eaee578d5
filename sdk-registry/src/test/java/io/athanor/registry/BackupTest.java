package io.athanor.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.athanor.api.common.Digest;
import io.athanor.api.error.AccessDeniedException;
import io.athanor.api.error.ConflictException;
import io.athanor.api.error.FormatException;
import io.athanor.api.eval.ReportJson;
import io.athanor.api.registry.AuditEntry;
import io.athanor.api.registry.ModelVersion;
import io.athanor.api.registry.Permission;
import io.athanor.api.registry.Principal;
import io.athanor.api.registry.VersionId;
import io.athanor.registry.archive.BackupSummary;
import io.athanor.registry.store.TableRows;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicBoolean;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Whole registries go from one database to another in one file. */
class BackupTest extends RegistryContract {
  private static final Principal ROOT = new Principal("root");

  @TempDir private Path temp;
  private Path file;

  @BeforeEach
  void choose() {
    file = temp.resolve("backup.tar");
  }

  private ModelVersion register(ModelRegistry registry, String name, String content) {
    return register(registry, temp, name, content);
  }

  private static ModelVersion register(
      ModelRegistry registry, Path temp, String name, String content) {
    return registry.registration(name, TestModels.folder(temp, content)).register();
  }

  /** A registry in which something has happened; its numbers have gaps. */
  static void fill(ModelRegistry registry, Path temp) {
    ModelVersion first =
        registry
            .registration("spam-filter", TestModels.folder(temp, "one"))
            .description("finds spam")
            .semanticVersion("1.0.0")
            .licence("MIT")
            .tag("team", "mail")
            .report(TestModels.gated(Map.of("f1", 0.9, "recall", 0.25), true))
            .register();
    registry.delete(register(registry, temp, "spam-filter", "gone")).apply();
    ModelVersion second =
        registry
            .registration("spam-filter", TestModels.folder(temp, "two"))
            .parent(first)
            .register();
    register(registry, temp, "gone", "gone");
    registry.delete(registry.version("gone", 1)).apply();
    register(registry, temp, "other", "three");
    registry.documents(first).attach("bias", "{}".getBytes(StandardCharsets.UTF_8), "text/plain");
    registry.promote(first, "production").because("first").apply();
    registry.promote(second, "production").because("better").overriding("a test").apply();
    registry.promote(second, "staging").overriding("a test").apply();
    registry.withdraw("spam-filter", "staging").apply();
    registry.access().assign("administrators", ROOT);
    registry.access().allow("administrators", Permission.ADMINISTER);
  }

  private BackupSummary backUp() {
    try (ModelRegistry source = store.in(temp.resolve("source")).open()) {
      fill(source, temp);
      return source.archive().backup(file);
    }
  }

  private Map<String, List<Map<String, Object>>> rows(ModelRegistry registry) {
    Map<String, List<Map<String, Object>>> rows = new LinkedHashMap<>();
    for (TableRows.Table table : TableRows.ALL) {
      List<Map<String, Object>> all = rows.computeIfAbsent(table.name(), n -> new ArrayList<>());
      registry
          .transactions()
          .read(
              session -> {
                TableRows.read(session, table, row -> all.add(new LinkedHashMap<>(row)));
                return all;
              });
    }
    return rows;
  }

  @Test
  void knowsEveryColumnThereIs() throws SQLException {
    Path folder = temp.resolve("source");
    store.in(folder).open().close();
    Set<String> there = new TreeSet<>();
    try (Connection connection = store.connect(folder);
        ResultSet columns =
            connection
                .getMetaData()
                .getColumns(connection.getCatalog(), connection.getSchema(), "%", "%")) {
      while (columns.next()) {
        String table = columns.getString("TABLE_NAME").toLowerCase(Locale.ROOT);
        if (!table.equals("schema_version")
            && !table.contains("_by_")
            && !table.startsWith("sqlite_")
            && !table.endsWith("_pkey")) {
          there.add(table + "." + columns.getString("COLUMN_NAME").toLowerCase(Locale.ROOT));
        }
      }
    }
    Set<String> known = new TreeSet<>();
    for (TableRows.Table table : TableRows.ALL) {
      table.columns().forEach(column -> known.add(table.name() + "." + column.name()));
    }

    assertThat(known).hasSizeGreaterThan(90).isEqualTo(there);
  }

  @Test
  void bringsEverythingIntoAnotherDatabase() {
    BackupSummary summary = backUp();

    try (ModelRegistry source = store.in(temp.resolve("source")).open();
        ModelRegistry target = ModelRegistry.open(temp.resolve("target"))) {
      assertThat(target.archive().restore(file)).isEqualTo(summary);
      compare(source, target);
      assertThat(summary.versions()).isEqualTo(3);
      assertThat(summary.contents()).isEqualTo(3 + 2 + 1 + 1);
      assertThat(target.verify().problems()).isEmpty();
    }
  }

  @Test
  void bringsEverythingFromAnotherDatabase() {
    try (ModelRegistry source = ModelRegistry.open(temp.resolve("source"));
        ModelRegistry target = store.in(temp.resolve("target")).open()) {
      fill(source, temp);
      source.archive().backup(file);

      target.archive().restore(file);

      compare(source, target);
      assertThat(target.verify().problems()).isEmpty();
      ModelVersion next = register(target, "spam-filter", "next");
      assertThat(next.id()).isEqualTo(new VersionId("spam-filter", 4));
      assertThat(register(target, "new-model", "next").number()).isEqualTo(1);
      target.promote(next, "production").overriding("a test").apply();
      assertThat(target.aliasHistory("spam-filter", "production")).hasSize(3);
      assertThat(target.verify().problems()).isEmpty();
    }
  }

  private void compare(ModelRegistry source, ModelRegistry target) {
    assertThat(target.models()).isEqualTo(source.models()).hasSize(2);
    for (String model : source.models()) {
      assertThat(target.aliases(model)).isEqualTo(source.aliases(model));
      for (ModelVersion version : source.versions(model)) {
        ModelVersion restored = target.version(version.id());
        assertThat(restored).isEqualTo(version);
        assertThat(restored).usingRecursiveComparison().ignoringFields("folder").isEqualTo(version);
        assertThat(target.report(restored).map(ReportJson::write))
            .isEqualTo(source.report(version).map(ReportJson::write));
      }
    }
    assertThat(target.aliasHistory("spam-filter", "production"))
        .isEqualTo(source.aliasHistory("spam-filter", "production"))
        .hasSize(2);
    List<AuditEntry> entries = source.audit().entries(0, 1000);
    List<AuditEntry> restored = target.audit().entries(0, 1000);
    assertThat(restored).startsWith(entries.toArray(AuditEntry[]::new)).hasSize(entries.size() + 1);
    assertThat(restored.get(entries.size()).action()).isEqualTo("restore");
    assertThat(target.audit().verify()).isEmpty();
    Map<String, List<Map<String, Object>>> before = rows(source);
    Map<String, List<Map<String, Object>>> after = rows(target);
    before.forEach(
        (table, rows) ->
            assertThat(after.get(table))
                .as(table)
                .hasSize(rows.size() + (table.equals("audit") ? 1 : 0)));
    assertThat(after.get("role_permission")).isEqualTo(before.get("role_permission")).hasSize(1);
    assertThat(after.get("version_metric")).hasSize(2);
  }

  @Test
  void keepsTheNumbersThatPeopleKnow() {
    try (ModelRegistry source = store.in(temp.resolve("source")).open();
        ModelRegistry target = store.in(temp.resolve("target")).open()) {
      ModelVersion version = register(source, "m", "content");
      for (long wanted : new long[] {3, 4, 9}) {
        source
            .transactions()
            .write(
                session ->
                    session.update(
                        "INSERT INTO approval (id, model_id, number, alias, artifact, requested,"
                            + " requested_by, reason, status)"
                            + " VALUES (?, (SELECT id FROM model), 1, 'production', ?, 1, 'ann', '',"
                            + " 'PENDING')",
                        wanted,
                        version.digest().hex()));
      }
      source.archive().backup(file);

      target.archive().restore(file);

      assertThat(rows(target).get("approval"))
          .extracting(row -> row.get("id"))
          .containsExactly(3L, 4L, 9L);
      long next =
          target
              .transactions()
              .write(
                  session ->
                      session.insert(
                          "INSERT INTO approval (model_id, number, alias, artifact, requested,"
                              + " requested_by, reason, status)"
                              + " VALUES ((SELECT id FROM model), 1, 'staging', ?, 1, 'ann', '',"
                              + " 'PENDING')",
                          version.digest().hex()));
      assertThat(next).isEqualTo(10);
    }
  }

  @Test
  void isOfOneMomentWhileOthersWrite() throws Exception {
    try (ModelRegistry source = store.in(temp.resolve("source")).open();
        ModelRegistry target = ModelRegistry.open(temp.resolve("target"))) {
      for (int i = 0; i < 5; i++) {
        register(source, "m", "content " + i);
      }
      ExecutorService writer = Executors.newSingleThreadExecutor();
      AtomicBoolean stop = new AtomicBoolean();
      try {
        Future<Integer> written =
            writer.submit(
                () -> {
                  int count = 0;
                  while (!stop.get() || count < 3) {
                    register(source, "busy", "busy " + count);
                    source.delete(source.versions("busy").get(0)).apply();
                    source.collectGarbage();
                    count++;
                  }
                  return count;
                });
        BackupSummary summary = source.archive().backup(file);
        stop.set(true);
        assertThat(written.get()).isGreaterThanOrEqualTo(3);

        target.archive().restore(file);

        assertThat(target.verify().problems()).isEmpty();
        assertThat(target.verify().versions()).isEqualTo((int) summary.versions());
        assertThat(target.versions("m")).hasSize(5);
        assertThat(target.audit().verify(summary.auditEntries(), summary.auditHead().orElseThrow()))
            .isEmpty();
      } finally {
        stop.set(true);
        writer.shutdownNow();
      }
    }
  }

  /** Deletes a version the moment the backup has read the rows. */
  @Test
  void takesALaterMomentWhenAContentIsDeletedBeforeItIsRead() {
    try (ModelRegistry source = store.in(temp.resolve("source")).open();
        ModelRegistry target = ModelRegistry.open(temp.resolve("target"))) {
      register(source, "m", "stays");
      String late = "goes";
      while (!Digest.ofText(late).hex().startsWith("f")) {
        late += "!";
      }
      ModelVersion doomed = register(source, "m", late);
      AtomicBoolean deleted = new AtomicBoolean();
      BackupSummary summary =
          source
              .archive()
              .progress(
                  (done, total) -> {
                    if (done > 0 && !deleted.getAndSet(true)) {
                      source.delete(doomed).apply();
                    }
                  })
              .backup(file);
      assertThat(deleted).as("was deleted after the rows were read").isTrue();

      target.archive().restore(file);

      assertThat(summary.versions()).isEqualTo(1);
      assertThat(target.versions("m")).hasSize(1);
      assertThat(target.verify().problems()).isEmpty();
    }
  }

  @Test
  void refusesARegistryThatIsNotEmpty() {
    backUp();
    try (ModelRegistry target = ModelRegistry.open(temp.resolve("target"))) {
      register(target, "m", "already here");

      assertThatThrownBy(() -> target.archive().restore(file))
          .isInstanceOf(ConflictException.class)
          .hasMessageStartingWith("A backup can be restored only into an empty registry; this one")
          .hasMessageContaining("audit, model, version");
      assertThat(target.models()).containsExactly("m");
    }
  }

  @Test
  void asksForAnAdministrator() {
    try (ModelRegistry source = store.in(temp.resolve("source")).open()) {
      fill(source, temp);
      source.access().enable();

      assertThatThrownBy(() -> source.as(new Principal("ann")).archive().backup(file))
          .isInstanceOf(AccessDeniedException.class)
          .hasMessageContaining("'ann' may not administer the registry");
      assertThat(file).doesNotExist();
      assertThat(source.as(ROOT).archive().backup(file).versions()).isEqualTo(3);
    }
    try (ModelRegistry target = ModelRegistry.open(temp.resolve("target"))) {
      target.archive().restore(file);
      assertThat(target.access().enabled()).isTrue();
    }
  }

  @Test
  void refusesToBackUpWhatIsDamaged() throws IOException {
    try (ModelRegistry source = store.in(temp.resolve("source")).open()) {
      ModelVersion version = register(source, "m", "content");
      Path blob = source.files().blob(version.manifest().files().get(0).digest());
      Files.delete(blob);

      assertThatThrownBy(() -> source.archive().backup(file))
          .isInstanceOf(FormatException.class)
          .hasMessageStartingWith(blob.toString())
          .hasMessageContaining("missing; verify() tells which version has it");
      assertThat(file).doesNotExist();
      assertThat(temp.resolve("source/staging")).isEmptyDirectory();
    }
  }

  @Test
  void canBeRestoredAgainAfterAnInterruption() {
    backUp();
    try (ModelRegistry target = store.in(temp.resolve("target")).open()) {
      for (int step = 1; step < 20; step += 6) {
        int end = step;
        int[] steps = {0};
        assertThatThrownBy(
                () ->
                    target
                        .archive()
                        .progress(
                            (done, total) -> {
                              if (++steps[0] == end) {
                                Thread.currentThread().interrupt();
                              }
                            })
                        .restore(file))
            .isInstanceOf(CancellationException.class);
        assertThat(Thread.interrupted()).isTrue();
        assertThat(target.models()).isEmpty();
        assertThat(target.audit().head()).isEmpty();
        assertThat(target.files().places()).isEmpty();
      }

      target.archive().restore(file);

      assertThat(target.models()).containsExactly("other", "spam-filter");
      assertThat(target.verify().problems()).isEmpty();
    }
  }

  @Test
  void endsABackupThatIsInterrupted() {
    try (ModelRegistry source = store.in(temp.resolve("source")).open()) {
      fill(source, temp);
      assertThatThrownBy(
              () ->
                  source
                      .archive()
                      .progress((done, total) -> Thread.currentThread().interrupt())
                      .backup(file))
          .isInstanceOf(CancellationException.class);
      assertThat(Thread.interrupted()).isTrue();
      assertThat(temp.toFile().list())
          .doesNotContain("backup.tar")
          .noneMatch(n -> n.contains(".tmp"));
      assertThat(temp.resolve("source/staging")).isEmptyDirectory();
      assertThat(source.verify().problems()).isEmpty();
    }
  }
}
