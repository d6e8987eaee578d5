package io.athanor.deploy.monitor;

import io.athanor.api.data.Baseline;
import io.athanor.api.data.Trait;
import io.athanor.api.data.Traits;
import java.util.LinkedHashMap;
import java.util.Map;

/** Counts what rows and answers are like; traits without a baseline are passed over. */
final class Tallies implements Traits.Observer {
  private final Map<Trait, Tally> tallies;

  private Tallies(Map<Trait, Tally> tallies) {
    this.tallies = tallies;
  }

  static Tallies of(Baseline baseline) {
    Map<Trait, Tally> all = new LinkedHashMap<>();
    baseline.distributions().forEach((trait, spread) -> all.put(trait, Tally.of(spread)));
    return new Tallies(all);
  }

  Tallies fresh() {
    Map<Trait, Tally> all = new LinkedHashMap<>();
    tallies.forEach((trait, tally) -> all.put(trait, tally.fresh()));
    return new Tallies(all);
  }

  void add(Tallies other) {
    tallies.forEach(
        (trait, tally) -> {
          Tally more = other.tallies.get(trait);
          if (more != null) {
            tally.add(more);
          }
        });
  }

  Map<Trait, Tally> byTrait() {
    return tallies;
  }

  @Override
  public void number(Trait trait, double value) {
    if (tallies.get(trait) instanceof Tally.Numbers numbers) {
      numbers.see(value);
    }
  }

  @Override
  public void category(Trait trait, String value) {
    if (tallies.get(trait) instanceof Tally.Words words) {
      words.see(value);
    }
  }

  /** A vector, for every trait that wants some. */
  void vector(float[] vector) {
    for (Tally tally : tallies.values()) {
      if (tally instanceof Tally.Vectors vectors) {
        vectors.see(vector);
      }
    }
  }
}
