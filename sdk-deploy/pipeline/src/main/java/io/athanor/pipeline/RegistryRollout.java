package io.athanor.pipeline;

import io.athanor.api.deploy.RolloutState;
import io.athanor.api.error.ConflictException;
import io.athanor.api.error.NotFoundException;
import io.athanor.api.registry.ModelVersion;
import io.athanor.api.registry.VersionId;
import io.athanor.deploy.rollout.Rollout;
import io.athanor.deploy.rollout.RolloutBuilder;
import io.athanor.deploy.rollout.RolloutDeployment;
import io.athanor.deploy.serve.InProcess;
import io.athanor.deploy.serve.InProcessDeployment;
import io.athanor.registry.ModelRegistry;
import java.util.List;
import java.util.Optional;

/**
 * Rollouts of registered versions: the registry keeps where they stand, and a promotion moves the
 * alias, under the registry's policy. Until then the alias stays with the champion, so whoever asks
 * the registry gets what has proven itself.
 *
 * <pre>{@code
 * try (var live = RegistryRollout.of(registry, "spam-filter", "production")
 *     .begin(Deployments.inProcess(), registry.version("spam-filter", 4),
 *         rollout -> rollout.strategy(canary).guard(sla))) {
 *   live.forKey(user).predict("You WON a prize!!");
 * }
 * }</pre>
 */
public final class RegistryRollout {
  private final ModelRegistry registry;
  private final String name;
  private final String alias;

  private RegistryRollout(ModelRegistry registry, String name, String alias) {
    this.registry = registry;
    this.name = name;
    this.alias = alias;
  }

  /**
   * Rollouts of a model to an alias.
   *
   * @param registry stays open
   */
  public static RegistryRollout of(ModelRegistry registry, String name, String alias) {
    return new RegistryRollout(
        registry, VersionId.requireName("name", name), VersionId.requireName("alias", alias));
  }

  /** What a rollout adds to a builder. */
  @FunctionalInterface
  public interface Settings {
    /** Sets strategy, guards and whatever else. */
    RolloutBuilder apply(RolloutBuilder rollout);
  }

  /**
   * A rollout whose state and promotion are the registry's, to be begun with deployments of one's
   * own. It asks for {@link io.athanor.api.registry.Permission#PROMOTE} of the alias.
   */
  public RolloutBuilder builder() {
    return Rollout.of(name, alias)
        .store(registry.rollouts())
        .principal(registry.principal())
        .promotion(this::promote);
  }

  /**
   * Serves the version that has the alias and a candidate in this process, and begins, or goes on
   * where an earlier process stopped.
   *
   * @param serving how to serve both
   * @throws NotFoundException if no version has the alias; promote one first
   * @throws ConflictException if another rollout to the alias has not ended
   * @throws io.athanor.api.error.AthanorException if either cannot be served
   */
  public RolloutDeployment begin(InProcess serving, ModelVersion candidate, Settings settings) {
    ModelVersion champion = champion(candidate);
    RolloutBuilder builder = settings.apply(builder());
    InProcessDeployment first = serving.deploy(champion);
    InProcessDeployment second = null;
    try {
      second = serving.deploy(candidate);
      return builder.begin(first, second);
    } catch (RuntimeException | Error e) {
      first.close();
      if (second != null) {
        second.close();
      }
      throw e;
    }
  }

  /** Who has the alias, or had it when this rollout began that is under way or moved it. */
  private ModelVersion champion(ModelVersion candidate) {
    Optional<RolloutState> last =
        registry
            .rollouts()
            .read(name, alias)
            .filter(state -> state.candidate().equals(candidate.id().toString()));
    if (last.isPresent() && !last.get().phase().ended()) {
      return version(last.get().champion());
    }
    ModelVersion present = registry.alias(name, alias);
    return last.isPresent() && present.equals(candidate) ? version(last.get().champion()) : present;
  }

  private void promote(RolloutState state) {
    ModelVersion champion = version(state.champion());
    ModelVersion candidate = version(state.candidate());
    ModelVersion present = registry.alias(name, alias);
    if (present.equals(candidate)) {
      return;
    }
    if (!present.equals(champion)) {
      throw new ConflictException(
          "The "
              + state
              + " found "
              + present.id()
              + " at the alias, not "
              + champion.id()
              + ". Somebody moved it; roll back, or move it back and promote again",
          false);
    }
    registry.promote(candidate, alias).expecting(champion).because(state.reason()).apply();
  }

  private ModelVersion version(String id) {
    int colon = id.lastIndexOf(':');
    try {
      return registry.version(id.substring(0, colon), Integer.parseInt(id.substring(colon + 1)));
    } catch (IndexOutOfBoundsException | NumberFormatException e) {
      throw new NotFoundException(
          "version " + id, List.of(), "The rollout was begun with models that no registry knows");
    }
  }
}
