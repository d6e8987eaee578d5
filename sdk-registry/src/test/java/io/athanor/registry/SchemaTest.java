package io.athanor.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.athanor.api.error.ConflictException;
import io.athanor.api.error.FormatException;
import io.athanor.api.registry.ModelVersion;
import io.athanor.api.registry.Search;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.CyclicBarrier;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** How the tables come into being. */
class SchemaTest extends RegistryContract {
  /** SQLite says that they may be absent, although they are primary keys. */
  private static final Set<String> KEYS =
      Set.of(
          "schema_version.version",
          "schema_version.script",
          "schema_version.applied",
          "setting.name",
          "version_usage.version_id");

  @TempDir private Path temp;
  private Path folder;

  @BeforeEach
  void choose() {
    folder = temp.resolve("registry");
  }

  @Test
  void hasTheSameTablesAndColumnsEverywhere() throws SQLException {
    store.in(folder).open().close();
    Path first = temp.resolve("first");
    TestStore.SQLITE.in(first).open().close();

    assertThat(columns(store, folder))
        .isEqualTo(columns(TestStore.SQLITE, first))
        .hasSizeGreaterThan(100)
        .contains("audit.hash not null", "version.semantic");
  }

  private static Set<String> columns(TestStore store, Path folder) throws SQLException {
    Set<String> columns = new TreeSet<>();
    try (Connection connection = store.connect(folder);
        ResultSet rows =
            connection
                .getMetaData()
                .getColumns(connection.getCatalog(), connection.getSchema(), "%", "%")) {
      while (rows.next()) {
        String table = rows.getString("TABLE_NAME");
        String column = rows.getString("COLUMN_NAME").toLowerCase(Locale.ROOT);
        boolean key = KEYS.contains(table + "." + column) || column.equals("id");
        boolean required = key || rows.getString("IS_NULLABLE").equals("NO");
        boolean index = table.contains("_by_") || table.startsWith("sqlite_");
        if (!index) {
          columns.add(table + "." + column + (required ? " not null" : ""));
        }
      }
    }
    return columns;
  }

  @Test
  void manyMayOpenANewRegistryAtOnce() throws Exception {
    int many = 5;
    CyclicBarrier start = new CyclicBarrier(many);
    ExecutorService pool = Executors.newFixedThreadPool(many);
    try {
      List<Future<Integer>> opened = new ArrayList<>();
      for (int i = 0; i < many; i++) {
        opened.add(
            pool.submit(
                () -> {
                  start.await();
                  try (var registry = store.in(folder).open()) {
                    return registry.models().size();
                  }
                }));
      }
      for (Future<Integer> models : opened) {
        assertThat(models.get()).isZero();
      }
    } finally {
      pool.shutdown();
    }
    assertThat(appliedScripts()).isEqualTo(2);
  }

  private int appliedScripts() throws SQLException {
    try (Connection connection = store.connect(folder);
        var statement = connection.createStatement();
        ResultSet rows = statement.executeQuery("SELECT COUNT(*) FROM schema_version")) {
      rows.next();
      return rows.getInt(1);
    }
  }

  @Test
  void goesOnWhereAnUpgradeWasInterrupted() throws SQLException {
    assumeThat(store).as("the others upgrade whole or not at all").isEqualTo(TestStore.MARIADB);
    store.in(folder).open().close();
    Set<String> whole = columns(store, folder);
    store.execute(folder, "DROP TRIGGER audit_is_not_shortened");
    store.execute(folder, "DROP TABLE role_member");
    store.execute(folder, "DROP INDEX version_by_licence ON version");
    store.execute(folder, "ALTER TABLE version DROP COLUMN terms");
    store.execute(folder, "DELETE FROM schema_version");

    try (var registry = store.in(folder).open()) {
      ModelVersion version =
          registry.registration("m", TestModels.folder(temp, "a")).terms("ask us").register();
      assertThat(registry.version(version.id()).notes().terms()).contains("ask us");
      assertThat(registry.verify().problems()).isEmpty();
    }
    assertThat(columns(store, folder)).isEqualTo(whole);
    assertThatThrownBy(() -> store.execute(folder, "DELETE FROM audit"))
        .hasMessageContaining("the audit log is append-only");
  }

  @Test
  void refusesTablesOfSomethingElse() throws Exception {
    Files.createDirectories(folder);
    store.execute(folder, "CREATE TABLE customer (id INTEGER)");

    assertThatThrownBy(() -> store.in(folder).open())
        .isInstanceOf(ConflictException.class)
        .hasMessageContaining("there are tables of something else (customer)")
        .hasMessageContaining("Give the registry a schema or database of its own");
  }

  @Test
  void refusesTablesOfANewerLibrary() throws SQLException {
    store.in(folder).open().close();
    store.execute(folder, "INSERT INTO schema_version VALUES (99, 'V099__later.sql', 0)");

    assertThatThrownBy(() -> store.in(folder).open())
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("tables of schema version 99; this library knows versions up to 2");
  }

  /** What a database may not do is to take one text for another. */
  @Test
  void tellsTextsApartThatLookAlike() {
    try (var registry = store.in(folder).open()) {
      Path model = TestModels.folder(temp, "a");
      registry
          .registration("m", model)
          .tag("team", "mail")
          .tag("Team", "Mail")
          .tag("team ", "mail ")
          .tag("téam", "maïl")
          .tag("te\u0301am", "😀")
          .tag("long", "x".repeat(100_000))
          .register();

      assertThat(registry.version("m", 1).notes().tags())
          .hasSize(6)
          .containsEntry("team", "mail")
          .containsEntry("Team", "Mail")
          .containsEntry("team ", "mail ")
          .containsEntry("te\u0301am", "😀");
      assertThat(found(registry, "team", "mail")).isEqualTo(1);
      assertThat(found(registry, "team", "Mail")).isZero();
      assertThat(found(registry, "team", "mail ")).isZero();
      assertThat(found(registry, "TEAM", "mail")).isZero();
      assertThat(found(registry, "te\u0301am", "😀")).isEqualTo(1);
      assertThat(found(registry, "long", "x".repeat(100_000))).isEqualTo(1);
    }
  }

  private static long found(ModelRegistry registry, String key, String value) {
    return registry.search(Search.all().tag(key, value)).total();
  }
}
