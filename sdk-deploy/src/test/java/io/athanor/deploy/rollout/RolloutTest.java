package io.athanor.deploy.rollout;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.athanor.api.deploy.RolloutPhase;
import io.athanor.api.deploy.RolloutState;
import io.athanor.api.deploy.RolloutStore;
import io.athanor.api.error.ConflictException;
import io.athanor.api.error.NotFoundException;
import io.athanor.api.error.StorageException;
import io.athanor.api.error.ValidationException;
import io.athanor.api.registry.Principal;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** The course of a rollout, with time and guards in the test's hands. */
class RolloutTest {
  private static final Duration MINUTE = Duration.ofMinutes(1);
  private static final Principal ANN = new Principal("ann");
  private static final Strategy CANARY =
      Strategy.canary().step(0.1, MINUTE, 10).step(0.5, MINUTE, 10);

  private final TestTime time = new TestTime();
  private final RolloutStore store = new MemoryRollouts();
  private final List<RolloutState> heard = new ArrayList<>();
  private volatile Finding opinion = Finding.good("fine");

  private ScriptedModel model(int version) {
    return new ScriptedModel(version, time);
  }

  private final class Opinion implements Guard {
    @Override
    public String name() {
      return "opinion";
    }

    @Override
    public Finding judge(Traffic traffic) {
      return opinion;
    }
  }

  private RolloutBuilder builder(RolloutStore keeps) {
    return Rollout.of("spam-filter", "production")
        .strategy(CANARY)
        .guard(new Opinion())
        .store(keeps)
        .listener(heard::add)
        .clock(time)
        .nanoClock(time::nanos)
        .seed(7)
        .principal(ANN)
        .byHand(Runnable::run);
  }

  private RolloutDeployment begin() {
    return builder(store).begin(model(1), model(2));
  }

  private static void ask(RolloutDeployment live, int times) {
    for (int i = 0; i < times; i++) {
      live.predict("hello");
    }
  }

  private static RolloutPhase tick(RolloutDeployment live) {
    live.rollout().tick();
    return live.rollout().state().phase();
  }

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
  void goesOnAtItsStepAfterAKill() {
    RolloutDeployment killed = begin();
    tick(killed);
    ask(killed, 300);
    time.pass(MINUTE);
    tick(killed);
    assertThat(killed.rollout().state().step()).isEqualTo(1);

    RolloutDeployment again =
        builder(store).strategy(Strategy.immediate()).begin(model(1), model(2));
    assertThat(again.rollout().state()).isEqualTo(killed.rollout().state());
    assertThat(again.rollout().strategy())
        .as("what was begun, not what is asked for")
        .isEqualTo(CANARY);
    ask(again, 40);
    tick(again);
    assertThat(again.rollout().state().step()).isEqualTo(1);
    time.pass(MINUTE);
    assertThat(tick(again)).isEqualTo(RolloutPhase.PROMOTED);
  }

  @Test
  void finishesAPromotionThatAKillInterrupted() {
    RolloutDeployment killed = builder(store).begin(model(1), model(2));
    tick(killed);
    killed.rollout().control().promote("enough seen");
    List<String> done = new ArrayList<>();
    RolloutDeployment again =
        builder(store).promotion(state -> done.add(state.candidate())).begin(model(1), model(2));
    assertThat(tick(again)).isEqualTo(RolloutPhase.PROMOTED);
    assertThat(done).containsExactly("spam-filter:2");
  }

  @Test
  void whatWasRolledBackIsNotTriedAgainByARestart() {
    RolloutDeployment live = begin();
    live.rollout().control().rollBack("wrong");
    RolloutDeployment again = begin();
    assertThat(again.rollout().state().phase()).isEqualTo(RolloutPhase.ROLLED_BACK);
    assertThat(again.predict("hello").version()).isEqualTo("1");

    RolloutDeployment wanted = builder(store).again().begin(model(1), model(2));
    assertThat(wanted.rollout().state().phase()).isEqualTo(RolloutPhase.CHECKING);
    assertThat(wanted.rollout().state().revision()).isEqualTo(3);
  }

  @Test
  void anotherCandidateWaitsForTheEndOfTheFirst() {
    begin();
    assertThatThrownBy(() -> builder(store).begin(model(1), model(3)))
        .isInstanceOf(ConflictException.class)
        .hasMessage(
            "The rollout of spam-filter:2 to spam-filter@production is CHECKING. End it with its"
                + " control before spam-filter:3 is rolled out");
  }

