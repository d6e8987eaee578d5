package io.athanor.registry;

import static org.assertj.core.api.Assertions.assertThat;

import io.athanor.api.registry.ModelKind;
import io.athanor.api.registry.ModelVersion;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A registry that the first schema made is opened by this library. */
final class MigrationTest {
  @TempDir private Path temp;

  @Test
  void keepsTheVersionsOfTheFirstSchema() throws Exception {
    Path folder = temp.resolve("registry");
    ModelVersion written = FirstSchema.registry(folder, "m", TestModels.folder(temp, "weights"));

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
}
