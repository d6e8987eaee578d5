package io.athanor.deploy.rollout;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.athanor.api.deploy.RolloutPhase;
import io.athanor.api.deploy.RolloutState;
import io.athanor.api.error.ConflictException;
import io.athanor.api.error.NotFoundException;
import io.athanor.api.error.ValidationException;
import io.athanor.api.registry.Principal;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The course of a rollout, with time and guards in the test's hands. */
class RolloutTest extends RolloutSetting {
  @Test
  void goesStepByStepWhenTimeAndRequestsAreReachedAndPromotesAtTheEnd() {
    RolloutDeployment live = begin();
    assertThat(live.rollout().state().phase()).isEqualTo(RolloutPhase.CHECKING);
    assertThat(tick(live)).isEqualTo(RolloutPhase.RUNNING);

    ask(live, 300);
    tick(live);
    assertThat(live.rollout().state().step()).as("the minute is not over").isZero();
    time.pass(MINUTE);
    tick(live);
    assertThat(live.rollout().state().step()).isEqualTo(1);

    time.pass(MINUTE);
    tick(live);
    assertThat(live.rollout().state().step()).as("nobody has asked").isEqualTo(1);
    ask(live, 40);
    assertThat(tick(live)).isEqualTo(RolloutPhase.PROMOTED);

    assertThat(live.predict("hello").version()).isEqualTo("2");
    assertThat(live.model().version()).isEqualTo("2");
    assertThat(heard)
        .extracting(s -> s.phase() + " " + s.step() + " " + s.reason())
        .containsExactly(
            "RUNNING 0 nothing is to be checked",
            "RUNNING 1 step 0 is done and no guard objects",
            "PROMOTING 1 step 1 is done and no guard objects",
            "PROMOTED 1 step 1 is done and no guard objects");
    assertThat(heard).extracting(RolloutState::revision).containsExactly(2L, 3L, 4L, 5L);
    assertThat(heard).extracting(RolloutState::by).containsOnly(ANN);
  }

  @Test
  void everyMovementIsInTheTable() {
    assertThat(RolloutPhase.CHECKING.next())
        .containsExactlyInAnyOrder(
            RolloutPhase.RUNNING, RolloutPhase.PROMOTING, RolloutPhase.ROLLED_BACK);
    assertThat(RolloutPhase.PROMOTING.next())
        .containsExactlyInAnyOrder(RolloutPhase.PROMOTED, RolloutPhase.PAUSED);
    assertThat(RolloutPhase.PROMOTED.ended()).isTrue();
    assertThat(RolloutPhase.ROLLED_BACK.ended()).isTrue();
    RolloutDeployment live = begin();
    assertThatThrownBy(
            () ->
                live.rollout().state().moved(RolloutPhase.PROMOTED, 0, "jump", ANN, time.instant()))
        .isInstanceOf(ConflictException.class)
        .hasMessageContaining(
            "The rollout of spam-filter:2 to spam-filter@production is CHECKING and cannot become"
                + " PROMOTED");
  }

  @Test
  void aGuardThatWaitsHoldsTheStep() {
    RolloutDeployment live = begin();
    tick(live);
    ask(live, 300);
    time.pass(MINUTE);
    opinion = Finding.undecided("too little is known");
    tick(live);
    assertThat(live.rollout().state().step()).isZero();
    assertThat(live.rollout().findings()).containsEntry("opinion", opinion);
    opinion = Finding.good("fine");
    tick(live);
    assertThat(live.rollout().state().step()).isEqualTo(1);
  }

  @Test
  void aBadFindingGivesAllTrafficBackForGood() {
    ScriptedModel candidate = model(2);
    RolloutDeployment live = builder(store).begin(model(1), candidate);
    tick(live);
    opinion = Finding.bad("it invents things");
    assertThat(tick(live)).isEqualTo(RolloutPhase.ROLLED_BACK);
    assertThat(live.rollout().state().reason()).isEqualTo("opinion: it invents things");
    opinion = Finding.good("fine again");
    tick(live);
    assertThat(candidate.closed).hasValue(1);
    for (int i = 0; i < 100; i++) {
      assertThat(live.predict("hello").version()).isEqualTo("1");
    }
    assertThat(store.read("spam-filter", "production")).contains(live.rollout().state());
  }

