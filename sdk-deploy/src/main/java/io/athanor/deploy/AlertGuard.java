package io.athanor.deploy;

import io.athanor.deploy.monitor.AlertRule;
import io.athanor.deploy.monitor.DriftReport;
import io.athanor.deploy.monitor.Monitor;
import io.athanor.deploy.rollout.Finding;
import io.athanor.deploy.rollout.Guard;
import io.athanor.deploy.rollout.Traffic;
import java.util.Optional;

/**
 * Rolls a candidate back for what would be an alert of its monitor, for example drift against its
 * baseline. As long as the rule has nothing to say, because too little was seen in the monitor's
 * window, the rollout stays at its step. Thread-safe.
 *
 * <pre>{@code
 * var watched = new Monitoring().baseline(artifact.baseline()).watch(candidate);
 * Rollout.of("spam-filter", "production")
 *     .guard(AlertGuard.of(watched.monitor(), new AlertRule.Drift()))
 *     .begin(champion, watched);
 * }</pre>
 */
public final class AlertGuard implements Guard {
  private final Monitor monitor;
  private final AlertRule rule;

  private AlertGuard(Monitor monitor, AlertRule rule) {
    this.monitor = monitor;
    this.rule = rule;
  }

  /**
   * A guard of the rule's name.
   *
   * @param monitor of the candidate; one of the champion too would blame the candidate for both
   * @param rule when the candidate is bad; the monitor need not know it
   * @throws IllegalArgumentException if the rule is of drift and the monitor has no baseline, as
   *     the rollout would stay at its first step for ever
   */
  public static AlertGuard of(Monitor monitor, AlertRule rule) {
    if (rule instanceof AlertRule.Drift && monitor.drift().isEmpty()) {
      throw new IllegalArgumentException(
          "monitor must have a baseline to find drift; give it to Monitoring.baseline(..), or train"
              + " the candidate anew if it has none");
    }
    return new AlertGuard(monitor, rule);
  }

  @Override
  public String name() {
    return rule.name();
  }

  @Override
  public Finding judge(Traffic traffic) {
    Optional<DriftReport> drift =
        rule instanceof AlertRule.Drift ? monitor.drift() : Optional.empty();
    return rule.look(monitor.window(), drift)
        .map(
            found ->
                found.breached() ? Finding.bad(found.message()) : Finding.good(found.message()))
        .orElseGet(() -> Finding.undecided("its monitor has not seen enough to say"));
  }
}
