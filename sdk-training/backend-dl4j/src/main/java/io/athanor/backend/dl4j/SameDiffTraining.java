package io.athanor.backend.dl4j;

import io.athanor.api.backend.MicroBatch;
import io.athanor.api.backend.StepResult;
import io.athanor.api.backend.StepSettings;
import io.athanor.api.backend.TrainableModel;
import io.athanor.api.backend.TrainingMode;
import io.athanor.api.backend.TrainingState;
import io.athanor.api.common.Tensor;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.Parameter;
import io.athanor.api.graph.Weights;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;

/** A graph in training. */
final class SameDiffTraining extends SameDiffModel implements TrainableModel {
  private static final long GOLDEN = 0x9E3779B97F4A7C15L;

  private final Graph graph;
  private final String loss;
  private final Programs steps;
  private final Programs evaluations;
  private final Gradients gradients;
  private final Updates updates;
  private long taken;
  private long seed;

  /**
   * @param graph with a loss
   * @param parameters owned by this model
   */
  SameDiffTraining(Graph graph, Parameters parameters, TrainingMode mode) {
    super(graph.forPrediction(), parameters);
    this.graph = graph;
    this.loss = graph.loss().orElseThrow();
    this.steps = new Programs(sizes -> ProgramWriter.write(graph, sizes, Purpose.TRAIN));
    this.evaluations = new Programs(sizes -> ProgramWriter.write(graph, sizes, Purpose.EVALUATE));
    this.gradients = new Gradients(graph);
    this.updates = new Updates(graph, mode.optimizer());
    this.seed = mode.seed();
  }

  @Override
  public StepResult step(List<MicroBatch> microBatches, StepSettings settings) {
    if (microBatches.isEmpty()) {
      throw new IllegalArgumentException("microBatches must not be empty");
    }
    return alone(
        () -> {
          List<Runnable> statistics = new ArrayList<>();
          double mean = accumulate(microBatches, statistics);
          double norm = gradients.norm();
          if (settings.clipNorm() > 0 && norm + 1e-6 > settings.clipNorm()) {
            gradients.scale(settings.clipNorm() / (norm + 1e-6));
          }
          updates.apply(parameters(), gradients, settings.learningRate(), taken + 1);
          statistics.forEach(Runnable::run);
          taken++;
          return new StepResult(mean, norm);
        });
  }

  /**
   * Leaves the weighted mean of the gradients in {@link #gradients}.
   *
   * @param statistics gets what moves the running statistics
   * @return the weighted mean of the losses
   */
  private double accumulate(List<MicroBatch> microBatches, List<Runnable> statistics) {
    double total = microBatches.stream().mapToDouble(MicroBatch::weight).sum();
    double mean = 0;
    gradients.clear();
    for (int i = 0; i < microBatches.size(); i++) {
      double share = microBatches.get(i).weight() / total;
      mean +=
          share
              * run(
                  steps,
                  microBatches.get(i),
                  dropout(i),
                  outcome -> {
                    gradients.add(outcome, share);
                    for (Program.Moving moving : outcome.moving()) {
                      statistics.add(Statistics.of(moving, outcome, parameters()));
                    }
                    return outcome.result(loss).getDouble(0);
                  });
    }
    return mean;
  }

  /** A stream of its own for every micro-batch of every step. */
  private SplittableRandom dropout(int microBatch) {
    long ofStep = new SplittableRandom(seed + taken * GOLDEN).nextLong();
    return new SplittableRandom(ofStep + microBatch);
  }

  private double run(
      Programs programs,
      MicroBatch batch,
      SplittableRandom dropout,
      Program.Reader<Double> reader) {
    Map<String, Long> sizes = graph.sizes(batch.tensors());
    Call call = new Call(new HostValues(graph, sizes, batch.tensors()), parameters(), dropout);
    return programs.run(sizes, call, reader);
  }

  @Override
  public double loss(MicroBatch batch) {
    return alone(
        () -> run(evaluations, batch, dropout(0), outcome -> outcome.result(loss).getDouble(0)));
  }

  @Override
  public Weights gradients(MicroBatch batch) {
    return alone(
        () -> {
          accumulate(List.of(batch), new ArrayList<>());
          return Weights.of(gradients.copy());
        });
  }

  @Override
  public Weights weights() {
    return alone(() -> Weights.of(parameters().copy()));
  }

  @Override
  public Weights learned() {
    return alone(
        () -> {
          Map<String, Tensor> learned = new LinkedHashMap<>();
          for (Parameter parameter : graph.parameters()) {
            if (parameter.learned()) {
              learned.put(parameter.name(), parameters().get(parameter.name()).copy());
            }
          }
          return Weights.of(learned);
        });
  }

  @Override
  public TrainingState state() {
    return alone(() -> new TrainingState(learned(), updates.moments().copy(), taken, seed));
  }

  @Override
  public void restore(TrainingState state) {
    alone(
        () -> {
          Map<String, NativeArray> learned = new LinkedHashMap<>();
          for (Parameter parameter : graph.parameters()) {
            if (parameter.learned()) {
              learned.put(parameter.name(), parameters().get(parameter.name()));
            }
          }
          Map<String, NativeArray> moments = updates.moments().all();
          state.requireFit(shapes(learned), shapes(moments));
          state.weights().tensors().forEach((name, tensor) -> parameters().get(name).set(tensor));
          state.optimizer().forEach((name, tensor) -> updates.moments().get(name).set(tensor));
          taken = state.steps();
          seed = state.seed();
          return state;
        });
  }

  @Override
  void free() {
    steps.close();
    evaluations.close();
    gradients.close();
    updates.close();
  }

  private static Map<String, long[]> shapes(Map<String, NativeArray> tensors) {
    Map<String, long[]> shapes = new LinkedHashMap<>();
    tensors.forEach((name, tensor) -> shapes.put(name, tensor.array().shape()));
    return shapes;
  }
}