  @Test
  void aGuardThatFailsStopsTheRolloutFromGoingOn() {
    RolloutDeployment live =
        builder(store)
            .guard(
                LimitGuard.of(
                    "drift",
                    () -> {
                      throw new IllegalStateException("no sketch");
                    },
                    0.1,
                    0.25))
            .begin(model(1), model(2));
    tick(live);
    ask(live, 300);
    time.pass(MINUTE);
    tick(live);
    assertThat(live.rollout().state().step()).isZero();
    assertThat(live.rollout().findings().get("drift").reason()).contains("no sketch");
  }

  @Test
  void theCandidateGetsNoTrafficBeforeItIsHealthy() {
    ScriptedModel candidate = model(2);
    candidate.failing = true;
    RolloutDeployment live =
        builder(store)
            .strategy(Strategy.blueGreen(MINUTE, 0))
            .healthCheck("answers", () -> candidate.predict("hello"))
            .begin(model(1), candidate);
    assertThat(tick(live)).isEqualTo(RolloutPhase.CHECKING);
    assertThat(live.predict("hello").version()).isEqualTo("1");
    candidate.failing = false;
    time.pass(Duration.ofSeconds(1));
    assertThat(tick(live)).isEqualTo(RolloutPhase.RUNNING);
    assertThat(live.predict("hello").version()).isEqualTo("2");
  }

  @Test
  void threeFailedHealthChecksRollBack() {
    ScriptedModel candidate = model(2);
    candidate.failing = true;
    RolloutDeployment live =
        builder(store)
            .healthCheck("answers", () -> candidate.predict("hello"))
            .begin(model(1), candidate);
    for (int i = 0; i < 2; i++) {
      assertThat(tick(live)).isEqualTo(RolloutPhase.CHECKING);
      time.pass(Duration.ofSeconds(1));
    }
    assertThat(tick(live)).isEqualTo(RolloutPhase.ROLLED_BACK);
    assertThat(live.rollout().state().reason()).startsWith("answers: failed 3 times in a row");
  }

  @Test
  void immediateMovesEverythingAtOnce() {
    List<String> done = new ArrayList<>();
    ScriptedModel champion = model(1);
    RolloutDeployment live =
        builder(store)
            .strategy(Strategy.immediate())
            .promotion(state -> done.add(state.candidate() + " " + state.phase()))
            .begin(champion, model(2));
    assertThat(tick(live)).isEqualTo(RolloutPhase.PROMOTED);
    assertThat(done).containsExactly("spam-filter:2 PROMOTING");
    assertThat(live.predict("hello").version()).isEqualTo("2");
    assertThat(champion.closed).hasValue(1);
  }

  @Test
  void aRefusedPromotionPausesAndMayBeTriedAgain() {
    List<String> problems = new ArrayList<>(List.of("nobody approved it"));
    RolloutDeployment live =
        builder(store)
            .strategy(Strategy.blueGreen(Duration.ZERO, 0))
            .promotion(
                state -> {
                  if (!problems.isEmpty()) {
                    throw new ValidationException("promotion", problems);
                  }
                })
            .begin(model(1), model(2));
    tick(live);
    assertThat(tick(live)).isEqualTo(RolloutPhase.PAUSED);
    assertThat(live.rollout().state().reason())
        .startsWith("promotion was refused")
        .contains("nobody approved it");
    assertThat(live.predict("hello").version()).as("keeps its step").isEqualTo("2");
    problems.clear();
    live.rollout().control().promote("approved now");
    assertThat(tick(live)).isEqualTo(RolloutPhase.PROMOTED);
    assertThat(live.rollout().state().reason()).isEqualTo("approved now");
  }

  @Test
  void aRefusedPromotionAtOnceMayBeResumed() {
    List<String> problems = new ArrayList<>(List.of("nobody approved it"));
    RolloutDeployment live =
        builder(store)
            .strategy(Strategy.immediate())
            .promotion(
                state -> {
                  if (!problems.isEmpty()) {
                    throw new ValidationException("promotion", problems);
                  }
                })
            .begin(model(1), model(2));
    assertThat(tick(live)).isEqualTo(RolloutPhase.PAUSED);
    assertThat(live.predict("hello").version()).isEqualTo("1");
    problems.clear();
    live.rollout().control().resume("approved now");
    assertThat(tick(live)).isEqualTo(RolloutPhase.PROMOTED);
  }

