package io.athanor.training.tuning;

import io.athanor.api.common.Digest;
import io.athanor.api.common.Tensor;
import io.athanor.api.error.ValidationException;
import io.athanor.api.training.Lora;
import io.athanor.api.training.PromptTuning;
import io.athanor.api.training.Tuning;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;

/**
 * What tuning added to a model and changed in it, apart from the model. Immutable and thread-safe.
 *
 * @param tuning how it was made: one {@link Lora} adapter or a {@link PromptTuning}
 * @param tensors F32, by name of the parameter: {@code LAYER.lora_A.weight} [r, in] and {@code
 *     LAYER.lora_B.weight} [out, r], or {@code prompt_embeddings} [tokens, size]; and the
 *     parameters of layers that were trained as a whole
 * @param base digest of all other weights of the model it was made with, if known
 */
public record Adapter(Tuning tuning, Map<String, Tensor> tensors, Optional<Digest> base) {
  /**
   * @throws ValidationException if the tensors are not those that the tuning makes; lists every
   *     problem
   */
  public Adapter {
    tensors = Collections.unmodifiableMap(new LinkedHashMap<>(tensors));
    List<String> problems = new ArrayList<>();
    if (tuning instanceof Lora lora && lora.adapters().isEmpty()) {
      pairs(tensors, problems);
    } else if (tuning instanceof PromptTuning prompt) {
      Tensor vectors = tensors.get(PromptRewrite.PARAMETER);
      if (vectors == null || vectors.rank() != 2 || vectors.size(0) != prompt.tokens()) {
        problems.add(
            "expected '"
                + PromptRewrite.PARAMETER
                + "' ["
                + prompt.tokens()
                + ", size], got "
                + vectors);
      }
    } else {
      problems.add("an adapter is made by Lora, one at a time, or PromptTuning, got " + tuning);
    }
    if (!problems.isEmpty()) {
      throw new ValidationException("adapter", problems);
    }
  }

  private static void pairs(Map<String, Tensor> tensors, List<String> problems) {
    Set<String> layers = layers(tensors);
    if (layers.isEmpty()) {
      problems.add("it holds no tensor '..." + LoraRewrite.A + "'");
    }
    for (String layer : layers) {
      Tensor a = tensors.get(layer + LoraRewrite.A);
      Tensor b = tensors.get(layer + LoraRewrite.B);
      if (a == null || b == null || a.rank() != 2 || b.rank() != 2 || a.size(0) != b.size(1)) {
        problems.add("expected A [r, in] and B [out, r] of '" + layer + "', got " + a + ", " + b);
      }
    }
  }

  private static Set<String> layers(Map<String, Tensor> tensors) {
    Set<String> layers = new LinkedHashSet<>();
    for (String name : tensors.keySet()) {
      if (name.endsWith(LoraRewrite.A)) {
        layers.add(name.substring(0, name.length() - LoraRewrite.A.length()));
      } else if (name.endsWith(LoraRewrite.B)) {
        layers.add(name.substring(0, name.length() - LoraRewrite.B.length()));
      }
    }
    return layers;
  }

  /** The rank of each layer that has low-rank matrices. */
  Map<String, Long> ranks() {
    Map<String, Long> ranks = new LinkedHashMap<>();
    tensors.forEach(
        (name, tensor) -> {
          if (name.endsWith(LoraRewrite.A)) {
            ranks.put(name.substring(0, name.length() - LoraRewrite.A.length()), tensor.size(0));
          }
        });
    return ranks;
  }

  /** Why the rows of a batch cannot choose between this adapter and a first one. */
  List<String> differences(Adapter first) {
    List<String> found = new ArrayList<>();
    Map<String, Long> own = ranks();
    Map<String, Long> expected = first.ranks();
    if (!own.keySet().equals(expected.keySet())) {
      Set<String> others = new LinkedHashSet<>(own.keySet());
      others.addAll(expected.keySet());
      others.removeIf(layer -> own.containsKey(layer) && expected.containsKey(layer));
      found.add("is on other layers than the first: only one of them has " + Names.some(others));
    } else if (!own.equals(expected)) {
      found.add("has ranks " + ranks(own) + ", the first has " + ranks(expected));
    } else if (tuning instanceof Lora lora && first.tuning instanceof Lora other) {
      own.values().stream()
          .distinct()
          .filter(rank -> lora.scale(rank) != other.scale(rank))
          .map(rank -> "has the scale " + lora.scale(rank) + ", the first " + other.scale(rank))
          .forEach(found::add);
    }
    if (!replaced().isEmpty()) {
      found.add("brings " + replaced() + " of its own");
    }
    return found;
  }

  private static Set<Long> ranks(Map<String, Long> byLayer) {
    return new TreeSet<>(byLayer.values());
  }

  /** The names of the tensors that replace ones of the model. */
  Set<String> replaced() {
    Set<String> names = new LinkedHashSet<>(tensors.keySet());
    names.removeIf(name -> LoraRewrite.isAdapter(name) || name.equals(PromptRewrite.PARAMETER));
    return names;
  }
}
