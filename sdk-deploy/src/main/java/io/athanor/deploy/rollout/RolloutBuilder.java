package io.athanor.deploy.rollout;

import io.athanor.api.deploy.Deployment;
import io.athanor.api.deploy.LiveModel;
import io.athanor.api.deploy.RolloutPhase;
import io.athanor.api.deploy.RolloutState;
import io.athanor.api.deploy.RolloutStore;
import io.athanor.api.error.ConflictException;
import io.athanor.api.registry.Principal;
import io.athanor.api.registry.VersionId;
import io.athanor.deploy.serve.EmbeddingDeployment;
import io.athanor.deploy.serve.TextDeployment;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Executor;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/** How to roll out; made by {@link Rollout#of}. Not thread-safe; to be used for one rollout. */
public final class RolloutBuilder {
  private final String model;
  private final String alias;
  private final List<Guard> guards = new ArrayList<>();
  private final Map<String, Runnable> checks = new LinkedHashMap<>();
  private final List<Consumer<RolloutState>> listeners = new ArrayList<>();
  private Strategy strategy = Strategy.immediate();
  private RolloutStore store = new MemoryRollouts();
  private Consumer<RolloutState> promotion = state -> {};
  private Principal principal = Principal.ofProcess();
  private Duration patience = Duration.ofSeconds(30);
  private Duration period = Duration.ofMillis(500);
  private Clock clock = Clock.systemUTC();
  private LongSupplier nanoClock = System::nanoTime;
  private long seed = System.nanoTime();
  private boolean again;
  private @Nullable Executor checkExecutor;

  RolloutBuilder(String model, String alias) {
    this.model = VersionId.requireName("model", model);
    this.alias = VersionId.requireName("alias", alias);
  }

  /** How the traffic moves; all at once unless set. */
  public RolloutBuilder strategy(Strategy steps) {
    this.strategy = steps;
    return this;
  }

  /**
   * Adds a guard.
   *
   * @throws IllegalArgumentException if there is one of that name
   */
  public RolloutBuilder guard(Guard guard) {
    requireNew(guard.name());
    guards.add(guard);
    return this;
  }

  /**
   * Adds something that the candidate must be able to do before it gets traffic, and about once a
   * second from then on; three failures in a row, or ten seconds without an end, roll it back.
   *
   * @param name for reasons
   * @param probe tries it; throws where it cannot. It may block, as it has a thread of its own
   * @throws IllegalArgumentException if there is a check or guard of that name
   */
  public RolloutBuilder healthCheck(String name, Runnable probe) {
    requireNew(name);
    checks.put(name, probe);
    return this;
  }

  private void requireNew(String name) {
    if (checks.containsKey(name) || guards.stream().anyMatch(g -> g.name().equals(name))) {
      throw new IllegalArgumentException("name must be new, got '" + name + "' again");
    }
  }

  /**
   * Hears of each state this process enters, on the thread that enters it; to be quick about it.
   */
  public RolloutBuilder listener(Consumer<RolloutState> hears) {
    listeners.add(hears);
    return this;
  }

  /** Where the state is kept; in this process's memory unless set. */
  public RolloutBuilder store(RolloutStore keeps) {
    this.store = keeps;
    return this;
  }

  /**
   * What a promotion takes beyond traffic, for example to move an alias. It is done between {@link
   * RolloutPhase#PROMOTING} and {@link RolloutPhase#PROMOTED}, and again if the process is killed
   * in between or several processes take part, so doing it twice must be the same as once. If it
   * throws what is not retryable, the rollout is paused.
   */
  public RolloutBuilder promotion(Consumer<RolloutState> does) {
    this.promotion = does;
    return this;
  }

  /** Who changes the state where the store does not know; the process's account unless set. */
  public RolloutBuilder principal(Principal who) {
    this.principal = who;
    return this;
  }

  /**
   * How long a caller waits for the candidate before the champion answers instead; 30 seconds
   * unless set, at most an hour.
   */
  public RolloutBuilder patience(Duration longest) {
    this.patience = requireTime("patience", longest);
    return this;
  }

  /** How often guards are asked and the store is read; every half second unless set. */
  public RolloutBuilder period(Duration between) {
    this.period = requireTime("period", between);
    return this;
  }

  private static Duration requireTime(String parameter, Duration value) {
    if (value.isNegative() || value.isZero() || value.compareTo(Duration.ofHours(1)) > 0) {
      throw new IllegalArgumentException(
          parameter + " must be above 0, up to 1 hour, got " + value);
    }
    return value;
  }

  /** Tells when a step has lasted long enough; the system's unless set. */
  public RolloutBuilder clock(Clock time) {
    this.clock = time;
    return this;
  }

  /** Measures latencies; {@link System#nanoTime} unless set. */
  public RolloutBuilder nanoClock(LongSupplier time) {
    this.nanoClock = time;
    return this;
  }

