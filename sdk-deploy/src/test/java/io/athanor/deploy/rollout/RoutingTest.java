package io.athanor.deploy.rollout;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.athanor.api.data.Row;
import io.athanor.api.deploy.Answer;
import io.athanor.api.error.BackendException;
import io.athanor.api.error.FormatException;
import io.athanor.deploy.serve.OutOfTime;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.Test;

/** Who gets whose answer, and that everybody gets one. */
class RoutingTest {
  private static final Duration SHORT = Duration.ofMillis(1);

  private final TestTime time = new TestTime();
  private final ScriptedModel champion = new ScriptedModel(1, time);
  private final ScriptedModel candidate = new ScriptedModel(2, time);

  private RolloutDeployment at(Strategy strategy) {
    return at(strategy, Duration.ofMillis(20));
  }

  private RolloutDeployment at(Strategy strategy, Duration patience) {
    RolloutDeployment live =
        Rollout.of("spam-filter", "production")
            .strategy(strategy)
            .clock(time)
            .nanoClock(time::nanos)
            .seed(11)
            .patience(patience)
            .byHand(Runnable::run)
            .begin(champion, candidate);
    live.rollout().tick();
    return live;
  }

  private RolloutDeployment at(double share) {
    return at(Strategy.canary().step(share, Duration.ofHours(1), 0));
  }

  private static final Duration WINDOW = Duration.ofSeconds(60);

  private Readings ofCandidate(RolloutDeployment live) {
    return live.rollout().traffic().candidate(WINDOW);
  }

  @Test
  void theShareOfRequestsGoesToTheCandidate() {
    RolloutDeployment live = at(0.1);
    for (int i = 0; i < 5_000; i++) {
      live.predict("hello");
    }
    assertThat(candidate.asked.get() / 5_000.0).isCloseTo(0.1, within(0.02));
    assertThat(champion.asked.get() + candidate.asked.get()).isEqualTo(5_000);
    assertThat(live.stats().answered()).isEqualTo(5_000);
  }

  @Test
  void whoHasTheCandidateKeepsItAsTheShareGrows() {
    Set<Integer> before = new HashSet<>();
    for (double share : new double[] {0, 0.01, 0.1, 0.5, 0.9, 1}) {
      RolloutDeployment live =
          Rollout.of("spam-filter", "production")
              .strategy(Strategy.canary().step(share, Duration.ofHours(1), 0))
              .nanoClock(time::nanos)
              .byHand(Runnable::run)
              .begin(champion, candidate);
      live.rollout().tick();
      Set<Integer> now = new HashSet<>();
      for (int user = 0; user < 2_000; user++) {
        if (live.forKey("user-" + user).predict("hello").version().equals("2")) {
          now.add(user);
        }
      }
      assertThat(now).containsAll(before);
      assertThat(now.size() / 2_000.0).isCloseTo(share, within(0.03));
      before = now;
    }
    assertThat(before).hasSize(2_000);
  }

  @Test
  void theSameKeyAlwaysHasTheSameModelAndOtherRolloutsChooseOthers() {
    Shares one = new Shares("a", 1);
    Shares other = new Shares("b", 1);
    int differ = 0;
    for (int i = 0; i < 1_000; i++) {
      assertThat(one.of("k" + i)).isEqualTo(new Shares("a", 2).of("k" + i)).isBetween(0.0, 1.0);
      differ += (one.of("k" + i) < 0.5) != (other.of("k" + i) < 0.5) ? 1 : 0;
    }
    assertThat(differ).isBetween(400, 600);
  }

  /** The places of keys are part of what a rollout promises across restarts and releases. */
  @Test
  void thePlacesOfKeysDoNotChangeBetweenReleases() throws Exception {
    byte[] digest =
        java.security.MessageDigest.getInstance("SHA-256")
            .digest("salt\0user-42".getBytes(java.nio.charset.StandardCharsets.UTF_8));
    long high = 0;
    for (int i = 0; i < 8; i++) {
      high = high << 8 | (digest[i] & 0xff);
    }
    assertThat(new Shares("salt", 0).of("user-42")).isEqualTo((high >>> 11) / (double) (1L << 53));
  }

