package io.athanor.deploy.rollout;

import io.athanor.api.deploy.RolloutPhase;
import io.athanor.api.deploy.RolloutState;
import io.athanor.api.deploy.RolloutStore;
import io.athanor.api.error.AthanorException;
import io.athanor.api.error.ConflictException;
import io.athanor.deploy.rollout.Finding.Kind;
import io.athanor.deploy.rollout.Router.Route;
import io.athanor.deploy.rollout.Strategy.Step;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ScheduledExecutorService;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A candidate on its way into a champion's place, as one process sees it. The state is in a store,
 * which every process that takes part follows; each change is written there before it takes effect,
 * and of two processes that want to change it one does. A process that was killed goes on from the
 * step it was at. What guards measure is this process's own, and one process's finding is enough to
 * roll back. Thread-safe.
 *
 * <pre>{@code
 * try (var live = Rollout.of("spam-filter", "production")
 *     .strategy(Strategy.canary().step(0.01, ofMinutes(5), 100).step(0.5, ofMinutes(30), 5_000))
 *     .guard(SlaGuard.over(ofSeconds(10)).p99(ofMillis(50)).errorRate(0.01))
 *     .store(registry.rollouts())
 *     .begin(champion, candidate)) {
 *   live.forKey(user).predict("You WON a prize!!");
 * }
 * }</pre>
 *
 * @see <a href="https://martinfowler.com/bliki/CanaryRelease.html">Canary release</a>
 */
public final class Rollout {
  private static final Logger LOG = LoggerFactory.getLogger(Rollout.class);
  private static final int ATTEMPTS = 20;

  private final RolloutBuilder plan;
  private final RolloutStore store;
  private final Router<?> router;
  private final Strategy strategy;
  private final List<HealthCheck> checks;
  private final ScheduledExecutorService executor;
  private volatile RolloutState state;
  private volatile Map<String, Finding> findings = Map.of();
  private long requestsBefore;
  private Instant stepBegun;
  private boolean superseded;

  /** Why the candidate is bad, from when a guard said so until the store knows. */
  private @Nullable String condemned;

  private boolean loserClosed;

  Rollout(
      RolloutBuilder plan,
      RolloutState state,
      Router<?> router,
      List<HealthCheck> checks,
      ScheduledExecutorService executor) {
    this.plan = plan;
    this.store = plan.store();
    this.router = router;
    this.strategy = RolloutControl.strategy(state);
    this.checks = checks;
    this.executor = executor;
    this.state = state;
    this.stepBegun = state.changed();
    router.turn(route(state));
  }

  /**
   * Begins to describe a rollout.
   *
   * @param model the model's name; see {@link io.athanor.api.registry.VersionId#requireName}
   * @param alias what the versions compete for, for example {@code "production"}
   */
  public static RolloutBuilder of(String model, String alias) {
    return new RolloutBuilder(model, alias);
  }

  /**
   * Where it stands, as this process last read it. Once another rollout to the alias has begun, it
   * stays what was last read of this one, even if that is no end; the store has the present one.
   */
  public RolloutState state() {
    return state;
  }

  /** How the traffic moves. */
  public Strategy strategy() {
    return strategy;
  }

  /** What the guards last said, by name; empty before the first time and after the end. */
  public Map<String, Finding> findings() {
    return findings;
  }

  /** What champion and candidate were asked lately in this process. */
  public Traffic traffic() {
    return router;
  }

  /** For people, to change its course. */
  public RolloutControl control() {
    return new RolloutControl(store, state.model(), state.alias(), plan.principal(), plan.clock());
  }

  /** Looks at the store, asks the guards, and goes on or back where there is reason to. */
  synchronized void tick() {
    try {
      follow();
      if (!state.phase().ended() && !superseded) {
        proceed();
      }
      if (router.settled() && !loserClosed) {
        loserClosed = true;
        router.closeLoser();
      }
    } catch (RuntimeException e) {
      LOG.warn("The {} cannot go on for now", state, e);
    }
  }

  private void follow() {
    RolloutState stored;
    try {
      stored = store.read(state.model(), state.alias()).orElse(state);
    } catch (AthanorException e) {
      LOG.warn("Cannot read where the {} stands; guards go on with what is known", state, e);
      return;
    }
    if (stored.revision() > state.revision()) {
      if (stored.sameRollout(state)) {
        enter(stored);
      } else if (!superseded) {
        giveWayTo(stored);
      }
    }
  }

  /**
   * Another rollout has begun, so this one has ended while nobody looked: who is champion now? If
   * it is neither of the two that this process holds, its own champion goes on.
   */
  private void giveWayTo(RolloutState next) {
    superseded = true;
    boolean won = next.champion().equals(state.candidate());
    if (won || next.champion().equals(state.champion())) {
      LOG.warn("The {} was followed by the {}, which this process does not serve", state, next);
    } else {
      LOG.error(
          "The {} was followed by the {}, whose champion is {}. This process has only {}, which it"
              + " goes on to serve: begin again with what the alias points to now",
          state,
          next,
          next.champion(),
          state.champion());
    }
    router.turn(won ? Route.CANDIDATE_ONLY : Route.CHAMPION_ONLY);
    findings = Map.of();
  }

