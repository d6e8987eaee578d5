package io.athanor.registry.governance;

import java.util.ArrayList;
import java.util.List;

/**
 * What speaks against a promotion, a sentence each.
 *
 * @param refusals what nobody may pass over
 * @param gates gates that did not pass; whoever says why may pass over them
 * @param warnings what to think about first
 */
public record Judgement(List<String> refusals, List<String> gates, List<String> warnings) {
  public Judgement {
    refusals = List.copyOf(refusals);
    gates = List.copyOf(gates);
    warnings = List.copyOf(warnings);
  }

  /** Collects sentences. Not thread-safe. */
  static final class Collector {
    private final List<String> refusals = new ArrayList<>();
    private final List<String> gates = new ArrayList<>();
    private final List<String> warnings = new ArrayList<>();

    void refuse(String sentence) {
      if (!refusals.contains(sentence)) {
        refusals.add(sentence);
      }
    }

    void gate(String sentence) {
      gates.add(sentence);
    }

    void warn(String sentence) {
      warnings.add(sentence);
    }

    Judgement judgement() {
      return new Judgement(refusals, gates, warnings);
    }
  }
}