  @Test
  void whatTheCandidateFailsToAnswerTheChampionAnswers() {
    RolloutDeployment live = at(1);
    candidate.failing = true;
    for (int i = 0; i < 50; i++) {
      assertThat(live.predict("hello").version()).isEqualTo("1");
    }
    assertThat(live.predictAll(List.of(ScriptedModel.row("a"), ScriptedModel.row("b"))))
        .extracting(Answer::version)
        .containsExactly("1", "1");
    assertThat(ofCandidate(live).failed()).isEqualTo(51);
    assertThat(live.stats().failed()).isZero();
    assertThat(live.stats().answered()).isEqualTo(51);
  }

  @Test
  void whoDoesNotWaitLongerForTheCandidateGetsTheChampionsAnswer() {
    RolloutDeployment live = at(1);
    candidate.hanging = true;
    assertThat(live.predict("hello").version()).isEqualTo("1");
    assertThat(live.predictAsync(ScriptedModel.row("hello")).join().version()).isEqualTo("1");
    assertThat(ofCandidate(live).failed()).isEqualTo(2);
  }

  @Test
  void whatTheCallerHadNoTimeForIsTheCandidatesFailureAndWhatHeDidNotWantIsNot() {
    Strategy canary = Strategy.canary().step(1, Duration.ofHours(1), 0);
    RolloutDeployment live = at(canary, Duration.ofHours(1));
    candidate.hanging = true;
    CompletableFuture<Answer> late = live.predictAsync(ScriptedModel.row("hello"));
    late.completeExceptionally(new OutOfTime());
    CompletableFuture<Answer> unwanted = live.predictAsync(ScriptedModel.row("hello"));
    unwanted.cancel(true);
    assertThat(ofCandidate(live).failed()).isEqualTo(1);
    assertThat(ofCandidate(live).ended()).isEqualTo(1);
    assertThat(champion.asked).as("nobody waits for its answer").hasValue(0);
  }

  @Test
  void futuresFallBackToo() {
    RolloutDeployment live = at(1);
    assertThat(live.predictAsync(ScriptedModel.row("hello")).join().version()).isEqualTo("2");
    candidate.failing = true;
    assertThat(live.predictAsync(ScriptedModel.row("hello")).join().version()).isEqualTo("1");
    candidate.close();
    assertThat(live.predictAsync(ScriptedModel.row("hello")).join().version()).isEqualTo("1");
    assertThat(ofCandidate(live).failed()).isEqualTo(2);
    assertThat(ofCandidate(live).ended()).isEqualTo(3);
  }

  @Test
  void aBadRequestIsNobodysFault() {
    RolloutDeployment live = at(1);
    Row malformed = ScriptedModel.row("malformed");
    assertThatThrownBy(() -> live.predict(malformed)).isInstanceOf(FormatException.class);
    assertThatThrownBy(() -> live.predictAsync(malformed)).isInstanceOf(FormatException.class);
    assertThatThrownBy(() -> live.predictAll(List.of(malformed)))
        .isInstanceOf(FormatException.class);
    assertThat(ofCandidate(live).failed()).isZero();
    assertThat(ofCandidate(live).ended()).isZero();
    assertThat(live.stats().failed()).isZero();
  }

  @Test
  void whereBothFailTheCallerHearsOfTheChampionsFailure() {
    RolloutDeployment live = at(1);
    candidate.failing = true;
    champion.failing = true;
    assertThatThrownBy(() -> live.predict("hello"))
        .hasRootCauseInstanceOf(BackendException.class)
        .hasMessageContaining("out of order");
    assertThat(live.stats().failed()).isEqualTo(1);
    assertThat(live.predictAsync(ScriptedModel.row("hello"))).isCompletedExceptionally();
  }

  @Test
  void nobodySeesAShadow() {
    RolloutDeployment live = at(Strategy.shadow(1, Duration.ofHours(1), 0));
    candidate.label = row -> "ham";
    List<String> pairs = Collections.synchronizedList(new ArrayList<>());
    live.onCompared(
        (key, one, other) ->
            pairs.add(
                key.orElse("-")
                    + " "
                    + one.label()
                    + one.version()
                    + " "
                    + other.label()
                    + other.version()));
    assertThat(live.predict("hello").version()).isEqualTo("1");
    assertThat(live.forKey("mail-7").predictAsync(ScriptedModel.row("hello")).join().version())
        .isEqualTo("1");
    assertThat(pairs).containsExactly("- spam1 ham2", "mail-7 spam1 ham2");

    candidate.failing = true;
    assertThat(live.predict("hello").version()).isEqualTo("1");
    assertThat(ofCandidate(live).failed()).isEqualTo(1);
    candidate.hanging = true;
    CompletableFuture<Answer> other = live.predictAsync(ScriptedModel.row("hello"));
    assertThat(other).isCompleted();
    assertThat(live.stats().failed()).isZero();
  }

