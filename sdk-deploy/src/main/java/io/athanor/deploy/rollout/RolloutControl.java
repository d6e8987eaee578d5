package io.athanor.deploy.rollout;

import io.athanor.api.deploy.RolloutPhase;
import io.athanor.api.deploy.RolloutState;
import io.athanor.api.deploy.RolloutStore;
import io.athanor.api.error.ConflictException;
import io.athanor.api.error.NotFoundException;
import io.athanor.api.registry.Principal;
import java.time.Clock;

/**
 * What people may do with a rollout, from any process: they write where it shall stand, and the
 * processes that have the traffic follow within a second. Each method says why. Thread-safe.
 */
public final class RolloutControl {
  private static final int ATTEMPTS = 20;

  private final RolloutStore store;
  private final String model;
  private final String alias;
  private final Principal who;
  private final Clock clock;

  RolloutControl(RolloutStore store, String model, String alias, Principal who, Clock clock) {
    this.store = store;
    this.model = model;
    this.alias = alias;
    this.who = who;
    this.clock = clock;
  }

  /**
   * The control of the last rollout of a model to an alias.
   *
   * @param who does it; a registry puts in whom it knows instead
   */
  public static RolloutControl of(RolloutStore store, String model, String alias, Principal who) {
    return new RolloutControl(store, model, alias, who, Clock.systemUTC());
  }

  /**
   * Where it stands.
   *
   * @throws NotFoundException if there was none; lists those there were
   */
  public RolloutState state() {
    return store
        .read(model, alias)
        .orElseThrow(
            () ->
                new NotFoundException(
                    "rollout to " + model + "@" + alias,
                    store.all().stream().map(s -> s.model() + "@" + s.alias()).toList(),
                    "Begin one first"));
  }

  /**
   * Goes to the next step, or to promotion after the last, without waiting for time, requests or
   * guards.
   *
   * @throws ConflictException if it has ended, or somebody else changed it in between
   */
  public RolloutState advance(String reason) {
    RolloutState now = state();
    int steps = strategy(now).steps().size();
    int next = now.phase() == RolloutPhase.CHECKING ? 0 : now.step() + 1;
    return next < steps
        ? store.write(moved(now, RolloutPhase.RUNNING, next, reason))
        : store.write(moved(now, RolloutPhase.PROMOTING, now.step(), reason));
  }

  /**
   * Holds it at its step; guards may still roll it back.
   *
   * @throws ConflictException if it is not running
   */
  public RolloutState pause(String reason) {
    return move(RolloutPhase.PAUSED, reason);
  }

  /**
   * Lets it go on after {@link #pause}. The time of the present step begins anew.
   *
   * @throws ConflictException if it is not paused
   */
  public RolloutState resume(String reason) {
    RolloutState now = state();
    if (now.phase() != RolloutPhase.PAUSED) {
      throw new ConflictException(
          now
              + " is "
              + now.phase()
              + ", not "
              + RolloutPhase.PAUSED
              + "; there is nothing to resume",
          false);
    }
    return store.write(moved(now, RolloutPhase.RUNNING, now.step(), reason));
  }

  /**
   * Gives all traffic back to the champion, for good.
   *
   * @throws ConflictException if it has ended or is being promoted
   */
  public RolloutState rollBack(String reason) {
    return move(RolloutPhase.ROLLED_BACK, reason);
  }

  /**
   * Gives all traffic to the candidate, for good, whatever guards say.
   *
   * @throws ConflictException if it has ended
   */
  public RolloutState promote(String reason) {
    return move(RolloutPhase.PROMOTING, reason);
  }

  /** Again and again while others change it, as long as it may be done. */
  private RolloutState move(RolloutPhase phase, String reason) {
    RolloutState begun = state();
    RolloutState now = begun;
    for (int attempt = 1; ; attempt++) {
      try {
        return store.write(moved(now, phase, now.step(), reason));
      } catch (ConflictException e) {
        if (!e.retryable() || attempt == ATTEMPTS) {
          throw e;
        }
        now = state();
        if (!now.sameRollout(begun)) {
          throw e;
        }
      }
    }
  }

  private RolloutState moved(RolloutState now, RolloutPhase phase, int step, String reason) {
    return now.moved(phase, step, reason, who, clock.instant());
  }

  static Strategy strategy(RolloutState state) {
    return StrategyJson.read(state.toString(), state.strategy());
  }
}