  private void proceed() {
    RolloutPhase phase = state.phase();
    if (phase == RolloutPhase.PROMOTING) {
      promote();
      return;
    }
    findings = phase == RolloutPhase.CHECKING ? judge(checks) : judgeAll();
    if (condemned == null) {
      condemned = first(Kind.BAD).orElse(null);
    }
    if (condemned != null) {
      // Safe at once, even where the store cannot be written. Without traffic the guards will find
      // nothing bad any more, so what they said is held on to until it is written.
      router.turn(Route.CHAMPION);
      move(RolloutPhase.ROLLED_BACK, state.step(), condemned);
    } else if (phase == RolloutPhase.CHECKING) {
      if (first(Kind.UNDECIDED).isEmpty()) {
        goOn(0, checks.isEmpty() ? "nothing is to be checked" : "the candidate is healthy");
      }
    } else if (phase == RolloutPhase.RUNNING && done(state.step())) {
      goOn(state.step() + 1, "step " + state.step() + " is done and no guard objects");
    }
  }

  private boolean done(int index) {
    if (index >= strategy.steps().size()) {
      return first(Kind.UNDECIDED).isEmpty();
    }
    Step step = strategy.steps().get(index);
    return !plan.clock().instant().isBefore(stepBegun.plus(step.duration()))
        && router.candidateRequests() - requestsBefore >= step.requests()
        && first(Kind.UNDECIDED).isEmpty();
  }

  private void goOn(int step, String reason) {
    if (step < strategy.steps().size()) {
      move(RolloutPhase.RUNNING, step, reason);
    } else {
      move(RolloutPhase.PROMOTING, state.step(), reason);
    }
    if (state.phase() == RolloutPhase.PROMOTING) {
      promote();
    }
  }

  private void promote() {
    try {
      plan.promotion().accept(state);
    } catch (AthanorException e) {
      if (e.retryable()) {
        LOG.warn("Could not promote the candidate of the {}; will try again", state, e);
      } else {
        move(RolloutPhase.PAUSED, state.step(), "promotion was refused: " + e.getMessage());
      }
      return;
    }
    move(RolloutPhase.PROMOTED, state.step(), state.reason());
  }

  private Map<String, Finding> judgeAll() {
    Map<String, Finding> all = judge(checks);
    all.putAll(judge(plan.guards()));
    return all;
  }

  private Map<String, Finding> judge(List<? extends Guard> guards) {
    Map<String, Finding> all = new LinkedHashMap<>();
    for (Guard guard : guards) {
      Finding finding;
      try {
        finding = guard.judge(router);
      } catch (RuntimeException e) {
        LOG.warn("Guard '{}' failed", guard.name(), e);
        finding = Finding.undecided("it failed with " + e);
      }
      all.put(guard.name(), finding);
    }
    return all;
  }

  private Optional<String> first(Kind kind) {
    return findings.entrySet().stream()
        .filter(entry -> entry.getValue().kind() == kind)
        .map(entry -> entry.getKey() + ": " + entry.getValue().reason())
        .findFirst();
  }

  /** Writes, then acts. Who comes second follows who came first. */
  private void move(RolloutPhase phase, int step, String reason) {
    boolean back = phase == RolloutPhase.ROLLED_BACK;
    for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
      try {
        int to = back ? state.step() : step;
        Instant now = plan.clock().instant();
        enter(store.write(state.moved(phase, to, reason, plan.principal(), now)));
        return;
      } catch (ConflictException e) {
        follow();
        if (!back || superseded || !state.phase().next().contains(phase)) {
          return;
        }
      }
    }
  }

  private void enter(RolloutState next) {
    RolloutState before = state;
    state = next;
    router.turn(condemned == null || next.phase().ended() ? route(next) : Route.CHAMPION);
    boolean goesOn = next.phase() == RolloutPhase.PAUSED || next.phase() == RolloutPhase.PROMOTING;
    if (!goesOn) {
      requestsBefore = router.candidateRequests();
      stepBegun = next.changed();
    }
    if (next.phase().ended()) {
      findings = Map.of();
    }
    LOG.info(
        "The {} went from {} to {} at step {} by {}: {}",
        next,
        before.phase(),
        next.phase(),
        next.step(),
        next.by(),
        next.reason());
    for (Consumer<RolloutState> listener : plan.listeners()) {
      try {
        listener.accept(next);
      } catch (RuntimeException e) {
        LOG.warn("A listener to the {} failed", next, e);
      }
    }
  }

  private Route route(RolloutState at) {
    return switch (at.phase()) {
      case CHECKING -> Route.CHAMPION;
      case PROMOTED -> Route.CANDIDATE_ONLY;
      case ROLLED_BACK -> Route.CHAMPION_ONLY;
      case RUNNING, PAUSED, PROMOTING -> {
        if (at.step() >= strategy.steps().size()) {
          yield Route.CHAMPION;
        }
        Step step = strategy.steps().get(at.step());
        yield new Route(step.share(), step.compared(), true);
      }
    };
  }

  void close() {
    executor.shutdown();
    synchronized (this) {
      router.close();
    }
  }
}
