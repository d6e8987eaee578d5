package io.athanor.registry;

import io.athanor.api.registry.ModelVersion;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;

/** A registry as the first schema and layout had it, which was on SQLite only. */
final class FirstSchema {
  private FirstSchema() {}

  /** Makes one with one version, as this library would tell it. */
  static ModelVersion registry(Path folder, String model, Path files) throws Exception {
    ModelVersion written;
    try (var registry = ModelRegistry.open(folder)) {
      written = registry.registration(model, files).register();
    }
    Path versions = Files.createDirectories(folder.resolve("versions").resolve(model));
    Files.move(folder.resolve("models/base").resolve(model).resolve("1"), versions.resolve("1"));
    Files.delete(folder.resolve("registry.db"));
    Files.deleteIfExists(folder.resolve("registry.db-wal"));
    Files.deleteIfExists(folder.resolve("registry.db-shm"));
    tables(folder.resolve("registry.db"), written);
    return written;
  }

  private static void tables(Path database, ModelVersion version) throws Exception {
    try (InputStream script =
            ModelRegistry.class.getResourceAsStream(
                "store/sqlite/V001__models_versions_aliases.sql");
        Connection connection = DriverManager.getConnection("jdbc:sqlite:" + database);
        Statement statement = connection.createStatement()) {
      statement.executeUpdate(new String(script.readAllBytes(), StandardCharsets.UTF_8));
      statement.executeUpdate(
          "CREATE TABLE schema_version"
              + " (version INTEGER PRIMARY KEY, script TEXT NOT NULL, applied BIGINT NOT NULL)");
      statement.executeUpdate("INSERT INTO schema_version VALUES (1, 'V001', 0)");
      statement.executeUpdate("INSERT INTO model VALUES (1, '" + version.name() + "', 2)");
      statement.executeUpdate(
          "INSERT INTO version (id, model_id, number, digest, created, description, verdict)"
              + " VALUES (1, 1, 1, '"
              + version.digest().hex()
              + "', 5, '', 'NOT_EVALUATED')");
      for (var file : version.manifest().files()) {
        statement.executeUpdate(
            String.format(
                "INSERT INTO version_file VALUES (1, '%s', %d, '%s')",
                file.path(), file.bytes(), file.digest().hex()));
      }
    }
  }

  /** The number of the last script that was run on a registry's tables. */
  static int schemaVersion(TestStore store, Path folder) throws SQLException {
    if (store == TestStore.SQLITE && !Files.exists(folder.resolve("registry.db"))) {
      return 0;
    }
    try (Connection connection = store.connect(folder)) {
      try (ResultSet table =
          connection
              .getMetaData()
              .getTables(connection.getCatalog(), connection.getSchema(), "schema_version", null)) {
        if (!table.next()) {
          return 0;
        }
      }
      try (Statement statement = connection.createStatement();
          ResultSet row = statement.executeQuery("SELECT MAX(version) FROM schema_version")) {
        row.next();
        return row.getInt(1);
      }
    }
  }
}
