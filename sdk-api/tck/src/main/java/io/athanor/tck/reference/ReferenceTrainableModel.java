package io.athanor.tck.reference;

import io.athanor.api.backend.MicroBatch;
import io.athanor.api.backend.StepResult;
import io.athanor.api.backend.StepSettings;
import io.athanor.api.backend.TrainableModel;
import io.athanor.api.backend.TrainingMode;
import io.athanor.api.backend.TrainingState;
import io.athanor.api.common.Tensor;
import io.athanor.api.error.GraphException;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.Parameter;
import io.athanor.api.graph.Weights;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.stream.Collectors;

/**
 * Trains. Weights, statistics and moments are rounded to floats after every step, so that a state
 * holds them exactly; all arithmetic between is in doubles.
 */
final class ReferenceTrainableModel implements TrainableModel {
  private final Graph graph;
  private final Graph prediction;
  private final String loss;
  private final Updates updates;
  private Map<String, Array> parameters;
  private long steps;
  private long seed;
  private boolean closed;

  ReferenceTrainableModel(Graph graph, Weights weights, TrainingMode mode) {
    this.graph = graph;
    this.prediction = graph.forPrediction();
    this.loss =
        graph
            .loss()
            .orElseThrow(
                () ->
                    new GraphException(
                        graph.name(), "expected a graph with a loss to train it, got none"));
    this.updates = new Updates(mode.optimizer(), graph);
    this.parameters = Tensors.parameters(graph, weights);
    this.seed = mode.seed();
  }

  @Override
  public StepResult step(List<MicroBatch> microBatches, StepSettings settings) {
    requireOpen();
    if (microBatches.isEmpty()) {
      throw new IllegalArgumentException("microBatches must not be empty");
    }
    double total = microBatches.stream().mapToDouble(MicroBatch::weight).sum();
    double meanLoss = 0;
    Map<String, Array> gradients = new HashMap<>();
    Map<String, Array> current = parameters;
    for (int i = 0; i < microBatches.size(); i++) {
      Evaluation evaluation = train(current, microBatches.get(i), i);
      double share = microBatches.get(i).weight() / total;
      meanLoss += share * evaluation.value(loss).values[0];
      evaluation
          .gradients(loss)
          .forEach(
              (name, gradient) ->
                  gradients
                      .computeIfAbsent(name, absent -> gradient.zerosLike())
                      .add(share, gradient));
      current = evaluation.parameters();
    }
    double norm = norm(gradients);
    if (settings.clipNorm() > 0) {
      double factor = Math.min(1, settings.clipNorm() / (norm + 1e-6));
      gradients.replaceAll((name, gradient) -> gradient.map(g -> factor * g));
    }
    Map<String, Array> next = new LinkedHashMap<>();
    current.forEach((name, array) -> next.put(name, array.copy()));
    steps++;
    updates.apply(next, gradients, settings.learningRate(), steps);
    parameters = next;
    return new StepResult(meanLoss, norm);
  }

  private Evaluation train(Map<String, Array> current, MicroBatch batch, int index) {
    return Evaluation.train(
        graph, current, Tensors.inputs(graph, batch.tensors()), dropoutStream(index));
  }

  /** A stream of its own for every micro-batch of every step. */
  private SplittableRandom dropoutStream(int microBatch) {
    long ofStep = new SplittableRandom(seed + steps * 0x9E3779B97F4A7C15L).nextLong();
    return new SplittableRandom(ofStep + microBatch);
  }

  private static double norm(Map<String, Array> gradients) {
    double sum = 0;
    for (Array gradient : gradients.values()) {
      for (double g : gradient.values) {
        sum += g * g;
      }
    }
    return Math.sqrt(sum);
  }

  @Override
  public double loss(MicroBatch batch) {
    requireOpen();
    return Evaluation.predict(graph, parameters, Tensors.inputs(graph, batch.tensors()))
        .value(loss)
        .values[0];
  }

  @Override
  public Weights gradients(MicroBatch batch) {
    requireOpen();
    return Weights.of(Tensors.tensors(train(parameters, batch, 0).gradients(loss)));
  }

  @Override
  public Map<String, Tensor> predict(Map<String, Tensor> inputs) {
    requireOpen();
    return ReferenceModel.predict(prediction, parameters, inputs);
  }

  @Override
  public Weights weights() {
    requireOpen();
    return Weights.of(Tensors.tensors(parameters));
  }

  @Override
  public Weights learned() {
    requireOpen();
    Map<String, Array> learned = new LinkedHashMap<>(parameters);
    learned.keySet().removeIf(name -> !graph.parameter(name).learned());
    return Weights.of(Tensors.tensors(learned));
  }

  @Override
  public TrainingState state() {
    requireOpen();
    return new TrainingState(learned(), updates.state(), steps, seed);
  }

  @Override
  public void restore(TrainingState state) {
    requireOpen();
    Map<String, Array> restored =
        Tensors.parameters(graph, weights().with(requireLearned(state.weights())));
    updates.restore(state.optimizer());
    parameters = restored;
    steps = state.steps();
    seed = state.seed();
  }

  private Weights requireLearned(Weights weights) {
    Set<String> wanted =
        graph.parameters().stream()
            .filter(Parameter::learned)
            .map(Parameter::name)
            .collect(Collectors.toSet());
    if (!weights.tensors().keySet().equals(wanted)) {
      throw new GraphException(
          graph.name(),
          "expected weights "
              + wanted
              + " in the state, got "
              + weights.tensors().keySet()
              + "; the state is of another graph");
    }
    return weights;
  }

  private void requireOpen() {
    if (closed) {
      throw new IllegalStateException("The model '" + graph.name() + "' is closed");
    }
  }

  @Override
  public void close() {
    closed = true;
  }
}
