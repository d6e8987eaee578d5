package io.athanor.server;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Set;
import java.util.TreeSet;

/** What an OpenAPI document says there is. */
final class Documented {
  private Documented() {}

  /** Each as {@code get /path}. */
  static Set<String> operations(JsonNode document) {
    Set<String> all = new TreeSet<>();
    document
        .get("paths")
        .properties()
        .forEach(
            path ->
                path.getValue()
                    .fieldNames()
                    .forEachRemaining(method -> all.add(method + " " + path.getKey())));
    return all;
  }
}
