package io.athanor.training.loop;

import io.athanor.api.backend.Backend;
import io.athanor.api.common.Digest;
import io.athanor.api.data.DataProvenance;
import io.athanor.api.data.TrainingData;
import io.athanor.api.event.TrainingListener;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.GraphJson;
import io.athanor.api.graph.Weights;
import io.athanor.api.model.EncodingJson;
import io.athanor.api.training.TrainingPlan;
import io.athanor.training.checkpoint.CheckpointFolder;
import io.athanor.training.plan.PlanYaml;
import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/**
 * Everything a run works with.
 *
 * @param plan how to learn
 * @param model what learns
 * @param data what from
 * @param backend where; stays open
 * @param checkpoints open, if checkpoints are kept
 * @param listeners told what happens
 * @param clock for provenance
 * @param environment what goes into provenance besides the backend's identity
 */
public record TrainingJob(
    TrainingPlan plan,
    Model model,
    TrainingData data,
    Backend backend,
    Optional<CheckpointFolder> checkpoints,
    List<TrainingListener> listeners,
    Clock clock,
    Map<String, String> environment) {
  private static final Set<String> WITHOUT_EFFECT_ON_WEIGHTS =
      Set.of("checkpointEvery", "keepCheckpoints", "recompute");

  /**
   * What learns.
   *
   * @param architecture its name
   * @param config its settings as JSON values
   * @param graph loss included, as it is to be kept
   * @param trainingGraph the same with the inputs that only training has
   * @param weights the first ones
   * @param base digest of the model it continues, if any
   */
  public record Model(
      String architecture,
      Map<String, Object> config,
      Graph graph,
      Graph trainingGraph,
      Weights weights,
      Optional<Digest> base) {}

  public TrainingJob {
    listeners = List.copyOf(listeners);
    environment = Map.copyOf(environment);
  }

  /** What must be as it was for a run to go on bit by bit; the names are for people. */
  Map<String, String> identity() {
    Map<String, String> facts = new TreeMap<>();
    PlanYaml.tree(plan)
        .properties()
        .forEach(
            setting -> {
              if (!WITHOUT_EFFECT_ON_WEIGHTS.contains(setting.getKey())) {
                facts.put("plan." + setting.getKey(), setting.getValue().toString());
              }
            });
    String graph = GraphJson.write(model.trainingGraph()).toString();
    facts.put("model.graph", Digest.ofText(graph).toString());
    facts.put("model.first-weights", model.weights().digest().toString());
    facts.put("data.rows", dataDigest(data.provenance()).toString());
    String tokenizer = data.encoding().tokenizer().map(t -> t.json()).orElse("");
    facts.put(
        "data.encoding", Digest.ofText(EncodingJson.write(data.encoding()) + tokenizer).toString());
    facts.put(CheckpointFolder.ENGINE + "backend", backend.name());
    backend.identity().forEach((name, value) -> facts.put(CheckpointFolder.ENGINE + name, value));
    return facts;
  }

  /** Of content and treatment, not of the place it was read from. */
  private static Digest dataDigest(DataProvenance data) {
    StringBuilder text = new StringBuilder(data.fingerprint().hex()).append(data.rows());
    data.steps().forEach(s -> text.append('\n').append(s.name()).append(s.fingerprint().hex()));
    new TreeMap<>(data.splits()).forEach((k, v) -> text.append('\n').append(k).append(v));
    return Digest.ofText(text.append('\n').append(data.seed()).toString());
  }

  /** The plan as JSON, for provenance. */
  String planJson() {
    return PlanYaml.tree(plan).toString();
  }
}
