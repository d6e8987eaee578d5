package io.athanor.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.athanor.api.error.ConflictException;
import io.athanor.api.error.ValidationException;
import io.athanor.api.registry.AliasMove;
import io.athanor.api.registry.ModelVersion;
import io.athanor.tck.fixture.TestClock;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AliasTest extends RegistryContract {
  @TempDir private Path temp;
  private final TestClock clock = TestClock.standing();
  private ModelRegistry registry;

  @BeforeEach
  void open() {
    registry = store.in(temp.resolve("registry")).clock(clock).open();
  }

  @AfterEach
  void everythingIsInOrder() {
    assertThat(registry.verify().problems()).isEmpty();
    registry.close();
  }

  private ModelVersion register() {
    return registry.registration("m", TestModels.folder(temp, "a")).register();
  }

  private ModelVersion gated(boolean passed) {
    return registry
        .registration("m", TestModels.folder(temp, "a"))
        .report(TestModels.gated(Map.of("f1", 0.5), passed))
        .register();
  }

  @Test
  void movesOnApplyAndNotBefore() {
    ModelVersion first = gated(true);
    AliasChange promotion = registry.promote(first, "production");

    assertThat(promotion.plan().toString()).isEqualTo("Alias 'production' of m: no version -> m:1");
    assertThat(registry.aliases("m")).isEmpty();

    promotion.apply();
    assertThat(registry.alias("m", "production")).isEqualTo(first);
  }

  @Test
  void tellsWhatAnAliasPointedToAtAnyTime() {
    Instant start = clock.instant();
    ModelVersion first = register();
    ModelVersion second = register();
    registry.promote(first, "production").apply();
    clock.advance(Duration.ofHours(1));
    registry.promote(second, "production").because("better on new mail").apply();
    clock.advance(Duration.ofHours(1));
    registry.withdraw("m", "production").apply();

    assertThat(registry.aliasAt("m", "production", start.minusSeconds(1))).isEmpty();
    assertThat(registry.aliasAt("m", "production", start)).contains(first.id());
    assertThat(registry.aliasAt("m", "production", start.plusSeconds(3599))).contains(first.id());
    assertThat(registry.aliasAt("m", "production", start.plusSeconds(3600))).contains(second.id());
    assertThat(registry.aliasAt("m", "production", start.plusSeconds(7200))).isEmpty();
    assertThat(registry.aliasHistory("m", "production").get(1))
        .isEqualTo(
            new AliasMove(
                "production",
                Optional.of(first.id()),
                Optional.of(second.id()),
                start.plusSeconds(3600),
                "better on new mail"));
  }

  @Test
  void historyStaysInOrderWhenTheClockGoesBack() {
    Instant start = clock.instant();
    registry.promote(register(), "production").apply();
    clock.advance(Duration.ofHours(-1));
    ModelVersion second = register();
    registry.promote(second, "production").apply();

    assertThat(registry.aliasHistory("m", "production"))
        .extracting(AliasMove::at)
        .containsExactly(start, start);
    assertThat(registry.aliasAt("m", "production", start)).contains(second.id());
  }

  @Test
  void losesNoMoveOfAnotherProcess() {
    ModelVersion first = register();
    ModelVersion second = register();
    AliasChange slow = registry.promote(first, "production");
    try (var other = store.in(temp.resolve("registry")).clock(clock).open()) {
      other.promote(second, "production").apply();
    }

    assertThatThrownBy(slow::apply)
        .isInstanceOfSatisfying(ConflictException.class, e -> assertThat(e.retryable()).isTrue())
        .hasMessage(
            "Alias 'production' of m has been moved meanwhile:"
                + " expected no version, found m:2. Plan again");
    assertThat(registry.alias("m", "production")).isEqualTo(second);
  }

  @Test
  void comparesWithWhatTheCallerExpects() {
    ModelVersion first = register();
    ModelVersion second = register();
    registry.promote(first, "production").apply();

    assertThatThrownBy(() -> registry.promote(second, "production").expectingNone().apply())
        .isInstanceOf(ConflictException.class)
        .hasMessageContaining("expected no version, found m:1");
    assertThatThrownBy(() -> registry.promote(second, "production").expecting(second).apply())
        .isInstanceOf(ConflictException.class);
    registry.promote(second, "production").expecting(first).apply();
    assertThat(registry.alias("m", "production")).isEqualTo(second);
  }

  @Test
  void refusesAVersionThatDidNotPassItsGates() {
    ModelVersion bad = gated(false);
    AliasChange promotion = registry.promote(bad, "production");

    assertThat(promotion.plan().refusals()).containsExactly("f1 at least 0.9: f1 is 0.5, too low");
    assertThatThrownBy(promotion::apply)
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("f1 is 0.5, too low")
        .hasMessageContaining("overriding(reason)");
    assertThat(registry.aliases("m")).isEmpty();

    AliasChange overriding = promotion.overriding("only one customer, on request");
    assertThat(overriding.plan().warnings())
        .containsExactly("overridden: f1 at least 0.9: f1 is 0.5, too low");
    overriding.apply();
    assertThat(registry.aliasHistory("m", "production").get(0).reason())
        .isEqualTo("overriding: only one customer, on request");
  }

  @Test
  void warnsOfVersionsThatNobodyJudged() {
    assertThat(registry.promote(register(), "production").plan().warnings())
        .containsExactly("m:1 has no evaluation report");
    ModelVersion ungated =
        registry
            .registration("m", TestModels.folder(temp, "a"))
            .report(TestModels.report(Map.of("f1", 0.5)))
            .register();
    assertThat(registry.promote(ungated, "production").plan().warnings())
        .containsExactly("m:2 was evaluated without gates");
  }

  @Test
  void refusesToDeleteWhatSomethingPointsTo() {
    ModelVersion parent = register();
    ModelVersion child =
        registry.registration("m", TestModels.folder(temp, "b")).parent(parent).register();
    registry.promote(parent, "production").apply();

    Deletion deletion = registry.delete(parent);

    assertThat(deletion.plan().possible()).isFalse();
    assertThat(deletion.plan().aliases()).containsExactly("production");
    assertThat(deletion.plan().children()).containsExactly(child.id());
    assertThatThrownBy(deletion::apply)
        .isInstanceOf(ConflictException.class)
        .hasMessageContaining("refused: alias 'production' points to it")
        .hasMessageContaining("refused: m:2 was made from it");
    assertThat(registry.versions("m")).containsExactly(parent, child);

    registry.withdraw("m", "production").apply();
    registry.delete(child).apply();
    deletion.apply();
    assertThat(registry.models()).isEmpty();
  }

  @Test
  void refusesToPointToADeletedVersion() {
    ModelVersion version = register();
    AliasChange promotion = registry.promote(version, "production");
    registry.delete(version).apply();

    assertThatThrownBy(promotion::apply).hasMessageContaining("m");
    assertThat(registry.aliasHistory("m", "production")).isEmpty();
  }
}
