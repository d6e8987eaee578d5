package io.athanor.deploy.rollout;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.athanor.api.deploy.RolloutPhase;
import io.athanor.api.deploy.RolloutState;
import io.athanor.api.deploy.RolloutStore;
import io.athanor.api.error.ConflictException;
import io.athanor.api.error.StorageException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.Test;

/** Rollouts that outlive their process, have rivals, or cannot reach what keeps them. */
class KeptRolloutTest extends RolloutSetting {
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

  @Test
  void whoMissedTheEndGivesWayToTheNextRollout() {
    ScriptedModel lost = model(2);
    RolloutDeployment sleeper = builder(store).begin(model(1), lost);
    tick(sleeper);
    sleeper.rollout().control().rollBack("wrong");
    time.pass(MINUTE);
    RolloutDeployment next = builder(store).begin(model(1), model(3));

    opinion = Finding.bad("what it says of an old candidate");
    tick(sleeper);
    assertThat(lost.closed).hasValue(1);
    for (int i = 0; i < 100; i++) {
      assertThat(sleeper.predict("hello").version()).isEqualTo("1");
    }
    assertThat(store.read("spam-filter", "production")).contains(next.rollout().state());
  }

  @Test
  void whoMissedThePromotionServesTheNewChampion() {
    ScriptedModel old = model(1);
    RolloutDeployment sleeper = builder(store).begin(old, model(2));
    RolloutDeployment awake = begin();
    tick(sleeper);
    awake.rollout().control().promote("enough seen");
    assertThat(tick(awake)).isEqualTo(RolloutPhase.PROMOTED);
    time.pass(MINUTE);
    builder(store).begin(model(2), model(3));

    tick(sleeper);
    assertThat(old.closed).hasValue(1);
    for (int i = 0; i < 100; i++) {
      assertThat(sleeper.predict("hello").version()).isEqualTo("2");
    }
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
    private Runnable atWrite = () -> {};

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
      atWrite.run();
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
  void whatWasFoundBadWhileTheStoreCouldNotBeReachedIsRolledBackLater() {
    Unreliable unreliable = new Unreliable(store);
    RolloutDeployment live = builder(unreliable).begin(model(1), model(2));
    tick(live);
    ask(live, 300);
    unreliable.down = true;
    opinion = Finding.bad("slow");
    tick(live);
    opinion = Finding.good("nobody asks it any more");
    time.pass(MINUTE);
    assertThat(tick(live)).isEqualTo(RolloutPhase.RUNNING);
    for (int i = 0; i < 100; i++) {
      assertThat(live.predict("hello").version()).isEqualTo("1");
    }

    unreliable.down = false;
    assertThat(tick(live)).isEqualTo(RolloutPhase.ROLLED_BACK);
    assertThat(live.rollout().state().reason()).isEqualTo("opinion: slow");
  }

  @Test
  void whatOthersDidMeanwhileGivesABadCandidateNoTraffic() {
    Unreliable unreliable = new Unreliable(store);
    RolloutDeployment live = builder(unreliable).begin(model(1), model(2));
    tick(live);
    unreliable.down = true;
    opinion = Finding.bad("slow");
    tick(live);
    opinion = Finding.good("nobody asks it any more");
    RolloutControl control = RolloutControl.of(store, "spam-filter", "production", ANN);
    control.advance("looks good from here");
    control.promote("enough seen");

    unreliable.down = false;
    List<String> versions = new ArrayList<>();
    unreliable.atWrite = () -> versions.add(live.predict("hello").version());
    assertThat(tick(live)).as("people decided").isEqualTo(RolloutPhase.PROMOTED);
    assertThat(versions).containsExactly("1");
    assertThat(live.predict("hello").version()).isEqualTo("2");
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
}
