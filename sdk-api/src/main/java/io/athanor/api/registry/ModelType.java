package io.athanor.api.registry;

import io.athanor.api.data.ColumnType;
import io.athanor.api.data.LanguageEncoding;
import io.athanor.api.data.Task;
import io.athanor.api.model.ModelArtifact;
import java.util.Set;
import java.util.stream.Collectors;

/** What a model does. */
public enum ModelType {
  /** Continues text. */
  LANGUAGE_MODEL,
  /** Turns text into vectors. */
  EMBEDDING,
  CLASSIFICATION,
  REGRESSION,
  /** Makes something else than the text after a text. */
  GENERATION,
  /** Reads text and pictures together. */
  MULTIMODAL,
  /** Files of other tools, of which nothing is known. */
  CUSTOM;

  /** The type of one of our models. */
  public static ModelType of(ModelArtifact model) {
    if (model.task() instanceof Task.Embedding) {
      return EMBEDDING;
    }
    if (model.encoding() instanceof LanguageEncoding) {
      return LANGUAGE_MODEL;
    }
    Set<ColumnType> inputs =
        model.featureEncoding().schema().features().stream()
            .map(column -> column.type())
            .collect(Collectors.toSet());
    if (inputs.contains(ColumnType.TEXT) && inputs.contains(ColumnType.IMAGE)) {
      return MULTIMODAL;
    }
    return model.task() instanceof Task.Classification ? CLASSIFICATION : REGRESSION;
  }
}