  @Test
  void peopleMayPauseResumeAdvanceAndRollBackFromElsewhere() {
    RolloutDeployment live = begin();
    RolloutControl control =
        RolloutControl.of(store, "spam-filter", "production", new Principal("bob"));
    tick(live);
    control.pause("lunch");
    ask(live, 300);
    time.pass(MINUTE);
    assertThat(tick(live)).isEqualTo(RolloutPhase.PAUSED);
    time.pass(MINUTE);
    assertThat(tick(live)).isEqualTo(RolloutPhase.PAUSED);
    assertThatThrownBy(() -> control.pause("again"))
        .isInstanceOf(ConflictException.class)
        .hasMessageContaining("is PAUSED and cannot become PAUSED");
    control.resume("back");
    assertThat(tick(live)).isEqualTo(RolloutPhase.RUNNING);
    assertThatThrownBy(() -> control.resume("again")).hasMessageContaining("nothing to resume");
    control.advance("looks good");
    tick(live);
    assertThat(live.rollout().state().step()).isEqualTo(1);
    assertThat(live.rollout().state().by()).isEqualTo(new Principal("bob"));
    control.rollBack("complaints");
    assertThat(tick(live)).isEqualTo(RolloutPhase.ROLLED_BACK);
    assertThat(live.rollout().state().reason()).isEqualTo("complaints");
    assertThatThrownBy(() -> control.promote("no, better"))
        .isInstanceOf(ConflictException.class)
        .hasMessageContaining("it can become nothing else, begin another rollout");
  }

  @Test
  void thePausedCandidateIsStillGuarded() {
    RolloutDeployment live = begin();
    tick(live);
    live.rollout().control().pause("lunch");
    tick(live);
    opinion = Finding.bad("slow");
    assertThat(tick(live)).isEqualTo(RolloutPhase.ROLLED_BACK);
  }

  @Test
  void aListenerThatFailsHarmsNobody() {
    RolloutDeployment live =
        builder(store)
            .listener(
                state -> {
                  throw new IllegalStateException("deaf");
                })
            .begin(model(1), model(2));
    assertThat(tick(live)).isEqualTo(RolloutPhase.RUNNING);
  }

  @Test
  void refusesWhatCannotBe() {
    assertThatThrownBy(() -> RolloutControl.of(store, "x", "production", ANN).state())
        .isInstanceOf(NotFoundException.class);
    assertThatThrownBy(() -> builder(store).guard(new Opinion()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("name must be new, got 'opinion' again");
    assertThatThrownBy(() -> Rollout.of("No Name", "production"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("model must be 1 to 100 of the characters");
    assertThatThrownBy(() -> builder(store).patience(Duration.ZERO))
        .hasMessage("patience must be above 0, up to 1 hour, got PT0S");
    assertThatThrownBy(() -> builder(store).begin(model(1), model(1)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("champion and candidate must be two versions");
  }

  @Test
  void strategiesAreKeptAndHaveSense() {
    Strategy all = Strategy.shadow(0.2, MINUTE, 5).then(CANARY).comparing(0.3);
    assertThat(StrategyJson.read("test", StrategyJson.write(all))).isEqualTo(all);
    assertThat(all.steps()).extracting(Strategy.Step::compared).containsOnly(0.3);
    assertThatThrownBy(() -> CANARY.step(0.2, MINUTE, 0))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("share must not fall from step to step, got 0.5 and then 0.2");
    assertThatThrownBy(() -> Strategy.canary().step(1.2, MINUTE, 0))
        .hasMessage("share must be 0 to 1, got 1.2");
    assertThatThrownBy(() -> Strategy.canary().step(0, MINUTE, 1))
        .hasMessageContaining("would wait for ever");
    assertThatThrownBy(() -> StrategyJson.read("test", "{\"steps\":[{\"share\":2}]}"))
        .isInstanceOf(io.athanor.api.error.FormatException.class);
  }
}
