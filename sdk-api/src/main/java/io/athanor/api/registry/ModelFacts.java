package io.athanor.api.registry;

import io.athanor.api.common.DType;
import io.athanor.api.common.Digest;
import io.athanor.api.common.Tensor;
import io.athanor.api.data.DataProvenance;
import io.athanor.api.data.LanguageEncoding;
import io.athanor.api.data.Task;
import io.athanor.api.model.ModelArtifact;
import java.util.Comparator;
import java.util.EnumMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;

/**
 * What a model's files say of it. All but the type is absent for files that are no Athanor
 * artifact.
 *
 * @param type what it does
 * @param task for example {@code "classification"}
 * @param architecture the architecture's name
 * @param backend the backend that trained it
 * @param precision the format that most numbers of its weights have
 * @param parameters the number of trained numbers
 * @param contextLength the most tokens it reads at once, for language models
 * @param weights digest of the weights
 * @param data fingerprints of the training data
 * @param base digest of the weights it was made from
 * @param plan the training plan as JSON
 */
public record ModelFacts(
    ModelType type,
    Optional<String> task,
    Optional<String> architecture,
    Optional<String> backend,
    Optional<DType> precision,
    OptionalLong parameters,
    OptionalInt contextLength,
    Optional<Digest> weights,
    List<Digest> data,
    Optional<Digest> base,
    Optional<String> plan) {
  public ModelFacts {
    data = List.copyOf(data);
  }

  /** Of files that are no Athanor artifact. */
  public static ModelFacts unknown() {
    return new ModelFacts(
        ModelType.CUSTOM,
        Optional.empty(),
        Optional.empty(),
        Optional.empty(),
        Optional.empty(),
        OptionalLong.empty(),
        OptionalInt.empty(),
        Optional.empty(),
        List.of(),
        Optional.empty(),
        Optional.empty());
  }

  /** Of one of our models. */
  public static ModelFacts of(ModelArtifact model) {
    return new ModelFacts(
        ModelType.of(model),
        Optional.of(task(model.task())),
        Optional.of(model.architecture()),
        Optional.ofNullable(model.provenance().environment().get("backend")),
        precision(model.weights().tensors()),
        OptionalLong.of(model.graph().parameterCount()),
        model.encoding() instanceof LanguageEncoding language
            ? OptionalInt.of(language.contextLength())
            : OptionalInt.empty(),
        Optional.of(model.weightsDigest()),
        model.provenance().data().stream().map(DataProvenance::fingerprint).toList(),
        model.provenance().base(),
        Optional.of(model.provenance().plan()));
  }

  private static String task(Task task) {
    return task.getClass()
        .getSimpleName()
        .replaceAll("(?<=[a-z])(?=[A-Z])", "-")
        .toLowerCase(Locale.ROOT);
  }

  private static Optional<DType> precision(Map<String, Tensor> weights) {
    Map<DType, Long> numbers = new EnumMap<>(DType.class);
    weights.values().forEach(w -> numbers.merge(w.dtype(), w.elements(), Long::sum));
    return numbers.entrySet().stream()
        .max(Comparator.comparingLong(Map.Entry::getValue))
        .map(Map.Entry::getKey);
  }
}
