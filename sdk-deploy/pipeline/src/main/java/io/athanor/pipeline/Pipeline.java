package io.athanor.pipeline;

import static io.athanor.eval.Metrics.noWorseThan;

import io.athanor.api.backend.Backend;
import io.athanor.api.data.Rows;
import io.athanor.api.deploy.Deployment;
import io.athanor.api.eval.EvaluationReport;
import io.athanor.api.model.ModelArtifact;
import io.athanor.api.registry.ModelVersion;
import io.athanor.api.registry.VersionId;
import io.athanor.deploy.Deployments;
import io.athanor.eval.Evaluation;
import io.athanor.eval.metric.Gate;
import io.athanor.registry.AliasChange;
import io.athanor.registry.ModelRegistry;
import io.athanor.training.Training;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;

/**
 * Takes candidates for a model to production, one after the other: trains, evaluates against the
 * gates and against the present champion, registers, and, only if every gate passed, deploys and
 * moves the alias. The registry is told how much what was deployed is used, see {@link
 * UsageRecorder}. Not thread-safe; several pipelines, also of other processes, may share a
 * registry.
 *
 * <pre>{@code
 * Release release = Pipeline.of(registry, "spam-filter")
 *     .gate(f1().atLeast(0.95))
 *     .release(Training.of(architecture, mail), mail.test());
 * if (release instanceof Release.Deployed live) {
 *   live.deployment().predict("You WON a prize!!");
 * }
 * }</pre>
 */
public final class Pipeline {
  /** The steps of a release, in their order. */
  public enum Stage {
    TRAIN,
    EVALUATE,
    REGISTER,
    DEPLOY,
    PROMOTE
  }

  private final ModelRegistry registry;
  private final String name;
  private final List<Gate> gates = new ArrayList<>();
  private String alias = "production";
  private @Nullable Backend backend;
  private Consumer<Stage> listener = stage -> {};

  private Pipeline(ModelRegistry registry, String name) {
    this.registry = registry;
    this.name = VersionId.requireName("name", name);
  }

  /**
   * A pipeline for one model.
   *
   * @param registry keeps the candidates; must stay open until what is deployed is closed
   * @param name the model's name; see {@link VersionId#requireName}
   */
  public static Pipeline of(ModelRegistry registry, String name) {
    return new Pipeline(registry, name);
  }

  /** The alias of the champion; {@code "production"} unless set. */
  public Pipeline alias(String champion) {
    this.alias = VersionId.requireName("alias", champion);
    return this;
  }

  /** What a candidate must meet besides being no worse than the champion. */
  public Pipeline gate(Gate... conditions) {
    gates.addAll(List.of(conditions));
    return this;
  }

  /**
   * The backend to evaluate and serve on, which stays open. Without it, the only one on the class
   * path is opened for each.
   */
  public Pipeline backend(Backend opened) {
    this.backend = opened;
    return this;
  }

  /** Hears of each stage as it begins, on the caller's thread. */
  public Pipeline listener(Consumer<Stage> hears) {
    this.listener = hears;
    return this;
  }

  /** The version that has the alias now. */
  public Optional<ModelVersion> champion() {
    return Optional.ofNullable(registry.aliases(name).get(alias)).map(registry::version);
  }

  /**
   * Trains a candidate, then goes on as {@link #release(ModelArtifact, Rows)}. The training's own
   * settings hold: its backend, and its checkpoints if it was given a folder.
   *
   * @throws io.athanor.api.error.TrainingException if training cannot go on
   */
  public Release release(Training training, Rows test) {
    listener.accept(Stage.TRAIN);
    return release(training.start().await().model(), test);
  }

  /**
   * Brings a candidate as far as it deserves.
   *
   * @param test rows that no model learned from, target included
   * @throws io.athanor.api.error.ConflictException if another release moved the alias meanwhile;
   *     the candidate is registered, and releasing it again compares it with the new champion
   * @throws io.athanor.api.error.ValidationException if the registry's policy refuses the candidate
   *     the alias, for example because nobody has approved it yet; it is registered, and can be
   *     promoted when the policy is met
   * @throws io.athanor.api.error.AthanorException as evaluation, registry and deployment do; the
   *     alias moves only after everything before it succeeded
   */
  public Release release(ModelArtifact candidate, Rows test) {
    Optional<ModelVersion> champion = champion();
    EvaluationReport report = evaluate(candidate, champion.map(ModelVersion::artifact), test);
    listener.accept(Stage.REGISTER);
    ModelVersion version = registry.register(name, candidate, report);
    if (!report.passed()) {
      return new Release.Rejected(version, report);
    }
    // Deployed before it is promoted: a model that cannot be served never gets the alias.
    listener.accept(Stage.DEPLOY);
    Deployment deployment = deploy(version);
    try {
      listener.accept(Stage.PROMOTE);
      AliasChange change = registry.promote(version, alias);
      champion.map(change::expecting).orElseGet(change::expectingNone).apply();
      return new Release.Deployed(version, report, deployment);
    } catch (RuntimeException | Error e) {
      deployment.close();
      throw e;
    }
  }

  private EvaluationReport evaluate(
      ModelArtifact candidate, Optional<ModelArtifact> champion, Rows test) {
    listener.accept(Stage.EVALUATE);
    List<Gate> all = new ArrayList<>(gates);
    all.add(noWorseThan(champion));
    Evaluation evaluation = Evaluation.of(candidate, test).gate(all.toArray(Gate[]::new));
    return (backend == null ? evaluation : evaluation.backend(backend)).run();
  }

  private Deployment deploy(ModelVersion version) {
    var inProcess = Deployments.inProcess();
    Deployment deployment =
        (backend == null ? inProcess : inProcess.backend(backend)).deploy(version);
    try {
      UsageRecorder recorder = UsageRecorder.of(registry, version, deployment).start();
      return new RecordedDeployment(deployment, recorder);
    } catch (RuntimeException | Error e) {
      deployment.close();
      throw e;
    }
  }
}
