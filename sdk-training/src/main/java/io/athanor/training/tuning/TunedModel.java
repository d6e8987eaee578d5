package io.athanor.training.tuning;

import io.athanor.api.common.DType;
import io.athanor.api.common.Tensor;
import io.athanor.api.data.Signature;
import io.athanor.api.data.Tokenizer;
import io.athanor.api.error.ValidationException;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.Parameter;
import io.athanor.api.graph.Shape;
import io.athanor.api.graph.Weights;
import io.athanor.api.training.FullTuning;
import io.athanor.api.training.Lora;
import io.athanor.api.training.PromptTuning;
import io.athanor.api.training.Tuning;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;

/**
 * A model made ready to be tuned.
 *
 * @param graph in which only what is to be learned is trained
 * @param weights those of the model and the first ones of what was added
 */
public record TunedModel(Graph graph, Weights weights) {
  /**
   * Changes a model so that it is tuned in a certain way; it predicts as before, but for virtual
   * tokens.
   *
   * @param tokenizer of the model, for virtual tokens that begin as a text
   * @param seed of the first weights of what is added
   * @throws ValidationException if names fit no layer or parameter, or if the model already has
   *     adapters; lists every problem
   * @throws io.athanor.api.error.UnsupportedException if the model cannot be tuned so
   */
  public static TunedModel of(
      Tuning tuning, Graph graph, Weights weights, Optional<Tokenizer> tokenizer, long seed) {
    Graph tuned = graph(tuning, graph);
    if (tuning instanceof FullTuning) {
      return new TunedModel(tuned, weights);
    }
    if (tuning instanceof Lora lora) {
      Weights added =
          lora.adapters().isEmpty()
              ? Weights.initialize(added(tuned, weights), seed)
              : stacked(lora, added(tuned, weights), seed);
      return new TunedModel(tuned, weights.with(added));
    }
    PromptTuning prompt = (PromptTuning) tuning;
    Tensor table = weights.tensor(PromptRewrite.table(graph).weight());
    Tensor first = rows(table, ids(prompt, tokenizer, table.size(0), seed));
    return new TunedModel(tuned, weights.with(Weights.of(Map.of(PromptRewrite.PARAMETER, first))));
  }

  /**
   * The graph alone of a model that is tuned in a certain way.
   *
   * @throws ValidationException if names fit no layer or parameter, or if the model already has
   *     adapters; lists every problem
   * @throws io.athanor.api.error.UnsupportedException if the model cannot be tuned so
   */
  public static Graph graph(Tuning tuning, Graph graph) {
    if (tuning instanceof FullTuning full) {
      return graph.freeze(Names.matching(full.frozen(), graph));
    }
    requirePlain(graph);
    if (tuning instanceof Lora lora) {
      Map<String, Long> ranks = new LinkedHashMap<>();
      new LinearLayers(graph).targets(lora).forEach(layer -> ranks.put(layer, (long) lora.rank()));
      return new LoraRewrite(graph, lora, ranks).rewritten();
    }
    return new PromptRewrite(graph, ((PromptTuning) tuning).tokens()).rewritten();
  }

  /**
   * Checks that the longest texts still have positions with what a tuning puts before them.
   *
   * @param signature of the data to tune on
   * @throws ValidationException if the model's table of positions is too short
   * @throws io.athanor.api.error.UnsupportedException if the model cannot have virtual tokens
   */
  public static void requirePositions(Tuning tuning, Graph graph, Signature signature) {
    if (tuning instanceof PromptTuning prompt) {
      List<String> problems = PromptRewrite.lackOfPositions(graph, prompt.tokens(), signature);
      if (!problems.isEmpty()) {
        throw new ValidationException("tuning of '" + graph.name() + "'", problems);
      }
    }
  }

  static void requirePlain(Graph graph) {
    boolean plain =
        graph.parameters().stream()
            .map(Parameter::name)
            .noneMatch(name -> LoraRewrite.isAdapter(name) || name.equals(PromptRewrite.PARAMETER));
    if (!plain) {
      throw new ValidationException(
          "tuning of '" + graph.name() + "'",
          List.of(
              "it already has adapters. Merge them first, or go on training them with"
                  + " FullTuning.everything(), which leaves frozen what they froze"));
    }
  }

  private static List<Parameter> added(Graph graph, Weights known) {
    return graph.parameters().stream()
        .filter(parameter -> !known.tensors().containsKey(parameter.name()))
        .toList();
  }

  /** Each adapter draws from a stream of its own, derived from its name. */
  private static Weights stacked(Lora lora, List<Parameter> added, long seed) {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    for (Parameter parameter : added) {
      Shape one = new Shape(parameter.shape().dims().subList(1, 3));
      List<Parameter> each = new ArrayList<>();
      for (String adapter : lora.adapters()) {
        String name = adapter + "/" + parameter.name();
        each.add(new Parameter(name, one, parameter.initializer(), Parameter.Role.TRAINED));
      }
      tensors.put(
          parameter.name(),
          Stacks.stack(List.copyOf(Weights.initialize(each, seed).tensors().values())));
    }
    return Weights.of(tensors);
  }

  private static long[] ids(
      PromptTuning prompt, Optional<Tokenizer> tokenizer, long vocabulary, long seed) {
    long[] ids = new long[prompt.tokens()];
    if (prompt.text().isEmpty()) {
      SplittableRandom random = new SplittableRandom(seed);
      for (int i = 0; i < ids.length; i++) {
        ids[i] = random.nextLong(vocabulary);
      }
      return ids;
    }
    List<Tokenizer.Token> tokens =
        tokenizer
            .orElseThrow(
                () ->
                    new ValidationException(
                        "prompt tuning",
                        List.of("the data have no text, so virtual tokens cannot begin as one")))
            .tokenize(prompt.text().get());
    if (tokens.isEmpty()) {
      throw new ValidationException(
          "prompt tuning", List.of("'" + prompt.text().get() + "' has no token"));
    }
    for (int i = 0; i < ids.length; i++) {
      ids[i] = tokens.get(i % tokens.size()).id();
      if (ids[i] >= vocabulary) {
        throw new ValidationException(
            "prompt tuning",
            List.of(
                "the tokenizer gives the id "
                    + ids[i]
                    + " and the model has a vocabulary of "
                    + vocabulary));
      }
    }
    return ids;
  }

  private static Tensor rows(Tensor table, long[] ids) {
    int size = Math.toIntExact(table.size(1));
    FloatBuffer from = table.floatBuffer();
    ByteBuffer bytes = Tensor.allocate(DType.F32, (long) ids.length * size);
    FloatBuffer to = bytes.asFloatBuffer();
    for (long id : ids) {
      to.put(from.slice(Math.toIntExact(id * size), size));
    }
    return Tensor.of(DType.F32, bytes, ids.length, size);
  }
}
