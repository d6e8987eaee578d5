package io.athanor.registry;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.athanor.api.error.ConflictException;
import io.athanor.api.error.NotFoundException;
import io.athanor.api.registry.ModelNotes;
import io.athanor.api.registry.ModelVersion;
import io.athanor.api.registry.Permission;
import io.athanor.registry.governance.LicenceExpression;
import io.athanor.registry.store.AuditTable.Change;
import io.athanor.registry.store.Session;
import java.sql.SQLException;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;

/**
 * A change of what people say of a version. It applies to the version as it was read; if somebody
 * else changes it in between, nothing happens. Not thread-safe.
 */
public final class NotesChange {
  private final ModelRegistry registry;
  private final ModelVersion version;
  private ModelNotes notes;
  private String reason = "";

  NotesChange(ModelRegistry registry, ModelVersion version) {
    this.registry = registry;
    this.version = version;
    this.notes = version.notes();
  }

  /** Another text for people; may be empty. */
  public NotesChange description(String text) {
    return with(n -> n.withDescription(text));
  }

  /**
   * Another licence, an SPDX expression.
   *
   * @throws IllegalArgumentException if it is none; says which listed licence looks most like it
   */
  public NotesChange licence(String expression) {
    return with(n -> LicenceExpression.normalised(n.withLicence(expression)));
  }

  /** Takes the licence back; where the policy asks for one, the version cannot be promoted then. */
  public NotesChange withoutLicence() {
    return with(ModelNotes::withoutLicence);
  }

  /** Other terms of use. */
  public NotesChange terms(String text) {
    return with(n -> n.withTerms(text));
  }

  /** Takes the terms of use back. */
  public NotesChange withoutTerms() {
    return with(ModelNotes::withoutTerms);
  }

  /** Another purpose. The version's kind and folder stay as they were registered. */
  public NotesChange specialisation(String purpose) {
    return with(n -> n.withSpecialisation(purpose));
  }

  /** Takes the purpose back. The version's kind and folder stay as they were registered. */
  public NotesChange withoutSpecialisation() {
    return with(ModelNotes::withoutSpecialisation);
  }

  /** Sets a tag. */
  public NotesChange tag(String key, String value) {
    return with(n -> n.withTag(key, value));
  }

  /** Removes a tag, if it is there. */
  public NotesChange untag(String key) {
    return with(n -> n.withoutTag(key));
  }

  /** Keeps a reason in the audit log. */
  public NotesChange because(String why) {
    if (why.isBlank()) {
      throw new IllegalArgumentException("why must say something");
    }
    this.reason = why;
    return this;
  }

  private NotesChange with(UnaryOperator<ModelNotes> change) {
    notes = change.apply(notes);
    return this;
  }

  /**
   * Does it.
   *
   * @return the version as it is now; the same where nothing is different
   * @throws ConflictException if it has been changed since it was read; says by whom, and is worth
   *     reading it again
   * @throws NotFoundException if it has been deleted
   * @throws io.athanor.api.error.AccessDeniedException if the principal may not update it
   */
  public ModelVersion apply() {
    return registry
        .changes()
        .apply(
            Permission.UPDATE,
            version.name(),
            (session, audit) -> {
              ModelVersion present = present(registry, session, version);
              ModelNotes before = present.notes();
              if (notes.equals(before)) {
                return present;
              }
              registry
                  .notesTable()
                  .set(session, version.id(), notes, present.state(), stamp(registry, present));
              audit.record(
                  new Change(
                      "update",
                      version.id().toString(),
                      Optional.of(differing(before, notes)),
                      Optional.of(differing(notes, before)),
                      reason));
              return registry.versionTable().find(session, version.id()).orElseThrow();
            });
  }

  /**
   * The version as it is now.
   *
   * @throws ConflictException if it is not as it was read
   */
  static ModelVersion present(ModelRegistry registry, Session session, ModelVersion read)
      throws SQLException {
    ModelVersion present =
        registry
            .versionTable()
            .find(session, read.id())
            .orElseThrow(
                () ->
                    new NotFoundException(
                        "version " + read.id(), List.of(), "It has been deleted meanwhile"));
    if (present.revision() != read.revision()) {
      throw new ConflictException(
          read.id()
              + " has been changed meanwhile by "
              + present.updated().by().map(Object::toString).orElse("somebody")
              + " at "
              + present.updated().at()
              + ": expected revision "
              + read.revision()
              + ", found "
              + present.revision()
              + ". Read it again and repeat the change",
          true);
    }
    return present;
  }

  /** Clocks of several machines disagree; a version's changes stay in order. */
  static ModelVersion.Stamp stamp(ModelRegistry registry, ModelVersion present) {
    Instant now = registry.now();
    Instant last = present.updated().at();
    return ModelVersion.Stamp.of(now.isBefore(last) ? last : now, registry.principal());
  }

  /** What some notes say otherwise than others, as JSON; null where they say nothing. */
  private static String differing(ModelNotes notes, ModelNotes others) {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    if (!notes.description().equals(others.description())) {
      json.put("description", notes.description());
    }
    put(json, "licence", notes.licence(), others.licence());
    put(json, "terms", notes.terms(), others.terms());
    put(json, "specialisation", notes.specialisation(), others.specialisation());
    ObjectNode tags = JsonNodeFactory.instance.objectNode();
    notes.tags().forEach((key, value) -> putTag(tags, key, value, others));
    others.tags().keySet().stream()
        .filter(key -> !notes.tags().containsKey(key))
        .forEach(tags::putNull);
    if (!tags.isEmpty()) {
      json.set("tags", tags);
    }
    return json.toString();
  }

  private static void putTag(ObjectNode tags, String key, String value, ModelNotes others) {
    if (!value.equals(others.tags().get(key))) {
      tags.put(key, value);
    }
  }

  private static void put(
      ObjectNode json, String field, Optional<String> value, Optional<String> other) {
    if (!value.equals(other)) {
      json.put(field, value.orElse(null));
    }
  }
}
