package io.athanor.registry;

import io.athanor.api.error.ConflictException;
import io.athanor.api.error.NotFoundException;
import io.athanor.api.registry.DeploymentRecord;
import io.athanor.api.registry.ModelNotes;
import io.athanor.api.registry.ModelVersion;
import io.athanor.api.registry.Permission;
import io.athanor.api.registry.VersionId;
import io.athanor.api.registry.VersionState;
import io.athanor.registry.store.AuditTable.Change;
import io.athanor.registry.store.Session;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * A version is deprecated, archived or made active again: {@link #plan} shows, {@link #apply} does.
 * It applies to the version as it was read; if somebody else changes it in between, nothing
 * happens. Immutable and thread-safe.
 */
public final class StateChange {
  /** The tag that names the version to use instead. */
  public static final String SUCCESSOR = "successor";

  private final ModelRegistry registry;
  private final ModelVersion version;
  private final VersionState to;
  private final Optional<ModelVersion> successor;
  private final String reason;

  StateChange(ModelRegistry registry, ModelVersion version, VersionState to) {
    this(registry, version, to, Optional.empty(), "");
  }

  private StateChange(
      ModelRegistry registry,
      ModelVersion version,
      VersionState to,
      Optional<ModelVersion> successor,
      String reason) {
    this.registry = registry;
    this.version = version;
    this.to = to;
    this.successor = successor;
    this.reason = reason;
  }

  /**
   * What a change would do.
   *
   * @param version which
   * @param from the state it has
   * @param to the state it shall have
   * @param refusals why {@link StateChange#apply} would refuse; empty if it would not
   * @param warnings what to think about first
   */
  public record Plan(
      VersionId version,
      VersionState from,
      VersionState to,
      List<String> refusals,
      List<String> warnings) {
    public Plan {
      refusals = List.copyOf(refusals);
      warnings = List.copyOf(warnings);
    }

    @Override
    public String toString() {
      List<String> lines = new ArrayList<>();
      lines.add(version + ": " + from + " -> " + to);
      refusals.forEach(refusal -> lines.add("  refused: " + refusal));
      warnings.forEach(warning -> lines.add("  warning: " + warning));
      return String.join("\n", lines);
    }
  }

  /**
   * Names the version to use instead, in the tag {@link #SUCCESSOR}. It goes when the version
   * becomes active again.
   */
  public StateChange successor(ModelVersion instead) {
    if (instead.id().equals(version.id()) || to == VersionState.ACTIVE) {
      throw new IllegalArgumentException(
          "instead must be another version, of one that is deprecated or archived, got "
              + instead.id());
    }
    return new StateChange(registry, version, to, Optional.of(instead), reason);
  }

  /** Keeps a reason in the audit log. */
  public StateChange because(String why) {
    if (why.isBlank()) {
      throw new IllegalArgumentException("why must say something");
    }
    return new StateChange(registry, version, to, successor, why);
  }

  /**
   * What it would do now.
   *
   * @throws NotFoundException if the version has been deleted
   */
  public Plan plan() {
    return registry.reading().of(version.name(), this::plan);
  }

  private Plan plan(Session session) throws SQLException {
    ModelVersion present =
        registry
            .versionTable()
            .find(session, version.id())
            .orElseThrow(
                () ->
                    new NotFoundException(
                        "version " + version.id(), List.of(), "It has been deleted"));
    List<String> refusals = new ArrayList<>();
    List<String> warnings = new ArrayList<>();
    for (String alias : registry.aliasTable().ofVersion(session, version.id())) {
      (to == VersionState.ARCHIVED ? refusals : warnings).add("alias '" + alias + "' points to it");
    }
    if (to == VersionState.ACTIVE) {
      warnings.clear();
    } else {
      for (DeploymentRecord record : registry.deploymentTable().ofVersion(session, version.id())) {
        if (record.live()) {
          warnings.add("it is live in " + record.environment() + " at " + record.target());
        }
      }
    }
    if (successor.isPresent()) {
      judgeSuccessor(session, successor.get().id(), refusals);
    }
    if (present.state() == to) {
      warnings.add("it is " + to + " already");
    }
    return new Plan(version.id(), present.state(), to, refusals, warnings);
  }

  private void judgeSuccessor(Session session, VersionId id, List<String> refusals)
      throws SQLException {
    Optional<ModelVersion> found = registry.versionTable().find(session, id);
    if (found.isEmpty()) {
      refusals.add("its successor " + id + " has been deleted");
    } else if (found.get().state() != VersionState.ACTIVE) {
      refusals.add("its successor " + id + " is " + found.get().state());
    }
  }

  /**
   * Does it.
   *
   * @return the version as it is now
   * @throws ConflictException if an alias points to a version to be archived, or the successor may
   *     not be used, which must be mended first; or if the version has been changed since it was
   *     read, which is worth reading it again
   * @throws NotFoundException if it has been deleted
   * @throws io.athanor.api.error.AccessDeniedException if the principal may not update it
   */
  public ModelVersion apply() {
    return registry.changes().apply(Permission.UPDATE, version.name(), this::apply);
  }

  private ModelVersion apply(Session session, Changes.Audit audit) throws SQLException {
    ModelVersion present = NotesChange.present(registry, session, version);
    Plan plan = plan(session);
    if (!plan.refusals().isEmpty()) {
      throw new ConflictException(plan + "\nMend that first", false);
    }
    ModelNotes notes = notes(present.notes());
    if (present.state() == to && notes.equals(present.notes())) {
      return present;
    }
    registry
        .notesTable()
        .set(session, version.id(), notes, to, NotesChange.stamp(registry, present));
    audit.record(
        new Change(
            switch (to) {
              case ACTIVE -> "reactivate";
              case DEPRECATED -> "deprecate";
              case ARCHIVED -> "archive";
            },
            version.id().toString(),
            Optional.of(describe(present.state(), present.notes())),
            Optional.of(describe(to, notes)),
            reason));
    return registry.versionTable().find(session, version.id()).orElseThrow();
  }

  private ModelNotes notes(ModelNotes present) {
    if (to == VersionState.ACTIVE) {
      return present.withoutTag(SUCCESSOR);
    }
    return successor
        .map(instead -> present.withTag(SUCCESSOR, instead.id().toString()))
        .orElse(present);
  }

  private static String describe(VersionState state, ModelNotes notes) {
    String successor = notes.tags().get(SUCCESSOR);
    return state.name().toLowerCase(Locale.ROOT)
        + (successor == null ? "" : ", successor " + successor);
  }
}
