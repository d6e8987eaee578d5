package io.athanor.model.arch;

import io.athanor.api.data.Task;
import io.athanor.api.error.UnsupportedException;
import io.athanor.api.model.Architecture;
import java.util.Map;

/** An architecture of Hugging Face's, with its names and its configuration. */
interface LanguageModel extends Architecture {
  /** The architecture of a configuration, chosen by its {@code model_type}. */
  static LanguageModel of(ModelConfig config) {
    String type = config.text("model_type", "");
    if (LlamaOptions.CLASSES.containsKey(type)) {
      return new Llama(config);
    }
    if (type.equals(Gpt2.NAME)) {
      return new Gpt2(config);
    }
    if (Bert.CLASSES.containsKey(type)) {
      return new Bert(config);
    }
    throw config.unsupported(
        "model_type",
        "Known are "
            + LlamaOptions.CLASSES.keySet().stream().sorted().toList()
            + ", "
            + Gpt2.NAME
            + ", "
            + Bert.CLASSES.keySet().stream().sorted().toList());
  }

  ModelConfig settings();

  @Override
  default Map<String, Object> config() {
    return settings().withoutNulls();
  }

  /** What the names of the body begin with in models that have a head, with the dot. */
  String prefix();

  /** Whether a parameter belongs to the head of a task, which a checkpoint may lack. */
  boolean head(String parameter);

  /** Whether checkpoints hold this matrix as {@code [in, out]}. */
  default boolean transposed(String parameter) {
    return false;
  }

  /** The class of transformers that does this. */
  String className(Task task);

  /** Most tokens of a sequence. */
  int contextLength();

  default UnsupportedException cannot(Task task) {
    return new UnsupportedException(
        name() + " models cannot do the task " + task.getClass().getSimpleName(),
        "Take an encoder such as BERT for embeddings, and a decoder such as Llama for generation"
            + " and preferences");
  }
}