  @Test
  void ofTwoProcessesOneAdvancesAndTheOtherFollows() {
    RolloutDeployment one = begin();
    RolloutDeployment two = begin();
    tick(one);
    tick(two);
    ask(one, 300);
    ask(two, 300);
    time.pass(MINUTE);
    tick(one);
    tick(two);
    assertThat(one.rollout().state()).isEqualTo(two.rollout().state());
    assertThat(one.rollout().state().step()).isEqualTo(1);
    assertThat(one.rollout().state().revision()).isEqualTo(3);

    opinion = Finding.bad("slow");
    tick(two);
    opinion = Finding.good("fine here");
    assertThat(tick(one)).isEqualTo(RolloutPhase.ROLLED_BACK);
  }

  /** A store in which somebody else always writes just before. */
  private static final class Contested implements RolloutStore {
    private final RolloutStore inner;
    private Optional<RolloutState> rival = Optional.empty();

    Contested(RolloutStore inner) {
      this.inner = inner;
    }

    @Override
    public Optional<RolloutState> read(String model, String alias) {
      return inner.read(model, alias);
    }

    @Override
    public List<RolloutState> all() {
      return inner.all();
    }

    @Override
    public RolloutState write(RolloutState next) {
      rival.ifPresent(inner::write);
      rival = Optional.empty();
      return inner.write(next);
    }
  }

  @Test
  void aRollbackGoesThroughAlthoughSomebodyElseAdvanced() {
    Contested contested = new Contested(store);
    RolloutDeployment live = builder(contested).begin(model(1), model(2));
    tick(live);
    RolloutState now = live.rollout().state();
    contested.rival =
        Optional.of(now.moved(RolloutPhase.RUNNING, 1, "advanced", ANN, time.instant()));
    opinion = Finding.bad("slow");
    assertThat(tick(live)).isEqualTo(RolloutPhase.ROLLED_BACK);
    assertThat(live.rollout().state().step()).isEqualTo(1);
  }

  @Test
  void whoComesSecondDoesNotAdvanceTwice() {
    Contested contested = new Contested(store);
    RolloutDeployment live = builder(contested).begin(model(1), model(2));
    tick(live);
    ask(live, 300);
    time.pass(MINUTE);
    RolloutState now = live.rollout().state();
    contested.rival =
        Optional.of(now.moved(RolloutPhase.RUNNING, 1, "advanced", ANN, time.instant()));
    tick(live);
    assertThat(live.rollout().state().step()).isEqualTo(1);
    assertThat(live.rollout().state().reason()).isEqualTo("advanced");
  }

  /** A store that cannot be reached while {@code down}. */
  private static final class Unreliable implements RolloutStore {
    private final RolloutStore inner;
    private boolean down;

    Unreliable(RolloutStore inner) {
      this.inner = inner;
    }

    private RolloutStore reach() {
      if (down) {
        throw new StorageException("store", "cannot be reached");
      }
      return inner;
    }

    @Override
    public Optional<RolloutState> read(String model, String alias) {
      return reach().read(model, alias);
    }

    @Override
    public List<RolloutState> all() {
      return reach().all();
    }

    @Override
    public RolloutState write(RolloutState next) {
      return reach().write(next);
    }
  }

  @Test
  void aBadCandidateLosesItsTrafficEvenWhileTheStoreCannotBeReached() {
    Unreliable unreliable = new Unreliable(store);
    RolloutDeployment live =
        builder(unreliable).strategy(Strategy.blueGreen(MINUTE, 0)).begin(model(1), model(2));
    tick(live);
    assertThat(live.predict("hello").version()).isEqualTo("2");
    unreliable.down = true;
    opinion = Finding.bad("slow");
    assertThat(tick(live)).as("not written, so not so").isEqualTo(RolloutPhase.RUNNING);
    assertThat(live.predict("hello").version()).isEqualTo("1");
    unreliable.down = false;
    assertThat(tick(live)).isEqualTo(RolloutPhase.ROLLED_BACK);
  }

  @Test
  void nothingAdvancesWhileTheStoreCannotBeReached() {
    Unreliable unreliable = new Unreliable(store);
    RolloutDeployment live = builder(unreliable).begin(model(1), model(2));
    tick(live);
    ask(live, 300);
    time.pass(MINUTE);
    unreliable.down = true;
    tick(live);
    assertThat(live.rollout().state().step()).isZero();
    unreliable.down = false;
    tick(live);
    assertThat(live.rollout().state().step()).isEqualTo(1);
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
