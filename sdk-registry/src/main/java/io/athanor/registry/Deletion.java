package io.athanor.registry;

import io.athanor.api.common.Digest;
import io.athanor.api.deploy.RolloutState;
import io.athanor.api.error.ConflictException;
import io.athanor.api.error.NotFoundException;
import io.athanor.api.error.OutcomeUnknownException;
import io.athanor.api.error.StorageException;
import io.athanor.api.registry.DeploymentRecord;
import io.athanor.api.registry.Manifest;
import io.athanor.api.registry.ModelVersion;
import io.athanor.api.registry.Permission;
import io.athanor.api.registry.VersionId;
import io.athanor.registry.governance.Document;
import io.athanor.registry.governance.Policy;
import io.athanor.registry.store.AuditTable.Change;
import io.athanor.registry.store.Session;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** The deletion of a version: {@link #plan} shows, {@link #apply} does. Thread-safe. */
public final class Deletion {
  private static final Logger LOG = LoggerFactory.getLogger(Deletion.class);

  private final ModelRegistry registry;
  private final ModelVersion version;

  Deletion(ModelRegistry registry, ModelVersion version) {
    this.registry = registry;
    this.version = version;
  }

  /**
   * What a deletion meets.
   *
   * @param version what is to be deleted
   * @param aliases those that point to it; must be empty
   * @param children versions made from it; must be empty
   * @param deployments where it is live; must be empty
   * @param rollouts without an end of which it is the champion or the candidate; must be empty
   * @param keptFor aliases that pointed to it once and whose versions the policy keeps; must be
   *     empty
   */
  public record Plan(
      ModelVersion version,
      List<String> aliases,
      List<VersionId> children,
      List<DeploymentRecord> deployments,
      List<RolloutState> rollouts,
      List<String> keptFor) {
    public Plan {
      aliases = List.copyOf(aliases);
      children = List.copyOf(children);
      deployments = List.copyOf(deployments);
      rollouts = List.copyOf(rollouts);
      keptFor = List.copyOf(keptFor);
    }

    /** Whether nothing points to the version, and no policy keeps it. */
    public boolean possible() {
      return aliases.isEmpty()
          && children.isEmpty()
          && deployments.isEmpty()
          && rollouts.isEmpty()
          && keptFor.isEmpty();
    }

    @Override
    public String toString() {
      List<String> lines = new ArrayList<>();
      lines.add("Delete " + version + ", " + version.bytes() + " bytes");
      aliases.forEach(alias -> lines.add("  refused: alias '" + alias + "' points to it"));
      children.forEach(child -> lines.add("  refused: " + child + " was made from it"));
      keptFor.forEach(
          alias ->
              lines.add("  refused: '" + alias + "' pointed to it, and the policy keeps such"));
      deployments.forEach(
          live -> lines.add("  refused: live in " + live.environment() + " at " + live.target()));
      rollouts.forEach(
          rollout ->
              lines.add(
                  "  refused: the "
                      + rollout
                      + " needs it and is "
                      + rollout.phase()
                      + "; promote or roll it back"));
      return String.join("\n", lines);
    }
  }

  /**
   * What it would meet now.
   *
   * @throws NotFoundException if the version is not there any more
   */
  public Plan plan() {
    return registry
        .transactions()
        .read(
            session -> {
              registry.access().requireReadable(session, version.name());
              return plan(session);
            });
  }

  private Plan plan(Session session) throws SQLException {
    if (registry.versionTable().find(session, version.id()).isEmpty()) {
      throw new NotFoundException(
          "version " + version.id(), List.of(), "It has been deleted already");
    }
    Policy policy = registry.governance().policy(session);
    return new Plan(
        version,
        registry.aliasTable().ofVersion(session, version.id()),
        registry.versionTable().children(session, version.id()),
        registry.deploymentTable().ofVersion(session, version.id()).stream()
            .filter(DeploymentRecord::live)
            .toList(),
        registry.rollouts().unfinished(session, version.id()),
        registry.aliasTable().everOfVersion(session, version.id()).stream()
            .filter(policy::keepsVersions)
            .toList());
  }

  /**
   * Deletes the version, and the files that no other version has.
   *
   * @throws ConflictException if an alias or a child points to it, it is live, a rollout needs it,
   *     or the policy keeps it; nothing is changed
   * @throws NotFoundException if the version is not there any more
   */
  public void apply() {
    List<Digest> contents = new ArrayList<>();
    version.manifest().files().stream().map(Manifest.Entry::digest).forEach(contents::add);
    version.report().ifPresent(contents::add);
    String place =
        registry
            .changes()
            .apply(
                Permission.DELETE,
                version.name(),
                (session, audit) -> {
                  Plan plan = plan(session);
                  if (!plan.possible()) {
                    throw new ConflictException(
                        plan
                            + "\nMove or withdraw the aliases, delete the children and end the"
                            + " deployments and rollouts first",
                        false);
                  }
                  String folder =
                      registry.versionTable().place(session, version.id()).orElseThrow();
                  registry.governance().documents().ofVersion(session, version.id()).stream()
                      .map(Document::digest)
                      .forEach(contents::add);
                  registry.versionTable().delete(session, version.id());
                  audit.record(
                      new Change(
                          "delete",
                          version.id().toString(),
                          Optional.of(version.digest().hex()),
                          Optional.empty(),
                          ""));
                  return folder;
                });
    removeFiles(place, contents);
  }

  private void removeFiles(String place, List<Digest> contents) {
    try {
      registry.files().remove(place);
      Inspection.of(registry).sweep(contents);
    } catch (StorageException | OutcomeUnknownException e) {
      LOG.warn("{} is deleted; its files stay until the next collectGarbage()", version.id(), e);
    }
  }
}
