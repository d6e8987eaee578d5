package io.athanor.api.deploy;

import io.athanor.api.error.ConflictException;
import io.athanor.api.registry.Principal;
import io.athanor.api.registry.VersionId;
import java.time.Instant;
import java.util.Optional;

/**
 * What has to outlive a process that brings a candidate into the place of a champion.
 *
 * @param model the model's name; see {@link VersionId#requireName}
 * @param alias what the versions compete for, for example {@code "production"}; see {@link
 *     VersionId#requireName}
 * @param champion the version that had the traffic before, as {@link ServedModel#toString} says it
 * @param candidate the version that shall have it
 * @param strategy how the traffic moves; JSON, of no concern to a store
 * @param phase where it stands
 * @param step the present step of the strategy, counted from 0
 * @param begun when the rollout began
 * @param changed when it came where it stands
 * @param by who brought it there; a store puts in whom it knows
 * @param reason why
 * @param revision rises by one with each change, from 1, through all rollouts of the model and
 *     alias
 */
public record RolloutState(
    String model,
    String alias,
    String champion,
    String candidate,
    String strategy,
    RolloutPhase phase,
    int step,
    Instant begun,
    Instant changed,
    Principal by,
    String reason,
    long revision) {
  public RolloutState {
    VersionId.requireName("model", model);
    VersionId.requireName("alias", alias);
    if (champion.isBlank() || candidate.isBlank() || champion.equals(candidate)) {
      throw new IllegalArgumentException(
          "champion and candidate must be two versions, got '"
              + champion
              + "' and '"
              + candidate
              + "'");
    }
    if (step < 0) {
      throw new IllegalArgumentException("step must not be negative, got " + step);
    }
    if (reason.isBlank()) {
      throw new IllegalArgumentException("reason must say something");
    }
    if (revision < 1) {
      throw new IllegalArgumentException("revision must be at least 1, got " + revision);
    }
  }

  /**
   * This rollout one change later.
   *
   * @throws ConflictException if {@link RolloutPhase#next} does not allow the change
   */
  public RolloutState moved(
      RolloutPhase nextPhase, int nextStep, String why, Principal who, Instant at) {
    if (!phase.next().contains(nextPhase)) {
      throw new ConflictException(
          "The "
              + this
              + " is "
              + phase
              + " and cannot become "
              + nextPhase
              + "; it can become "
              + (phase.ended() ? "nothing else, begin another rollout" : phase.next()),
          false);
    }
    return new RolloutState(
        model,
        alias,
        champion,
        candidate,
        strategy,
        nextPhase,
        nextStep,
        begun,
        at,
        who,
        why,
        revision + 1);
  }

  /**
   * Checks that it is the next state after another.
   *
   * @param before what a store has; empty if it has nothing
   * @throws ConflictException if somebody else changed that meanwhile; retryable
   */
  public void requireFollows(Optional<RolloutState> before) {
    long present = before.map(RolloutState::revision).orElse(0L);
    if (revision != present + 1) {
      throw new ConflictException(
          "The "
              + this
              + " should become revision "
              + revision
              + " but is at "
              + present
              + ": somebody else changed it. Read it again",
          true);
    }
  }

  /** Done by somebody else than it says. */
  public RolloutState by(Principal who) {
    return new RolloutState(
        model, alias, champion, candidate, strategy, phase, step, begun, changed, who, reason,
        revision);
  }

  /** Whether both are the same rollout, wherever they stand. */
  public boolean sameRollout(RolloutState other) {
    return model.equals(other.model)
        && alias.equals(other.alias)
        && champion.equals(other.champion)
        && candidate.equals(other.candidate)
        && begun.equals(other.begun);
  }

  /** For example {@code "rollout of spam-filter:4 to spam-filter@production"}. */
  @Override
  public String toString() {
    return "rollout of " + candidate + " to " + model + "@" + alias;
  }
}
