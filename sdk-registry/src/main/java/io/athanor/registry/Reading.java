package io.athanor.registry;

import io.athanor.api.common.Digest;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.NotFoundException;
import io.athanor.api.error.StorageException;
import io.athanor.api.eval.EvaluationReport;
import io.athanor.api.eval.ReportJson;
import io.athanor.api.registry.ModelVersion;
import io.athanor.api.registry.Permission;
import io.athanor.api.registry.SemanticVersion;
import io.athanor.api.registry.VersionId;
import io.athanor.registry.store.Session;
import io.athanor.registry.store.Transactions.Work;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
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
              require(session, model);
              return work.run(session);
            });
  }

  /** Reads something about all models. */
  <T> T ofAll(Work<T> work) {
    return of(Access.ANY, work);
  }

  void require(Session session, String model) throws SQLException {
    registry.access().require(session, registry.principal(), Permission.READ, model, Access.ANY);
  }

  /** Says of a model's name whether it may be read. */
  Predicate<String> readable(Session session) throws SQLException {
    return registry
        .access()
        .readable(session, registry.principal())
        .<Predicate<String>>map(
            grants -> name -> grants.stream().anyMatch(grant -> grant.covers(name, Access.ANY)))
        .orElse(name -> true);
  }

  List<String> models() {
    return registry.transactions().read(this::models);
  }

  private List<String> models(Session session) throws SQLException {
    return registry.versionTable().names(session).stream().filter(readable(session)).toList();
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
              Predicate<String> readable = readable(session);
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

  /**
   * The report with a digest.
   *
   * @throws FormatException if it is damaged
   */
  EvaluationReport report(Digest digest) {
    Path file = registry.files().content(digest);
    try {
      byte[] content = Files.readAllBytes(file);
      if (!Digest.of(content).equals(digest)) {
        throw new FormatException(
            file.toString(),
            "damaged or changed: expected digest " + digest + ", got " + Digest.of(content));
      }
      return ReportJson.read(file.toString(), new String(content, StandardCharsets.UTF_8));
    } catch (IOException e) {
      throw new StorageException(file.toString(), "cannot be read (" + e + ")", e);
    }
  }
}
