package io.athanor.api.model;

import io.athanor.api.common.Digest;
import io.athanor.api.data.DataProvenance;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What made a model; enough to make it again.
 *
 * @param created when training ended
 * @param seed of weights, data order and dropout
 * @param plan the training plan as JSON
 * @param data the training data
 * @param base digest of the weights this one was made from, if any: those it continues, that an
 *     adapter was put beside, that were compressed, or those of a teacher
 * @param environment library, backend, engine, JVM, operating system, device: whatever changes bits
 */
public record Provenance(
    Instant created,
    long seed,
    String plan,
    List<DataProvenance> data,
    Optional<Digest> base,
    Map<String, String> environment) {
  public Provenance {
    data = List.copyOf(data);
    environment = Map.copyOf(environment);
  }
}
