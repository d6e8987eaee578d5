package io.athanor.registry;

import io.athanor.api.error.NotFoundException;
import io.athanor.api.registry.DeploymentRecord;
import io.athanor.api.registry.ModelVersion;
import io.athanor.api.registry.Permission;
import io.athanor.api.registry.VersionId;
import io.athanor.registry.store.AuditTable.Change;
import io.athanor.registry.store.DeploymentTable;
import io.athanor.registry.store.Transactions.Work;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;

/**
 * Where versions are live and were, as those who deploy them tell. The history stays when a version
 * is deleted. Thread-safe.
 */
public final class DeploymentLog {
  private final ModelRegistry registry;
  private final DeploymentTable table;

  DeploymentLog(ModelRegistry registry) {
    this.registry = registry;
    this.table = registry.deploymentTable();
  }

  /**
   * Records that a version is live from now on. Several versions may be live at one place.
   *
   * @param environment for example {@code "production"}; see {@link VersionId#requireName}
   * @param target for example the name of a machine or a service; not blank
   * @return the record; the one that is there if the version is live at this place already
   * @throws NotFoundException if the version has been deleted
   * @throws io.athanor.api.error.AccessDeniedException if the principal may not update it
   */
  public DeploymentRecord begin(ModelVersion version, String environment, String target) {
    return begin(version, environment, target, registry.now());
  }

  /**
   * Records later that a version is live, for example because the registry could not be reached.
   *
   * @param since from when; a time still to come counts as now
   * @see #begin(ModelVersion, String, String)
   */
  public DeploymentRecord begin(
      ModelVersion version, String environment, String target, Instant since) {
    VersionId.requireName("environment", environment);
    if (target.isBlank()) {
      throw new IllegalArgumentException("target must not be blank");
    }
    return registry
        .changes()
        .apply(
            Permission.UPDATE,
            version.name(),
            (session, audit) -> {
              registry.reading().requireThere(session, version.id());
              Optional<DeploymentRecord> there =
                  table.ofVersion(session, version.id()).stream()
                      .filter(DeploymentRecord::live)
                      .filter(r -> r.environment().equals(environment))
                      .filter(r -> r.target().equals(target))
                      .findFirst();
              if (there.isPresent()) {
                return there.get();
              }
              DeploymentRecord added =
                  table.add(
                      session,
                      version.id(),
                      environment,
                      target,
                      past(since),
                      registry.principal());
              audit.record(
                  new Change(
                      "deploy",
                      version.id().toString(),
                      Optional.empty(),
                      Optional.of(environment + " at " + target),
                      ""));
              return added;
            });
  }

  /**
   * Records that a version is not live any more; nothing happens if that is recorded already.
   *
   * @throws io.athanor.api.error.AccessDeniedException if the principal may not update it
   */
  public void end(DeploymentRecord deployment) {
    end(deployment, registry.now());
  }

  /**
   * Records later that a version is not live any more.
   *
   * @param until to when; a time still to come counts as now
   * @see #end(DeploymentRecord)
   */
  public void end(DeploymentRecord deployment, Instant until) {
    registry
        .changes()
        .apply(
            Permission.UPDATE,
            deployment.version().name(),
            (session, audit) -> {
              boolean ended = table.end(session, deployment.number(), past(until));
              if (ended) {
                audit.record(
                    new Change(
                        "undeploy",
                        deployment.version().toString(),
                        Optional.of(deployment.environment() + " at " + deployment.target()),
                        Optional.empty(),
                        ""));
              }
              return ended;
            });
  }

  private Instant past(Instant time) {
    Instant now = registry.now();
    return time.isAfter(now) ? now : time.truncatedTo(ChronoUnit.MICROS);
  }

  /** What is live now, everywhere, oldest first. */
  public List<DeploymentRecord> live() {
    return read(table::live);
  }

  /** What was live at some time, oldest first. */
  public List<DeploymentRecord> asOf(Instant time) {
    return read(session -> table.at(session, time));
  }

  /** Where a version is live and was, oldest first. */
  public List<DeploymentRecord> of(VersionId version) {
    return registry.reading().of(version.name(), session -> table.ofVersion(session, version));
  }

  /** What is live in an environment and was, oldest first. */
  public List<DeploymentRecord> in(String environment) {
    return read(session -> table.ofEnvironment(session, environment));
  }

  private List<DeploymentRecord> read(Work<List<DeploymentRecord>> work) {
    return registry
        .transactions()
        .read(
            session -> {
              Predicate<String> readable = registry.access().readable(session);
              return work.run(session).stream()
                  .filter(record -> readable.test(record.version().name()))
                  .toList();
            });
  }
}
