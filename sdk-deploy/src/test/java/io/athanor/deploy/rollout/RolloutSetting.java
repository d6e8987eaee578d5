package io.athanor.deploy.rollout;

import io.athanor.api.deploy.RolloutPhase;
import io.athanor.api.deploy.RolloutState;
import io.athanor.api.deploy.RolloutStore;
import io.athanor.api.registry.Principal;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** A rollout of one model to the next, with time, guards and requests in the test's hands. */
abstract class RolloutSetting {
  static final Duration MINUTE = Duration.ofMinutes(1);
  static final Principal ANN = new Principal("ann");
  static final Strategy CANARY = Strategy.canary().step(0.1, MINUTE, 10).step(0.5, MINUTE, 10);

  final TestTime time = new TestTime();
  final RolloutStore store = new MemoryRollouts();
  final List<RolloutState> heard = new ArrayList<>();
  volatile Finding opinion = Finding.good("fine");

  ScriptedModel model(int version) {
    return new ScriptedModel(version, time);
  }

  final class Opinion implements Guard {
    @Override
    public String name() {
      return "opinion";
    }

    @Override
    public Finding judge(Traffic traffic) {
      return opinion;
    }
  }

  RolloutBuilder builder(RolloutStore keeps) {
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

  RolloutDeployment begin() {
    return builder(store).begin(model(1), model(2));
  }

  static void ask(RolloutDeployment live, int times) {
    for (int i = 0; i < times; i++) {
      live.predict("hello");
    }
  }

  static RolloutPhase tick(RolloutDeployment live) {
    live.rollout().tick();
    return live.rollout().state().phase();
  }
}
