package io.athanor.registry;

import io.athanor.api.error.ConflictException;
import io.athanor.api.error.NotFoundException;
import io.athanor.api.error.ValidationException;
import io.athanor.api.registry.AliasMove;
import io.athanor.api.registry.ModelVersion;
import io.athanor.api.registry.Permission;
import io.athanor.api.registry.VersionId;
import io.athanor.registry.governance.Judgement;
import io.athanor.registry.store.AuditTable.Change;
import io.athanor.registry.store.Session;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A change of an alias: {@link #plan} shows, {@link #apply} does. It applies to the state it was
 * planned on; if another process moves the alias in between, nothing happens. Immutable and
 * thread-safe.
 */
public final class AliasChange {
  private final ModelRegistry registry;
  private final String name;
  private final String alias;
  private final Optional<VersionId> to;
  private final Optional<VersionId> from;
  private final Optional<String> override;
  private final String reason;

  AliasChange(ModelRegistry registry, String name, String alias, Optional<VersionId> to) {
    this(
        registry,
        name,
        alias,
        to,
        Optional.ofNullable(registry.aliases(name).get(alias)),
        Optional.empty(),
        "");
    if (to.isEmpty() && from.isEmpty()) {
      throw new NotFoundException(
          "alias '" + alias + "' of " + name,
          registry.aliases(name).keySet(),
          "There is nothing to withdraw");
    }
  }

  private AliasChange(
      ModelRegistry registry,
      String name,
      String alias,
      Optional<VersionId> to,
      Optional<VersionId> from,
      Optional<String> override,
      String reason) {
    this.registry = registry;
    this.name = name;
    this.alias = alias;
    this.to = to;
    this.from = from;
    this.override = override;
    this.reason = reason;
  }

  /**
   * What a change would do.
   *
   * @param model name of the model
   * @param alias the alias
   * @param from the version it points to
   * @param to the version it shall point to; absent if it is to be removed
   * @param refusals why {@link AliasChange#apply} would refuse; empty if it would not
   * @param warnings what to think about first
   */
  public record Plan(
      String model,
      String alias,
      Optional<VersionId> from,
      Optional<VersionId> to,
      List<String> refusals,
      List<String> warnings) {
    public Plan {
      refusals = List.copyOf(refusals);
      warnings = List.copyOf(warnings);
    }

    @Override
    public String toString() {
      List<String> lines = new ArrayList<>();
      lines.add(
          "Alias '"
              + alias
              + "' of "
              + model
              + ": "
              + from.map(VersionId::toString).orElse("no version")
              + " -> "
              + to.map(VersionId::toString).orElse("no version"));
      refusals.forEach(refusal -> lines.add("  refused: " + refusal));
      warnings.forEach(warning -> lines.add("  warning: " + warning));
      return String.join("\n", lines);
    }
  }

  /**
   * Goes through although gates did not pass; the reason is kept in the alias's history. What else
   * the policy refuses stays refused.
   */
  public AliasChange overriding(String why) {
    requireText("why", why);
    return new AliasChange(registry, name, alias, to, from, Optional.of(why), reason);
  }

  /** Keeps a reason in the alias's history. */
  public AliasChange because(String why) {
    requireText("why", why);
    return new AliasChange(registry, name, alias, to, from, override, why);
  }

  /** Applies only if the alias points to this version, whatever it points to now. */
  public AliasChange expecting(ModelVersion version) {
    return new AliasChange(registry, name, alias, to, Optional.of(version.id()), override, reason);
  }

  /** Applies only if the alias does not exist, whatever it points to now. */
  public AliasChange expectingNone() {
    return new AliasChange(registry, name, alias, to, Optional.empty(), override, reason);
  }

  /**
   * What it would do.
   *
   * @throws NotFoundException if the version has been deleted
   */
  public Plan plan() {
    return registry
        .transactions()
        .read(
            session -> {
              registry.access().requireReadable(session, name);
              return plan(judge(session));
            });
  }

  private Judgement judge(Session session) throws SQLException {
    return to.isEmpty()
        ? new Judgement(List.of(), List.of(), List.of())
        : registry.governance().judge(session, to.get(), alias);
  }

  private Plan plan(Judgement judgement) {
    List<String> refusals = new ArrayList<>(judgement.refusals());
    List<String> warnings = new ArrayList<>(judgement.warnings());
    if (override.isPresent()) {
      judgement.gates().forEach(gate -> warnings.add("overridden: " + gate));
    } else {
      refusals.addAll(judgement.gates());
    }
    if (to.isPresent() && to.equals(from)) {
      warnings.add("it points there already");
    }
    return new Plan(name, alias, from, to, refusals, warnings);
  }

  /**
   * Does it.
   *
   * @throws ValidationException if gates did not pass or the policy refuses it; lists why
   * @throws NotFoundException if the version has been deleted
   * @throws ConflictException if the alias has been moved since this was planned, which is worth
   *     planning again
   * @throws io.athanor.api.error.AccessDeniedException if the principal may not move the alias
   */
  public AliasMove apply() {
    return registry
        .changes()
        .apply(
            Permission.PROMOTE,
            name,
            alias,
            (session, audit) -> {
              requireNoRefusals(judge(session));
              AliasMove move =
                  registry
                      .aliasTable()
                      .move(session, name, alias, from, to, registry.now(), reasons());
              audit.record(
                  new Change(
                      to.isPresent() ? "promote" : "withdraw",
                      name + "@" + alias,
                      move.from().map(VersionId::toString),
                      move.to().map(VersionId::toString),
                      move.reason()));
              return move;
            });
  }

  private void requireNoRefusals(Judgement judgement) {
    List<String> problems = new ArrayList<>(plan(judgement).refusals());
    if (problems.isEmpty()) {
      return;
    }
    if (judgement.refusals().isEmpty()) {
      problems.add("To go through nevertheless, say overriding(reason)");
    }
    throw new ValidationException("promotion to '" + alias + "'", problems);
  }

  private String reasons() {
    return override
        .map(why -> "overriding: " + why + (reason.isEmpty() ? "" : "; " + reason))
        .orElse(reason);
  }

  private static void requireText(String parameter, String text) {
    if (text.isBlank()) {
      throw new IllegalArgumentException(parameter + " must say something");
    }
  }
}
