package io.athanor.registry;

import io.athanor.api.registry.VersionId;
import java.time.Instant;
import java.util.Collections;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * What was behind every alias at some time. Versions that were deleted later are still named.
 *
 * @param at when
 * @param aliases of each model with an alias then, what each alias pointed to
 */
public record Moment(Instant at, Map<String, Map<String, VersionId>> aliases) {
  public Moment {
    Map<String, Map<String, VersionId>> copy = new TreeMap<>();
    aliases.forEach(
        (model, its) -> copy.put(model, Collections.unmodifiableMap(new TreeMap<>(its))));
    aliases = Collections.unmodifiableMap(copy);
  }

  /** The aliases of a model; none if it had none. */
  public Map<String, VersionId> of(String model) {
    return aliases.getOrDefault(model, Map.of());
  }

  /** What an alias pointed to. */
  public Optional<VersionId> version(String model, String alias) {
    return Optional.ofNullable(of(model).get(alias));
  }

  /** A line for each alias. */
  @Override
  public String toString() {
    StringBuilder text = new StringBuilder("At " + at + "\n");
    aliases.forEach(
        (model, its) ->
            its.forEach(
                (alias, version) ->
                    text.append(model)
                        .append('@')
                        .append(alias)
                        .append(" -> ")
                        .append(version)
                        .append('\n')));
    return text.toString();
  }
}
