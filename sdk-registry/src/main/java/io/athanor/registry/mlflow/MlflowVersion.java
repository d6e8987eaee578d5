package io.athanor.registry.mlflow;

import io.athanor.api.registry.ModelNotes;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * A model version as an MLflow server tells it.
 *
 * @param name the registered model's name on the server
 * @param number its version there
 * @param description may be empty
 * @param tags every tag
 * @param aliases those that point to it
 * @param run the run it came from
 * @param metrics of that run, the last value of each; those that are not finite are left out
 * @param source where the server says its files are, for example {@code
 *     "mlflow-artifacts:/1/5f0c/artifacts/model"}
 */
public record MlflowVersion(
    String name,
    int number,
    String description,
    Map<String, String> tags,
    List<String> aliases,
    Optional<String> run,
    Map<String, Double> metrics,
    String source) {
  static final String OWN = "athanor.";
  static final String DIGEST = OWN + "digest";
  static final String VERSION = OWN + "version";
  static final String LICENCE = OWN + "licence";

  public MlflowVersion {
    tags = Collections.unmodifiableMap(new TreeMap<>(tags));
    aliases = List.copyOf(aliases);
    metrics = Collections.unmodifiableMap(new TreeMap<>(metrics));
  }

  /** What people say of it: description and tags, and the licence if this library published it. */
  public ModelNotes notes() {
    ModelNotes notes = ModelNotes.none().withDescription(description);
    for (Map.Entry<String, String> tag : tags.entrySet()) {
      if (!tag.getKey().startsWith(OWN)) {
        notes = notes.withTag(tag.getKey(), tag.getValue());
      }
    }
    String licence = tags.getOrDefault(LICENCE, "");
    return licence.isBlank() ? notes : notes.withLicence(licence);
  }

  /** For example {@code "spam-filter/3"}. */
  @Override
  public String toString() {
    return name + "/" + number;
  }
}
