package io.athanor.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.athanor.api.common.Digest;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.StorageException;
import io.athanor.api.error.UnsupportedException;
import io.athanor.api.registry.ModelVersion;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Instant;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What happens when the registry's folder, or what is to be registered, is not as it should be. */
class DamageTest {
  @TempDir private Path temp;
  private Path folder;

  @BeforeEach
  void choose() {
    folder = temp.resolve("registry");
  }

  private ModelVersion register(ModelRegistry registry, String content) {
    return registry.registration("m", TestModels.folder(temp, content)).register();
  }

  private static void overwrite(Path file, String content) throws IOException {
    assertThat(file.toFile().setWritable(true)).isTrue();
    Files.writeString(file, content);
  }

  @Test
  void refusesAFileInPlaceOfTheFolder() throws IOException {
    Files.writeString(folder, "not a folder");

    assertThatThrownBy(() -> ModelRegistry.open(folder))
        .isInstanceOf(StorageException.class)
        .hasMessageStartingWith(folder + ": cannot be made a registry folder")
        .hasMessageContaining("that is writable");
    assertThat(folder).hasContent("not a folder");
  }

  @Test
  void refusesAFolderThatMayNotBeWritten() throws IOException {
    Files.createDirectory(
        folder, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("r-xr-xr-x")));
    assumeThat(Files.isWritable(folder)).as("permissions do not bind this user").isFalse();

