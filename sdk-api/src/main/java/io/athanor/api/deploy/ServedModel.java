package io.athanor.api.deploy;

import io.athanor.api.common.Digest;
import io.athanor.api.data.FeatureEncoding;
import io.athanor.api.data.Schema;
import io.athanor.api.data.Task;
import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;

/**
 * The model behind a deployment.
 *
 * @param name the model's name
 * @param version the registry's number, or the first digits of the weights' digest
 * @param architecture the architecture's name
 * @param weights digest of the weights
 * @param encoding how it reads rows
 * @param metrics measured in training and evaluation
 */
public record ServedModel(
    String name,
    String version,
    String architecture,
    Digest weights,
    FeatureEncoding encoding,
    Map<String, Double> metrics) {
  public ServedModel {
    metrics = Collections.unmodifiableMap(new TreeMap<>(metrics));
  }

  /** The columns a row should have, and the column it predicts. */
  public Schema schema() {
    return encoding.schema();
  }

  /** What it predicts. */
  public Task task() {
    return encoding.target().task();
  }

  /** For example {@code "spam-filter:3"}. */
  @Override
  public String toString() {
    return name + ":" + version;
  }
}
