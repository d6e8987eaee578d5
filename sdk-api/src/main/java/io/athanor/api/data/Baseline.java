package io.athanor.api.data;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * What a model's rows and answers were like in training, to be held against those it meets later.
 * It travels with the model.
 *
 * @param distributions by trait
 */
public record Baseline(Map<Trait, Distribution> distributions) {
  /** Of nothing. */
  public static final Baseline EMPTY = new Baseline(Map.of());

  public Baseline {
    distributions = Collections.unmodifiableMap(new LinkedHashMap<>(distributions));
    distributions.forEach(
        (trait, distribution) -> {
          if (!fits(trait.aspect(), distribution)) {
            throw new IllegalArgumentException(
                "trait '" + trait + "' cannot be " + distribution.getClass().getSimpleName());
          }
        });
  }

  private static boolean fits(Trait.Aspect aspect, Distribution distribution) {
    return switch (aspect) {
      case VALUE, PREDICTION -> !(distribution instanceof Distribution.Vectors);
      case PRESENCE -> distribution instanceof Distribution.Categories;
      case EMBEDDING -> distribution instanceof Distribution.Vectors;
      default -> distribution instanceof Distribution.Numbers;
    };
  }

  /** This one and another's traits; where both have one, the other's. */
  public Baseline and(Baseline other) {
    Map<Trait, Distribution> all = new LinkedHashMap<>(distributions);
    all.putAll(other.distributions);
    return new Baseline(all);
  }

  /** This one with another trait. */
  public Baseline with(Trait trait, Distribution distribution) {
    return and(new Baseline(Map.of(trait, distribution)));
  }

  /** This one without an aspect of any column. */
  public Baseline without(Trait.Aspect aspect) {
    return new Baseline(
        distributions.entrySet().stream()
            .filter(entry -> entry.getKey().aspect() != aspect)
            .collect(
                Collectors.toMap(
                    Map.Entry::getKey, Map.Entry::getValue, (a, b) -> b, LinkedHashMap::new)));
  }
}
