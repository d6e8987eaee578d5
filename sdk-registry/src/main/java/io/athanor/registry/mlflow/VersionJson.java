package io.athanor.registry.mlflow;

import io.athanor.api.common.JsonFields;
import io.athanor.api.error.FormatException;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** Reads what a server says of versions and runs; fields that are empty are left out there. */
final class VersionJson {
  private static final int MOST = 10_000;

  private VersionJson() {}

  static MlflowVersion version(String server, JsonFields json) {
    String name = json.text("name");
    String number = json.text("version");
    if (!number.matches("[1-9][0-9]{0,8}")) {
      throw new FormatException(server, "expected the number of a version, got '" + number + "'");
    }
    return new MlflowVersion(
        name,
        Integer.parseInt(number),
        json.has("description") ? json.text("description") : "",
        json.has("tags") ? tags(server, json) : Map.of(),
        json.has("aliases") ? json.texts("aliases", MOST) : List.of(),
        json.has("run_id")
            ? Optional.of(json.text("run_id")).filter(id -> !id.isEmpty())
            : Optional.empty(),
        Map.of(),
        json.has("source") ? json.text("source") : "");
  }

  private static Map<String, String> tags(String server, JsonFields json) {
    Map<String, String> tags = new TreeMap<>();
    json.objects("tags", MOST, tag -> tag)
        .forEach(tag -> tags.put(tag.text("key"), tag.has("value") ? tag.text("value") : ""));
    if (tags.keySet().stream().anyMatch(String::isBlank)) {
      throw new FormatException(server, "a tag of a version has no name");
    }
    return tags;
  }

  /** The finite metrics of a run. */
  static Map<String, Double> metrics(String server, JsonFields answer) {
    JsonFields run = answer.object("run");
    Map<String, Double> metrics = new TreeMap<>();
    if (run.has("data") && run.object("data").has("metrics")) {
      for (JsonFields metric : run.object("data").objects("metrics", MOST, one -> one)) {
        String name = metric.text("key");
        if (name.isBlank()) {
          throw new FormatException(server, "a metric of a run has no name");
        }
        if (metric.has("value") && metric.node("value").isNumber()) {
          metrics.put(name, metric.number("value"));
        }
      }
    }
    return metrics;
  }
}
