package io.athanor.deploy.rollout;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.athanor.api.deploy.RolloutPhase;
import io.athanor.api.deploy.RolloutState;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.StorageException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What people said of answers counts, though the process that heard it is gone. */
class KeptEvidenceTest extends RolloutSetting {
  private static final int LABELS_IN_A_LIFE = 7;
  private static final int MOST_LIVES = 100;

  @TempDir private Path temp;
  private RolloutDeployment live;

  private QualityGuard guard() {
    return QualityGuard.noWorseBy(0.05, 0.05).keptIn(temp.resolve("evidence"));
  }

  /** What a process knows that begins, or goes on. */
  private QualityGuard begun() {
    QualityGuard guard = guard();
    live = builder(store).guard(guard).begin(model(1), model(2));
    return guard;
  }

  private Path file() {
    return temp.resolve("evidence/spam-filter@production.comparisons");
  }

  @Test
  void killsBetweenLabelsChangeNoDecision() {
    SplittableRandom random = new SplittableRandom(3);
    QualityGuard unbroken = QualityGuard.noWorseBy(0.05, 0.05);
    int lives = 0;
    while (unbroken.finding().kind() != Finding.Kind.BAD && lives++ < MOST_LIVES) {
      QualityGuard restarted = begun();
      assertThat(restarted.finding()).isEqualTo(unbroken.finding());
      for (int label = 0; label < LABELS_IN_A_LIFE; label++) {
        double champion = random.nextInt(10) < 9 ? 1 : random.nextDouble();
        double candidate = random.nextInt(10) < 6 ? 1 : random.nextDouble();
        unbroken.compare(champion, candidate);
        restarted.compare(champion, candidate);
      }
      assertThat(restarted.finding()).isEqualTo(unbroken.finding());
    }
    assertThat(lives).as("lives until it was decided").isBetween(3, MOST_LIVES);

    begun();
    assertThat(tick(live)).isEqualTo(RolloutPhase.RUNNING);
    assertThat(tick(live)).isEqualTo(RolloutPhase.ROLLED_BACK);
    assertThat(live.rollout().state().reason())
        .isEqualTo("quality: " + unbroken.finding().reason());
  }

  @Test
  void anotherRolloutBeginsWithoutTheEvidenceOfTheLast() {
    begun().compare(1, 0);
    assertThat(begun().finding().reason()).contains("in 1 comparisons");
    live.rollout().control().rollBack("wrong");
    time.pass(MINUTE);

    QualityGuard fresh = guard();
    builder(store).guard(fresh).again().begin(model(1), model(2));
    assertThat(fresh.finding().reason()).contains("in 0 comparisons");
  }

  @Test
  void aLineThatAKillCutOffNeverWas() throws IOException {
    QualityGuard first = begun();
    first.compare(1, 0);
    Files.writeString(file(), "1.0 0.2", StandardOpenOption.APPEND);

    QualityGuard second = begun();
    assertThat(second.finding()).isEqualTo(first.finding());
    second.compare(1, 0.25);
    assertThat(begun().finding()).isEqualTo(second.finding());
    assertThat(Files.readAllLines(file())).hasSize(3).endsWith("1.0 0.0", "1.0 0.25");
  }

  @Test
  void saysWhatCannotBeRead() throws IOException {
    begun().compare(1, 0);
    for (String damage : new String[] {"1.0", "1.0 high", "1.0 1.5", "1.0 0.5 0", "", "NaN 0"}) {
      String content = Files.readString(file());
      Files.writeString(file(), content + damage + "\n");
      assertThatThrownBy(this::begun)
          .isInstanceOf(FormatException.class)
          .hasMessageContaining(
              file() + ", line 3: must be two scores from 0 to 1, got '" + damage + "'")
          .hasMessageContaining("Delete the file");
      Files.writeString(file(), content);
    }
  }

  @Test
  void whatIsTooMuchToReadIsNotWritten() throws IOException {
    begun();
    RolloutState rollout = live.rollout().state();
    long longest = Files.size(file()) + 3 * "1.0 0.0\n".length();
    Path folder = file().getParent();
    KeptComparisons kept = KeptComparisons.of(rollout, folder, longest, pair -> {});
    kept.add(1, 0);
    kept.add(1, 0);
    kept.add(1, 0.125); // too long by two
    kept.add(1, 0);
    assertThat(Files.size(file())).isLessThanOrEqualTo(longest);

    List<KeptComparisons.Pair> known = new ArrayList<>();
    KeptComparisons.of(rollout, folder, longest, known::add);
    assertThat(known).as("no gap").containsOnly(new KeptComparisons.Pair(1, 0)).hasSize(2);
  }

  @Test
  void aBeginningThatFailedLeavesNoEvidence() throws IOException {
    begun().compare(1, 0);
    String sound = Files.readString(file());
    Files.writeString(file(), sound + "damaged\n");
    QualityGuard guard = guard();
    RolloutBuilder builder = builder(store).guard(guard);
    assertThatThrownBy(() -> builder.begin(model(1), model(2))).isInstanceOf(FormatException.class);
    Files.writeString(file(), sound);

    builder.begin(model(1), model(2));
    assertThat(guard.finding().reason()).contains("in 1 comparisons");
  }

  @Test
  void saysWhereItCannotWrite() throws IOException {
    Files.writeString(temp.resolve("evidence"), "a file");
    assertThatThrownBy(this::begun)
        .isInstanceOf(StorageException.class)
        .hasMessageContaining("Check that the folder is writable");
  }
}
