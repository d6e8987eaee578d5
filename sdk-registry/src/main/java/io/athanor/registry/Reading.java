package io.athanor.registry;

import io.athanor.api.error.NotFoundException;
import io.athanor.api.registry.ModelVersion;
import io.athanor.api.registry.SemanticVersion;
import io.athanor.api.registry.VersionId;
import io.athanor.registry.store.Session;
import io.athanor.registry.store.Transactions.Work;
import java.sql.SQLException;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Predicate;

/** What a registry tells somebody, as far as they may read it. */
record Reading(ModelRegistry registry) {

  /** Reads something about a model. */
  <T> T of(String model, Work<T> work) {
    return registry
        .transactions()
        .read(
            session -> {
              registry.access().requireReadable(session, model);
              return work.run(session);
            });
  }

  /** Reads something about all models. */
  <T> T ofAll(Work<T> work) {
    return of(Access.ANY, work);
  }

  List<String> models() {
    return registry.transactions().read(this::models);
  }

  private List<String> models(Session session) throws SQLException {
    return registry.versionTable().names(session).stream()
        .filter(registry.access().readable(session))
        .toList();
  }

  List<ModelVersion> versions(String name) {
    return of(
        name,
        session -> {
          List<ModelVersion> all = registry.versionTable().ofModel(session, name);
          if (all.isEmpty()) {
            throw new NotFoundException(
                "model '" + name + "'", models(session), "Register a version of it first");
          }
          return all;
        });
  }

  ModelVersion version(VersionId id) {
    return of(id.name(), session -> registry.versionTable().find(session, id))
        .orElseThrow(
            () ->
                new NotFoundException(
                    "version " + id,
                    versions(id.name()).stream().map(v -> v.id().toString()).toList(),
                    "Versions that were deleted do not come back"));
  }

  ModelVersion version(String name, SemanticVersion semantic) {
    return of(
            name,
            session -> {
              Optional<VersionId> id = registry.versionTable().find(session, name, semantic);
              return found(session, id);
            })
        .orElseThrow(
            () ->
                new NotFoundException(
                    "version " + semantic + " of " + name,
                    versions(name).stream()
                        .flatMap(v -> v.semanticVersion().stream())
                        .map(SemanticVersion::toString)
                        .toList(),
                    "A version gets such a number with registration(..).semanticVersion(..)"));
  }

  ModelVersion alias(String name, String alias) {
    return of(name, session -> found(session, registry.aliasTable().current(session, name, alias)))
        .orElseThrow(
            () -> {
              versions(name);
              return new NotFoundException(
                  "alias '" + alias + "' of " + name,
                  registry.aliases(name).keySet(),
                  "Point it to a version with promote(version, \"" + alias + "\").apply()");
            });
  }

  private Optional<ModelVersion> found(Session session, Optional<VersionId> id)
      throws SQLException {
    return id.isEmpty() ? Optional.empty() : registry.versionTable().find(session, id.get());
  }

  /**
   * Checks that a version is there.
   *
   * @throws NotFoundException if not
   */
  void requireThere(Session session, VersionId id) throws SQLException {
    if (registry.versionTable().place(session, id).isEmpty()) {
      throw new NotFoundException("version " + id, List.of(), "It has been deleted");
    }
  }

  Moment asOf(Instant time) {
    return registry
        .transactions()
        .read(
            session -> {
              Map<String, Map<String, VersionId>> all = new TreeMap<>();
              Predicate<String> readable = registry.access().readable(session);
              registry
                  .aliasTable()
                  .at(session, time)
                  .forEach(
                      (model, aliases) -> {
                        if (readable.test(model)) {
                          all.put(model, aliases);
                        }
                      });
              return new Moment(time, all);
            });
  }
}
