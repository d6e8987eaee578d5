package io.athanor.model.arch;

import io.athanor.api.common.Tensor;
import io.athanor.api.data.Encoding;
import io.athanor.api.data.Feature;
import io.athanor.api.data.LanguageEncoding;
import io.athanor.api.data.Task;
import io.athanor.api.data.Tokenizer;
import io.athanor.api.error.UnsupportedException;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.Node;
import io.athanor.api.graph.Parameter;
import io.athanor.api.graph.Widened;
import io.athanor.api.model.ModelArtifact;
import io.athanor.model.format.PretrainedModel;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/** A trained model as Hugging Face's classes know it. */
final class Publication {
  private static final String TYPE = LlamaOptions.TYPE;

  private final ModelArtifact artifact;
  private final LanguageModel model;

  Publication(ModelArtifact stored) {
    Widened wide = Widened.of(stored.graph(), stored.weights());
    this.artifact =
        new ModelArtifact(
            stored.architecture(),
            stored.config(),
            wide.graph(),
            wide.weights(),
            stored.encoding(),
            stored.metrics(),
            stored.provenance());
    Map<String, Object> config = new LinkedHashMap<>(artifact.config());
    config.put(TYPE, artifact.architecture());
    String source = "the model '" + artifact.architecture() + "'";
    this.model = LanguageModel.of(ModelConfig.withNulls(source, config));
  }

  PretrainedModel pretrained() {
    Encoding encoding = artifact.encoding();
    LanguageEncoding language = encoding instanceof LanguageEncoding known ? known : null;
    return new PretrainedModel(
        model.settings().source(),
        config(language),
        tensors(),
        encoding.tokenizer().map(Tokenizer::json),
        language == null ? Optional.empty() : language.chatTemplate(),
        language == null ? Map.of() : language.specialTokens());
  }

  private Map<String, Tensor> tensors() {
    Set<String> held = new LinkedHashSet<>();
    artifact.graph().parameters().forEach(parameter -> held.add(parameter.name()));
    Graph published = model.graph(artifact.encoding().signature());
    requireParametersOf(published, held);
    requireSameMathematics(published.forPrediction(), artifact.graph().forPrediction());
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    for (Parameter parameter : published.parameters()) {
      String name = parameter.name();
      Tensor tensor = artifact.weights().tensor(name);
      tensors.put(name, model.transposed(name) ? Pretrained.transposed(tensor) : tensor);
    }
    return tensors;
  }

  private void requireParametersOf(Graph published, Set<String> held) {
    Set<String> missing = new LinkedHashSet<>();
    Set<String> surplus = new LinkedHashSet<>(held);
    for (Parameter parameter : published.parameters()) {
      if (!surplus.remove(parameter.name())) {
        missing.add(parameter.name());
      }
    }
    if (!surplus.isEmpty()) {
      throw new UnsupportedException(
          "the model has parameters that "
              + model.name()
              + " has no place for, such as "
              + surplus.iterator().next(),
          "Merge its adapters first, or write them as an adapter folder");
    }
    if (!missing.isEmpty()) {
      throw otherGraph("lacks the parameter '" + missing.iterator().next() + "'");
    }
  }

  /** Only the configuration is published, and transformers goes by that. */
  private void requireSameMathematics(Graph published, Graph own) {
    Iterator<Node> expected = published.nodes().iterator();
    for (Node node : own.nodes()) {
      if (!expected.hasNext() || !node.equals(expected.next())) {
        throw otherGraph("differs at the layer '" + node.name() + "'");
      }
    }
    if (expected.hasNext() || !published.outputs().equals(own.outputs())) {
      throw otherGraph("ends elsewhere");
    }
  }

  private UnsupportedException otherGraph(String how) {
    return new UnsupportedException(
        "the model computes something else than "
            + model.className(artifact.task())
            + " of its configuration: its graph "
            + how,
        "Write it as ONNX or TorchScript, which hold any graph");
  }

  private Map<String, @Nullable Object> config(@Nullable LanguageEncoding language) {
    Map<String, @Nullable Object> config = new LinkedHashMap<>(model.settings().entries());
    List.of("dtype", "_name_or_path").forEach(config::remove);
    Task task = artifact.task();
    config.put("architectures", List.of(model.className(task)));
    config.put("torch_dtype", "float32");
    if (artifact.encoding().signature().features().get(0) instanceof Feature.Tokens tokens) {
      config.putIfAbsent("vocab_size", tokens.vocabularySize());
    }
    if (language != null && !language.endIds().isEmpty()) {
      config.putIfAbsent("eos_token_id", language.endIds().get(0));
    }
    if (task instanceof Task.Classification classification) {
      putLabels(config, classification.labels());
      config.put("problem_type", "single_label_classification");
    } else if (task instanceof Task.Regression) {
      putLabels(config, List.of("LABEL_0"));
      config.put("problem_type", "regression");
    }
    return config;
  }

  /**
   * The labels, and the padding, by which decoders find the last token of a row. To RoBERTa it says
   * where positions begin, so encoders keep theirs.
   */
  private void putLabels(Map<String, @Nullable Object> config, List<String> labels) {
    Map<String, Object> names = new LinkedHashMap<>();
    Map<String, Object> numbers = new LinkedHashMap<>();
    for (int i = 0; i < labels.size(); i++) {
      names.put(String.valueOf(i), labels.get(i));
      numbers.put(labels.get(i), i);
    }
    config.put("id2label", names);
    config.put("label2id", numbers);
    if (!(model instanceof Bert)) {
      config.put("pad_token_id", artifact.encoding().tokenizer().orElseThrow().paddingId());
    }
  }
}
