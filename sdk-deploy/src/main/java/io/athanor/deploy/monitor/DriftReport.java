package io.athanor.deploy.monitor;

import java.time.Instant;
import java.util.List;

/**
 * How the rows and answers of a window differ from the baseline.
 *
 * @param from the window's beginning
 * @param until its end
 * @param traits those with enough values, the least likely first
 */
public record DriftReport(Instant from, Instant until, List<TraitDrift> traits) {
  public DriftReport {
    traits = List.copyOf(traits);
  }

  /** The traits beyond the limits. */
  public List<TraitDrift> drifted() {
    return traits.stream().filter(TraitDrift::drifted).toList();
  }

  /** One line for each trait. */
  @Override
  public String toString() {
    StringBuilder text = new StringBuilder();
    text.append(drifted().size()).append(" of ").append(traits.size());
    text.append(" traits drifted, ").append(from).append(" to ").append(until);
    traits.forEach(trait -> text.append("\n  ").append(trait));
    return text.toString();
  }
}