    assertThatThrownBy(() -> ModelRegistry.open(folder))
        .isInstanceOf(StorageException.class)
        .hasMessageContaining("that is writable");
  }

  @Test
  void refusesAFolderOfTheSystem() {
    Path system = Path.of("/proc/sys/athanor-registry");
    assumeThat(Path.of("/proc/sys")).as("only Linux has this folder").isDirectory();

    assertThatThrownBy(() -> ModelRegistry.open(system))
        .isInstanceOf(StorageException.class)
        .hasMessageStartingWith(system + ": cannot be made a registry folder");
  }

  @Test
  void refusesAFolderThatTheDatabaseCannotAddress() {
    assertThatThrownBy(() -> ModelRegistry.open(temp.resolve("what?")))
        .isInstanceOf(UnsupportedException.class)
        .hasMessageContaining("Choose another folder");
  }

  @Test
  void refusesAFileThatIsNoDatabase() throws IOException {
    Files.createDirectory(folder);
    Files.writeString(folder.resolve("registry.db"), "not a database ".repeat(100));

    assertThatThrownBy(() -> ModelRegistry.open(folder))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("registry.db: damaged, or not a database")
        .hasMessageContaining("Restore it from a copy");
  }

  @Test
  void noticesADamagedDatabase() throws IOException {
    try (var registry = ModelRegistry.open(folder)) {
      for (int i = 0; i < 3; i++) {
        register(registry, "content " + i);
      }
    }
    try (RandomAccessFile database =
        new RandomAccessFile(folder.resolve("registry.db").toFile(), "rw")) {
      database.seek(4096);
      database.write(new byte[(int) database.length() - 4096]);
    }

    assertThatThrownBy(
            () -> {
              try (var registry = ModelRegistry.open(folder)) {
                registry.verify();
              }
            })
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("registry.db: damaged");
  }

  @Test
  void refusesTablesOfANewerLibrary() throws SQLException {
    ModelRegistry.open(folder).close();
    try (Connection connection =
            DriverManager.getConnection("jdbc:sqlite:" + folder.resolve("registry.db"));
        Statement statement = connection.createStatement()) {
      statement.execute("INSERT INTO schema_version VALUES (99, 'V099__later.sql', 0)");
    }

    assertThatThrownBy(() -> ModelRegistry.open(folder))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("tables of schema version 99; this library knows versions up to 2")
        .hasMessageContaining("Use a newer Athanor");
  }

  @Test
  void namesAFileThatHasChanged() throws IOException {
    try (var registry = ModelRegistry.open(folder)) {
      ModelVersion version = register(registry, "right");
      Path file = version.folder().resolve("weights.bin");
      overwrite(file, "wrong");

      assertThatThrownBy(version::verify)
          .isInstanceOf(FormatException.class)
          .hasMessageStartingWith(file.toString())
          .hasMessageContaining("expected digest " + Digest.ofText("right"))
          .hasMessageContaining("got " + Digest.ofText("wrong"));
      assertThat(registry.verify().problems())
          .singleElement()
          .asString()
          .startsWith("m:1: " + file);
    }
  }

  @Test
  void namesAFileThatIsMissingOrDoesNotBelong() throws IOException {
    try (var registry = ModelRegistry.open(folder)) {
      ModelVersion version = register(registry, "right");
      Path stranger = Files.writeString(version.folder().resolve("model.pkl"), "x");
      assertThatThrownBy(version::verify)
          .isInstanceOf(FormatException.class)
          .hasMessageStartingWith(stranger + ": not one of the version's files");
      Files.delete(stranger);

      Path file = version.folder().resolve("weights.bin");
      Files.delete(file);
      assertThatThrownBy(version::verify)
          .isInstanceOf(FormatException.class)
          .hasMessageStartingWith(file + ": missing");

      Files.createSymbolicLink(file, registry.files().blob(Digest.ofText("right")));
      assertThatThrownBy(version::verify)
          .isInstanceOf(FormatException.class)
          .hasMessageStartingWith(file + ": missing");
    }
  }

  @Test
  void doesNotBuildOnADamagedContent() throws IOException {
    try (var registry = ModelRegistry.open(folder)) {
      ModelVersion damaged = register(registry, "right");
      overwrite(registry.files().blob(Digest.ofText("right")), "wrong");

      ModelVersion sound = register(registry, "right");

      sound.verify();
      assertThatThrownBy(damaged::verify).isInstanceOf(FormatException.class);
      assertThat(registry.files().blob(Digest.ofText("right"))).hasContent("right");
    }
  }

  @Test
  void noticesADamagedReport() throws IOException {
    try (var registry = ModelRegistry.open(folder)) {
      ModelVersion version =
          registry
              .registration("m", TestModels.folder(temp, "a"))
              .report(TestModels.report(Map.of("f1", 0.5)))
              .register();
      overwrite(registry.files().blob(version.report().orElseThrow()), "{}");

      assertThatThrownBy(() -> registry.report(version))
          .isInstanceOf(FormatException.class)
          .hasMessageContaining("got " + Digest.ofText("{}"));
      assertThat(registry.verify().problems()).hasSize(1);
    }
  }

  @Test
  void registersNothingFromAFolderItCannotTake() throws IOException {
    try (var registry = ModelRegistry.open(folder)) {
      Path empty = Files.createDirectory(temp.resolve("empty"));
      refuses(registry, empty, "empty; expected at least one file");
      refuses(registry, temp.resolve("absent"), "not a folder; expected one with model files");
      Path linked = TestModels.folder(temp, "a");
      Files.createSymbolicLink(linked.resolve("passwords"), Path.of("/etc/passwd"));
      refuses(registry, linked, "passwords: neither file nor folder");
      Path odd = TestModels.folder(temp, "a");
      Files.writeString(odd.resolve("two\nlines"), "x");
      refuses(registry, odd, "two?lines: control characters");

      assertThat(registry.models()).isEmpty();
      assertThat(folder.resolve("staging")).isEmptyDirectory();
      assertThat(folder.resolve("models")).isEmptyDirectory();
    }
  }

  private static void refuses(ModelRegistry registry, Path source, String why) {
    assertThatThrownBy(() -> registry.registration("m", source).register())
        .isInstanceOf(FormatException.class)
        .hasMessageContaining(why);
  }

  @Test
  void collectsWhatADeadRegistrationLeft() throws IOException {
    try (var registry = ModelRegistry.open(folder)) {
      ModelVersion version = register(registry, "a");
      Path dead = Files.createDirectory(folder.resolve("staging/dead"));
      Files.setLastModifiedTime(dead, FileTime.from(Instant.now().minusSeconds(7200)));
      Path alive = Files.createDirectory(folder.resolve("staging/alive"));
      Files.createDirectories(folder.resolve("models/fine-tuned/m/2"));
      Files.createDirectories(folder.resolve("versions/gone/1"));
      Path foreign = Files.createDirectories(folder.resolve("models/base/Not a Model/1"));
      Path orphan = registry.files().blob(Digest.ofText("orphan"));
      Files.createDirectories(orphan.getParent());
      Files.writeString(orphan, "orphan");

      assertThat(registry.collectGarbage()).isEqualTo(new GarbageCollected(1, 2, 1));

      assertThat(dead).doesNotExist();
      assertThat(alive).exists();
      assertThat(foreign).exists();
      assertThat(orphan).doesNotExist();
      version.verify();
      assertThat(registry.verify().problems()).isEmpty();
    }
  }

  @Test
  void aNewVersionReplacesWhatADeadRegistrationLeftInItsPlace() throws IOException {
    try (var registry = ModelRegistry.open(folder)) {
      Files.createDirectories(folder.resolve("models/base/m/1"));
      Files.writeString(folder.resolve("models/base/m/1/half.bin"), "half");

      register(registry, "whole").verify();
    }
  }
}
