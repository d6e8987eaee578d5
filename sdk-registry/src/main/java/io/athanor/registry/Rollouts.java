package io.athanor.registry;

import io.athanor.api.deploy.RolloutState;
import io.athanor.api.deploy.RolloutStore;
import io.athanor.api.error.NotFoundException;
import io.athanor.api.registry.Permission;
import io.athanor.api.registry.VersionId;
import io.athanor.registry.store.AuditTable.Change;
import io.athanor.registry.store.RolloutTable;
import io.athanor.registry.store.Session;
import java.sql.SQLException;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * Where rollouts of registered models stand. Every change is in the audit log, under the subject
 * {@code "spam-filter@production"}. Thread-safe.
 */
public final class Rollouts implements RolloutStore {
  private final RolloutTable table = new RolloutTable();
  private final ModelRegistry registry;

  Rollouts(ModelRegistry registry) {
    this.registry = registry;
  }

  @Override
  public Optional<RolloutState> read(String model, String alias) {
    return registry.reading().of(model, session -> table.find(session, model, alias));
  }

  @Override
  public List<RolloutState> all() {
    return registry
        .transactions()
        .read(
            session -> {
              Predicate<String> readable = registry.access().readable(session);
              return table.all(session).stream()
                  .filter(state -> readable.test(state.model()))
                  .toList();
            });
  }

  /** Rollouts without an end of which a version is the champion or the candidate. */
  List<RolloutState> unfinished(Session session, VersionId version) throws SQLException {
    return table.ofVersion(session, version).stream()
        .filter(state -> !state.phase().ended())
        .toList();
  }

  /**
   * {@inheritDoc}
   *
   * @throws NotFoundException if the model has no version
   * @throws io.athanor.api.error.AccessDeniedException if the principal may not move the alias
   */
  @Override
  public RolloutState write(RolloutState next) {
    String model = next.model();
    RolloutState written = asKept(next);
    return registry
        .changes()
        .apply(
            Permission.PROMOTE,
            model,
            next.alias(),
            (session, audit) -> {
              if (!table.knows(session, model)) {
                throw new NotFoundException(
                    "model '" + model + "'", List.of(), "Register a version of it first");
              }
              Optional<RolloutState> before = table.find(session, model, next.alias());
              next.requireFollows(before);
              table.put(session, written);
              audit.record(
                  new Change(
                      "rollout",
                      model + "@" + next.alias(),
                      before.map(Rollouts::describe),
                      Optional.of(describe(written)),
                      next.reason()));
              return written;
            });
  }

  /** As exact as the table keeps times, and by whom the registry knows. */
  private RolloutState asKept(RolloutState state) {
    return new RolloutState(
        state.model(),
        state.alias(),
        state.champion(),
        state.candidate(),
        state.strategy(),
        state.phase(),
        state.step(),
        state.begun().truncatedTo(ChronoUnit.MICROS),
        state.changed().truncatedTo(ChronoUnit.MICROS),
        registry.principal(),
        state.reason(),
        state.revision());
  }

  private static String describe(RolloutState state) {
    return state.candidate()
        + " "
        + state.phase().name().toLowerCase(Locale.ROOT).replace('_', ' ')
        + ", step "
        + state.step();
  }
}
