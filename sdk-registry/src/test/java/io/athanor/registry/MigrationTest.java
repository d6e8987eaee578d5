package io.athanor.registry;

import static org.assertj.core.api.Assertions.assertThat;

import io.athanor.api.registry.ModelKind;
import io.athanor.api.registry.ModelVersion;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.Statement;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A registry that the first schema made is opened by this library. */
final class MigrationTest {
  @TempDir private Path temp;

  @Test
  void keepsTheVersionsOfTheFirstSchema() throws Exception {
    Path folder = temp.resolve("registry");
    ModelVersion written;
    try (var registry = ModelRegistry.open(folder)) {
      written = registry.registration("m", TestModels.folder(temp, "weights")).register();
    }
    Files.createDirectories(folder.resolve("versions/m"));
    Files.move(folder.resolve("models/base/m/1"), folder.resolve("versions/m/1"));
    Files.delete(folder.resolve("registry.db"));
    Files.deleteIfExists(folder.resolve("registry.db-wal"));
    Files.deleteIfExists(folder.resolve("registry.db-shm"));
    firstSchema(folder.resolve("registry.db"), written);

    try (var registry = ModelRegistry.open(folder)) {
      ModelVersion read = registry.version("m", 1);
      assertThat(read.folder()).isEqualTo(folder.resolve("versions/m/1").toAbsolutePath());
      assertThat(read.digest()).isEqualTo(written.digest());
      assertThat(read.kind()).isEqualTo(ModelKind.BASE);
      assertThat(read.created().by()).isEmpty();
      assertThat(registry.collectGarbage().folders()).isZero();
      assertThat(registry.verify().problems()).isEmpty();
      assertThat(registry.registration("m", TestModels.folder(temp, "b")).register().number())
          .isEqualTo(2);
    }
  }

  private static void firstSchema(Path database, ModelVersion version) throws Exception {
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
      statement.executeUpdate("INSERT INTO model VALUES (1, 'm', 2)");
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
}