  @Test
  void hangingShadowsDoNotPileUp() {
    RolloutDeployment live = at(Strategy.shadow(1, Duration.ofHours(1), 0));
    candidate.hanging = true;
    for (int i = 0; i < 1_000; i++) {
      live.predict("hello");
    }
    assertThat(candidate.asked.get()).isBetween(64L, 900L);
    assertThat(live.stats().answered()).isEqualTo(1_000);
  }

  @Test
  void aShareOfTheCanarysRequestsIsComparedEitherWay() {
    RolloutDeployment live = at(Strategy.canary().step(0.5, Duration.ofHours(1), 0).comparing(0.2));
    List<String> pairs = Collections.synchronizedList(new ArrayList<>());
    live.onCompared((key, one, other) -> pairs.add(one.version() + other.version()));
    for (int i = 0; i < 2_000; i++) {
      live.predict("hello");
    }
    assertThat(pairs).containsOnly("12");
    assertThat(pairs.size() / 2_000.0).isCloseTo(0.2, within(0.03));
    assertThat(champion.asked.get() + candidate.asked.get()).isEqualTo(2_000 + pairs.size());
  }

  @Test
  void labelsThatComeLaterJudgeThePairsTheyBelongTo() {
    RolloutDeployment live = at(Strategy.shadow(1, Duration.ofHours(1), 0));
    QualityGuard quality = QualityGuard.noWorseBy(0.05, 0.05);
    PairedFeedback<Answer, String> feedback =
        PairedFeedback.to(quality, (answer, truth) -> answer.label().equals(truth) ? 1 : 0);
    live.onCompared(feedback);
    candidate.label = row -> "ham";
    for (int mail = 0; mail < 20; mail++) {
      live.forKey("mail-" + mail).predict("win");
    }
    assertThat(feedback.truth("mail-99", "spam")).isFalse();
    for (int mail = 0; mail < 20; mail++) {
      assertThat(feedback.truth("mail-" + mail, "spam")).isTrue();
    }
    assertThat(feedback.truth("mail-3", "spam")).as("each pair counts once").isFalse();
    assertThat(quality.finding().kind()).isEqualTo(Finding.Kind.BAD);
  }

  @Test
  void aTruthMayComeBeforeTheSecondAnswer() {
    QualityGuard quality = QualityGuard.noWorseBy(0.05, 0.05);
    PairedFeedback<String, String> feedback =
        PairedFeedback.to(quality, (answer, truth) -> answer.equals(truth) ? 1 : 0);
    assertThat(feedback.truth("mail-1", "spam")).isFalse();
    feedback.answered(Optional.of("mail-1"), "spam", "ham");
    assertThat(quality.finding().reason()).contains("differs by -1.0000 in 1 comparisons");
  }

  @Test
  void feedbackForgetsTheOldestPairs() {
    PairedFeedback<Integer, Integer> feedback =
        PairedFeedback.to(QualityGuard.noWorseBy(0.05, 0.05), (a, b) -> 1);
    for (int i = 0; i <= 10_000; i++) {
      feedback.answered(Optional.of("k" + i), 1, 1);
    }
    assertThat(feedback.truth("k0", 1)).isFalse();
    assertThat(feedback.truth("k1", 1)).isTrue();
  }

  @Test
  void closingClosesBothAndEndsNothingElse() {
    RolloutDeployment live = at(0.5);
    live.close();
    live.close();
    assertThat(champion.closed.get()).isPositive();
    assertThat(candidate.closed.get()).isPositive();
    assertThat(live.rollout().state().phase().ended()).isFalse();
    assertThatThrownBy(() -> live.predict("hello"))
        .isInstanceOf(IllegalStateException.class)
        .hasMessage("deployment is closed");
  }

  @Test
  void theLoserIsClosedOnlyWhenNobodyNeedsItAnyMore() {
    RolloutDeployment live = at(1);
    candidate.hanging = true;
    CompletableFuture<Answer> open = live.predictAsync(ScriptedModel.row("hello"));
    live.rollout().control().rollBack("slow");
    live.rollout().tick();
    int early = candidate.closed.get();
    assertThat(open.join().version()).isEqualTo("1");
    live.rollout().tick();
    assertThat(early).isZero();
    assertThat(candidate.closed).hasValue(1);
  }
}
