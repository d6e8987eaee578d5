package io.athanor.registry;

import static org.assertj.core.api.Assertions.assertThat;

import io.athanor.api.registry.DeploymentRecord;
import io.athanor.api.registry.ModelVersion;
import io.athanor.tck.fixture.TestClock;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Deployments that are told of when they are over already. */
class DeploymentLogTest extends RegistryContract {
  private static final Instant NOON = Instant.parse("2026-01-01T12:00:00Z");

  @TempDir private Path temp;
  private final TestClock clock = TestClock.at(NOON);
  private ModelRegistry registry;
  private ModelVersion version;

  @BeforeEach
  void open() {
    registry = store.in(temp.resolve("registry")).clock(clock).open();
    version = registry.registration("m", TestModels.folder(temp, "a")).register();
  }

  @AfterEach
  void close() {
    registry.close();
  }

  @Test
  void keepsTheTimesThatItIsToldLater() {
    clock.advance(Duration.ofHours(2));
    Instant since = NOON.plus(Duration.ofMinutes(10));

    DeploymentRecord begun =
        registry.deployments().begin(version, "production", "host-1", since.plusNanos(1));
    registry.deployments().end(begun, NOON.plus(Duration.ofMinutes(50)));

    assertThat(begun.since()).isEqualTo(since);
    assertThat(registry.deployments().live()).isEmpty();
    assertThat(registry.deployments().asOf(NOON)).isEmpty();
    assertThat(registry.deployments().asOf(NOON.plus(Duration.ofMinutes(49))))
        .extracting(DeploymentRecord::since)
        .containsExactly(since);
    assertThat(registry.deployments().asOf(NOON.plus(Duration.ofMinutes(50)))).isEmpty();
  }

  @Test
  void takesATimeToComeAsNow() {
    Instant tomorrow = NOON.plus(Duration.ofDays(1));

    DeploymentRecord begun =
        registry.deployments().begin(version, "production", "host-1", tomorrow);
    registry.deployments().end(begun, tomorrow);

    assertThat(registry.deployments().of(version.id()))
        .singleElement()
        .satisfies(
            record -> {
              assertThat(record.since()).isEqualTo(NOON);
              assertThat(record.until()).contains(NOON);
            });
  }
}
