package io.athanor.training.tuning;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.athanor.api.backend.Backend;
import io.athanor.api.backend.CompiledModel;
import io.athanor.api.backend.Precision;
import io.athanor.api.common.Digest;
import io.athanor.api.common.Tensor;
import io.athanor.api.error.GraphException;
import io.athanor.api.error.ValidationException;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.Parameter;
import io.athanor.api.graph.Weights;
import io.athanor.api.model.ModelArtifact;
import io.athanor.api.model.Provenance;
import io.athanor.api.training.Lora;
import io.athanor.api.training.PromptTuning;
import io.athanor.api.training.Tuning;
import io.athanor.training.plan.TuningYaml;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Takes tuned models apart and puts them together. A tuned model says in its config, under {@link
 * #TUNING}, how it was tuned.
 */
public final class Adapters {
  /** The key of a tuned model's config that holds the settings of its tuning. */
  public static final String TUNING = "tuning";

  private Adapters() {}

  /** A config that says how the model is tuned. */
  public static Map<String, Object> config(Map<String, Object> config, Tuning tuning) {
    Map<String, Object> extended = new TreeMap<>(config);
    extended.put(TUNING, TuningYaml.settings(tuning));
    return extended;
  }

  private static Tuning tuning(ModelArtifact model) {
    if (!(model.config().get(TUNING) instanceof Map<?, ?> settings)) {
      throw new ValidationException(
          "model '" + model.architecture() + "'",
          List.of("it has no adapter: it was not tuned by Lora or PromptTuning"));
    }
    return TuningYaml.read("config of '" + model.architecture() + "'", settings);
  }

  private static Lora lora(ModelArtifact model, boolean several) {
    if (tuning(model) instanceof Lora lora && lora.adapters().isEmpty() != several) {
      return lora;
    }
    throw new ValidationException(
        "model '" + model.architecture() + "'",
        List.of(
            several
                ? "it does not have several LoRA adapters to split"
                : "it does not have one LoRA adapter; split several first, and virtual tokens"
                    + " cannot be merged"));
  }

  /** How many adapters stand side by side in a model, of which each row chooses one; else 0. */
  public static int count(Graph graph) {
    return graph.parameters().stream()
        .filter(parameter -> parameter.name().endsWith(LoraRewrite.STACKED_A))
        .mapToInt(parameter -> Math.toIntExact(parameter.shape().dim(0).offset()))
        .findFirst()
        .orElse(0);
  }

  /**
   * What tuning added to a model; shares its memory.
   *
   * @throws ValidationException if it has no adapter, or several
   */
  public static Adapter extract(ModelArtifact model) {
    Tuning tuning = tuning(model);
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    for (Parameter parameter : model.graph().parameters()) {
      if (parameter.trained()) {
        tensors.put(parameter.name(), model.weights().tensor(parameter.name()));
      }
    }
    return new Adapter(
        tuning, tensors, Optional.of(digestWithout(model.weights(), tensors.keySet())));
  }

  /**
   * A model with an adapter that was made for it. It has no metrics, as those were measured without
   * it; its provenance says that it was made from the base, and of the plan no more than the
   * tuning.
   *
   * @throws ValidationException if the adapter was made for another model: if layers are missing,
   *     shapes differ or the digests of the other weights do, or if its virtual tokens leave too
   *     few positions for the longest text; lists every problem
   */
  public static ModelArtifact attach(ModelArtifact base, Adapter adapter) {
    return attached(base, adapter, provenance(base, adapter.tuning()));
  }

  private static ModelArtifact attached(
      ModelArtifact base, Adapter adapter, Provenance provenance) {
    requireFit(base, adapter);
    TunedModel.requirePlain(base.graph());
    Graph graph =
        adapter.tuning() instanceof Lora lora
            ? new LoraRewrite(base.graph(), lora, adapter.ranks()).rewritten()
            : new PromptRewrite(base.graph(), ((PromptTuning) adapter.tuning()).tokens())
                .rewritten();
    Weights weights = base.weights().with(Weights.of(adapter.tensors()));
    return model(
        base, config(base.config(), adapter.tuning()), graph, weights, Map.of(), provenance);
  }

  private static void requireFit(ModelArtifact base, Adapter adapter) {
    List<String> problems = new ArrayList<>();
    LinearLayers layers = new LinearLayers(base.graph());
    for (String layer : adapter.ranks().keySet()) {
      if (!layers.names().contains(layer)) {
        problems.add("the model has no linear layer '" + layer + "'");
      } else if (layers.isTied(layer)) {
        problems.add("the weight of '" + layer + "' is also a table of vectors");
      } else {
        long[] a = {adapter.ranks().get(layer), layers.in(layer)};
        long[] b = {layers.out(layer), adapter.ranks().get(layer)};
        requireShape(
            layer + LoraRewrite.A, adapter.tensors().get(layer + LoraRewrite.A), a, problems);
        requireShape(
            layer + LoraRewrite.B, adapter.tensors().get(layer + LoraRewrite.B), b, problems);
      }
    }
    for (String name : adapter.replaced()) {
      Tensor own = base.weights().tensors().get(name);
      if (own == null) {
        problems.add("the model has no parameter '" + name + "'");
      } else {
        requireShape(name, adapter.tensors().get(name), own.shape(), problems);
      }
    }
    Tensor vectors = adapter.tensors().get(PromptRewrite.PARAMETER);
    if (vectors != null) {
      long size = base.weights().tensor(PromptRewrite.table(base.graph()).weight()).size(1);
      int count = Math.toIntExact(vectors.size(0));
      requireShape(PromptRewrite.PARAMETER, vectors, new long[] {count, size}, problems);
      problems.addAll(
          PromptRewrite.lackOfPositions(base.graph(), count, base.encoding().signature()));
    }
    if (problems.isEmpty() && adapter.base().isPresent()) {
      Digest own = digestWithout(base.weights(), adapter.tensors().keySet());
      if (!own.equals(adapter.base().get())) {
        problems.add(
            "it was made with weights of digest "
                + adapter.base().get().brief()
                + " and these have "
                + own.brief()
                + "; attach it to the model it was made with");
      }
    }
    if (!problems.isEmpty()) {
      throw new ValidationException("adapter for '" + base.architecture() + "'", problems);
    }
  }

  private static void requireShape(
      String name, @Nullable Tensor tensor, long[] wanted, List<String> problems) {
    if (tensor == null || !Arrays.equals(tensor.shape(), wanted)) {
      problems.add("expected '" + name + "' " + Arrays.toString(wanted) + ", got " + tensor);
    }
  }

  /**
   * The weights of a tuned model that were there before it was tuned, under their names; those of
   * layers that were trained as a whole as they are now.
   */
  private static Weights withoutAdded(ModelArtifact model) {
    Map<String, Tensor> kept = new LinkedHashMap<>(model.weights().tensors());
    kept.keySet()
        .removeIf(name -> LoraRewrite.isAdapter(name) || name.equals(PromptRewrite.PARAMETER));
    return Weights.of(kept);
  }

  private static Digest digestWithout(Weights weights, Collection<String> names) {
    Map<String, Tensor> others = new LinkedHashMap<>(weights.tensors());
    others.keySet().removeAll(names);
    return Weights.of(others).digest();
  }

  /**
   * The model without its low-rank paths: their products are added to the weights they go beside,
   * {@code W + scale B A}. Every parameter is trained again when training goes on.
   *
   * @throws ValidationException if it does not have exactly one LoRA adapter
   */
  public static ModelArtifact merge(ModelArtifact model) {
    Lora lora = lora(model, false);
    Graph graph = LoraRewrite.undone(model.graph());
    Adapter adapter = extract(model);
    Weights weights = LowRank.added(withoutAdded(model), lora, adapter, new LinearLayers(graph), 1);
    return model(
        model, without(model.config()), graph, weights, model.metrics(), model.provenance());
  }

  /**
   * Takes an adapter out of the weights it was merged into, up to rounding in the last bit, and
   * puts it beside them again.
   *
   * @throws ValidationException if the adapter does not fit the model; lists every problem
   */
  public static ModelArtifact unmerge(ModelArtifact merged, Adapter adapter) {
    Adapter ofAnyBase = new Adapter(adapter.tuning(), adapter.tensors(), Optional.empty());
    requireFit(merged, ofAnyBase);
    if (!(adapter.tuning() instanceof Lora lora)) {
      throw new ValidationException("adapter", List.of("virtual tokens are never merged"));
    }
    Weights weights =
        LowRank.added(merged.weights(), lora, adapter, new LinearLayers(merged.graph()), -1);
    ModelArtifact base =
        model(merged, merged.config(), merged.graph(), weights, Map.of(), merged.provenance());
    return attached(base, ofAnyBase, merged.provenance());
  }

  /**
   * Checks that two models say the same.
   *
   * @param inputs for both
   * @param tolerance largest difference of any output's element, at least 0
   * @throws ValidationException if they differ by more; names the output
   */
  public static void requireAgreement(
      ModelArtifact one,
      ModelArtifact other,
      Backend backend,
      Map<String, Tensor> inputs,
      double tolerance) {
    Map<String, Tensor> expected = predict(one, backend, inputs);
    Map<String, Tensor> actual = predict(other, backend, inputs);
    expected.forEach(
        (output, tensor) -> {
          Tensor found = actual.get(output);
          double difference = found == null ? Double.NaN : difference(tensor, found);
          if (!(difference <= tolerance)) {
            throw new ValidationException(
                "agreement of two models",
                List.of(
                    "'"
                        + output
                        + "' differs by "
                        + difference
                        + "; expected at most "
                        + tolerance));
          }
        });
  }

  private static Map<String, Tensor> predict(
      ModelArtifact model, Backend backend, Map<String, Tensor> inputs) {
    try (CompiledModel compiled =
        backend.compile(model.graph().forPrediction(), model.weights(), Precision.F32)) {
      return compiled.predict(inputs);
    }
  }

  private static double difference(Tensor one, Tensor other) {
    if (!Arrays.equals(one.shape(), other.shape())) {
      return Double.NaN;
    }
    FloatBuffer a = one.floatBuffer();
    FloatBuffer b = other.floatBuffer();
    double largest = 0;
    while (a.hasRemaining()) {
      double difference = Math.abs((double) a.get() - b.get());
      largest = difference <= largest ? largest : difference;
    }
    return largest;
  }

  /**
   * Each of several adapters that were trained at once, by name.
   *
   * @throws ValidationException if the model does not have several
   */
  public static Map<String, Adapter> split(ModelArtifact model) {
    Lora lora = lora(model, true);
    Map<String, Tensor> all = new LinkedHashMap<>(model.weights().tensors());
    all.keySet().removeIf(name -> !LoraRewrite.isAdapter(name));
    Optional<Digest> base = Optional.of(digestWithout(model.weights(), all.keySet()));
    Lora alone = lora.adapters(new String[0]);
    Map<String, Adapter> adapters = new LinkedHashMap<>();
    for (int i = 0; i < lora.adapters().size(); i++) {
      Map<String, Tensor> tensors = new LinkedHashMap<>();
      for (Map.Entry<String, Tensor> stack : all.entrySet()) {
        String name =
            stack
                .getKey()
                .replace(LoraRewrite.STACKED_A, LoraRewrite.A)
                .replace(LoraRewrite.STACKED_B, LoraRewrite.B);
        tensors.put(name, Stacks.part(stack.getValue(), i));
      }
      adapters.put(lora.adapters().get(i), new Adapter(alone, tensors, base));
    }
    return adapters;
  }

  /**
   * One model with several adapters; each row chooses one by its number, in the order given.
   *
   * @param adapters by name; on the same layers, of one rank and scale, without layers trained as a
   *     whole
   * @throws ValidationException if one does not fit the model or the others; lists every problem
   */
  public static ModelArtifact stack(ModelArtifact base, Map<String, Adapter> adapters) {
    TunedModel.requirePlain(base.graph());
    List<Adapter> each = List.copyOf(adapters.values());
    List<String> problems = new ArrayList<>();
    if (each.isEmpty() || !(each.get(0).tuning() instanceof Lora first)) {
      throw new ValidationException("adapters", List.of("expected at least one, made by Lora"));
    }
    Adapter pattern = each.get(0);
    adapters.forEach(
        (name, adapter) -> {
          requireFit(base, adapter);
          adapter.differences(pattern).forEach(one -> problems.add("'" + name + "' " + one));
        });
    if (!problems.isEmpty()) {
      throw new ValidationException("adapters for '" + base.architecture() + "'", problems);
    }
    Lora together = first.adapters(adapters.keySet().toArray(String[]::new));
    Graph graph = new LoraRewrite(base.graph(), together, pattern.ranks()).rewritten();
    Map<String, Tensor> stacks = new LinkedHashMap<>();
    for (String layer : pattern.ranks().keySet()) {
      stacks.put(layer + LoraRewrite.STACKED_A, stacked(adapters, layer + LoraRewrite.A));
      stacks.put(layer + LoraRewrite.STACKED_B, stacked(adapters, layer + LoraRewrite.B));
    }
    return model(
        base,
        config(base.config(), together),
        graph,
        base.weights().with(Weights.of(stacks)),
        Map.of(),
        provenance(base, together));
  }

  private static Tensor stacked(Map<String, Adapter> adapters, String name) {
    List<Tensor> parts = new ArrayList<>();
    for (Adapter adapter : adapters.values()) {
      Tensor part = adapter.tensors().get(name);
      if (part == null) {
        throw new GraphException(name, "an adapter lacks this tensor");
      }
      parts.add(part);
    }
    return Stacks.stack(parts);
  }

  private static Map<String, Object> without(Map<String, Object> config) {
    Map<String, Object> plain = new TreeMap<>(config);
    plain.remove(TUNING);
    return plain;
  }

  private static Provenance provenance(ModelArtifact base, Tuning tuning) {
    Provenance made = base.provenance();
    return new Provenance(
        made.created(),
        made.seed(),
        JsonNodeFactory.instance.objectNode().set(TUNING, TuningYaml.tree(tuning)).toString(),
        made.data(),
        Optional.of(base.weightsDigest()),
        made.environment());
  }

  private static ModelArtifact model(
      ModelArtifact from,
      Map<String, Object> config,
      Graph graph,
      Weights weights,
      Map<String, Double> metrics,
      Provenance provenance) {
    return new ModelArtifact(
            from.architecture(), config, graph, weights, from.encoding(), metrics, provenance)
        .withBaseline(from.baseline());
  }
}
