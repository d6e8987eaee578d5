package io.athanor.api.deploy;

import io.athanor.api.common.Digest;
import io.athanor.api.data.Encoding;
import io.athanor.api.data.FeatureEncoding;
import io.athanor.api.data.Schema;
import io.athanor.api.data.Task;
import io.athanor.api.error.UnsupportedException;
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
 * @param encoding how it reads rows or text
 * @param metrics measured in training and evaluation
 */
public record ServedModel(
    String name,
    String version,
    String architecture,
    Digest weights,
    Encoding encoding,
    Map<String, Double> metrics) {
  public ServedModel {
    metrics = Collections.unmodifiableMap(new TreeMap<>(metrics));
  }

  /**
   * How it reads rows.
   *
   * @throws UnsupportedException if it is a language model
   */
  public FeatureEncoding features() {
    if (encoding instanceof FeatureEncoding features) {
      return features;
    }
    throw new UnsupportedException(
        this + " reads text, not rows, and predicts no column",
        "Generate text or embed it instead");
  }

  /**
   * The columns a row should have, and the column it predicts.
   *
   * @throws UnsupportedException if it is a language model
   */
  public Schema schema() {
    return features().schema();
  }

  /** What it does. */
  public Task task() {
    return encoding.task();
  }

  /** For example {@code "spam-filter:3"}. */
  @Override
  public String toString() {
    return name + ":" + version;
  }
}