  /** Chooses among requests without a key; different in each process unless set. */
  public RolloutBuilder seed(long value) {
    this.seed = value;
    return this;
  }

  /**
   * Begins anew although the same candidate was rolled back, or promoted, against the same champion
   * before.
   */
  public RolloutBuilder again() {
    this.again = true;
    return this;
  }

  /** Lets the test say when, and where health checks run. */
  RolloutBuilder byHand(Executor runsChecks) {
    this.checkExecutor = runsChecks;
    return this;
  }

  /**
   * Begins, or goes on where an earlier process stopped. If the same candidate has already won or
   * lost against the same champion, that stands: a process that starts again does not try again.
   * The deployments become the rollout's to close; the one that loses is closed at the end.
   *
   * <p>What a {@linkplain Guard#begin guard} throws as it begins keeps this process from taking
   * part. The store has the rollout by then, and beginning again goes on with it.
   *
   * @throws io.athanor.api.error.ValidationException if the two do not read the same columns
   * @throws ConflictException if another rollout to the alias has not ended
   * @throws io.athanor.api.error.StorageException if the state cannot be read or written
   */
  public RolloutDeployment begin(Deployment champion, Deployment candidate) {
    RolloutDeployment.requireSameColumns(champion.model(), candidate.model());
    Router<Deployment> router = router(champion, candidate);
    return new RolloutDeployment(router, start(router, champion, candidate));
  }

  /** As {@link #begin(Deployment, Deployment)}, for language models. */
  public RolloutTexts begin(TextDeployment champion, TextDeployment candidate) {
    Router<TextDeployment> router = router(champion, candidate);
    return new RolloutTexts(router, start(router, champion, candidate));
  }

  /**
   * As {@link #begin(Deployment, Deployment)}, for vectors. Vectors of two models cannot be held
   * against each other, so a share below 1 is for callers with keys who keep their vectors apart.
   */
  public RolloutEmbeddings begin(EmbeddingDeployment champion, EmbeddingDeployment candidate) {
    Router<EmbeddingDeployment> router = router(champion, candidate);
    return new RolloutEmbeddings(router, start(router, champion, candidate));
  }

  private <D extends LiveModel> Router<D> router(D champion, D candidate) {
    String salt = model + "@" + alias + " " + candidate.model();
    return new Router<>(champion, candidate, new Shares(salt, seed), patience, nanoClock);
  }

  private Rollout start(Router<?> router, LiveModel champion, LiveModel candidate) {
    RolloutState state = stateOf(champion.model().toString(), candidate.model().toString());
    guards.forEach(guard -> guard.begin(state));
    ScheduledExecutorService executor =
        Executors.newSingleThreadScheduledExecutor(
            task -> {
              Thread thread = new Thread(task, "athanor-rollout-" + model);
              thread.setDaemon(true);
              return thread;
            });
    Executor forChecks = checkExecutor == null ? router.pool() : checkExecutor;
    List<HealthCheck> all = new ArrayList<>();
    checks.forEach((name, probe) -> all.add(new HealthCheck(name, probe, forChecks, nanoClock)));
    Rollout rollout = new Rollout(this, state, router, all, executor);
    if (checkExecutor == null) {
      var unused =
          executor.scheduleWithFixedDelay(rollout::tick, 0, period.toNanos(), TimeUnit.NANOSECONDS);
    }
    return rollout;
  }

  private RolloutState stateOf(String champion, String candidate) {
    Optional<RolloutState> last = store.read(model, alias);
    if (last.isPresent()) {
      RolloutState present = last.get();
      boolean same = present.champion().equals(champion) && present.candidate().equals(candidate);
      if (same && !(present.phase().ended() && again)) {
        return present;
      }
      if (!present.phase().ended()) {
        throw new ConflictException(
            "The "
                + present
                + " is "
                + present.phase()
                + ". End it with its control before "
                + candidate
                + " is rolled out",
            false);
      }
    }
    Instant now = clock.instant();
    RolloutState first =
        new RolloutState(
            model,
            alias,
            champion,
            candidate,
            StrategyJson.write(strategy),
            RolloutPhase.CHECKING,
            0,
            now,
            now,
            principal,
            "begun",
            last.map(RolloutState::revision).orElse(0L) + 1);
    try {
      return store.write(first);
    } catch (ConflictException e) {
      return store
          .read(model, alias)
          .filter(other -> other.champion().equals(champion))
          .filter(other -> other.candidate().equals(candidate))
          .orElseThrow(() -> e);
    }
  }

  List<Guard> guards() {
    return guards;
  }

  List<Consumer<RolloutState>> listeners() {
    return listeners;
  }

  RolloutStore store() {
    return store;
  }

  Consumer<RolloutState> promotion() {
    return promotion;
  }

  Principal principal() {
    return principal;
  }

  Clock clock() {
    return clock;
  }
}
