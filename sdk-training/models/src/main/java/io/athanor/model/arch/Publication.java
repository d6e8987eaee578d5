package io.athanor.model.arch;

import io.athanor.api.common.Tensor;
import io.athanor.api.data.Encoding;
import io.athanor.api.data.Feature;
import io.athanor.api.data.LanguageEncoding;
import io.athanor.api.data.Task;
import io.athanor.api.data.Tokenizer;
import io.athanor.api.error.UnsupportedException;
import io.athanor.api.graph.Parameter;
import io.athanor.api.model.ModelArtifact;
import io.athanor.model.format.PretrainedModel;
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

  Publication(ModelArtifact artifact) {
    this.artifact = artifact;
    Map<String, Object> stored = new LinkedHashMap<>(artifact.config());
    stored.put(TYPE, artifact.architecture());
    String source = "the model '" + artifact.architecture() + "'";
    this.model = LanguageModel.of(ModelConfig.withNulls(source, stored));
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
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    for (Parameter parameter : model.graph(artifact.encoding().signature()).parameters()) {
      String name = parameter.name();
      held.remove(name);
      Tensor tensor = artifact.weights().tensor(name);
      tensors.put(name, model.transposed(name) ? Pretrained.transposed(tensor) : tensor);
    }
    if (!held.isEmpty()) {
      throw new UnsupportedException(
          "the model has parameters that "
              + model.name()
              + " has no place for, such as "
              + held.iterator().next(),
          "Merge its adapters first, or write them as an adapter folder");
    }
    return tensors;
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

  /** The labels, and the padding, by which decoders find the last token of a row. */
  private void putLabels(Map<String, @Nullable Object> config, List<String> labels) {
    Map<String, Object> names = new LinkedHashMap<>();
    Map<String, Object> numbers = new LinkedHashMap<>();
    for (int i = 0; i < labels.size(); i++) {
      names.put(String.valueOf(i), labels.get(i));
      numbers.put(labels.get(i), i);
    }
    config.put("id2label", names);
    config.put("label2id", numbers);
    int padding = artifact.encoding().tokenizer().orElseThrow().paddingId();
    if (model instanceof Bert) {
      config.putIfAbsent("pad_token_id", padding);
    } else {
      config.put("pad_token_id", padding);
    }
  }
}
