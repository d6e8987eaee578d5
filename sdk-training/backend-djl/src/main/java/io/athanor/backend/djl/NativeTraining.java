package io.athanor.backend.djl;

import io.athanor.api.backend.MicroBatch;
import io.athanor.api.backend.StepResult;
import io.athanor.api.backend.StepSettings;
import io.athanor.api.backend.TrainableModel;
import io.athanor.api.backend.TrainingMode;
import io.athanor.api.backend.TrainingState;
import io.athanor.api.common.Tensor;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.TensorType;
import io.athanor.api.graph.Weights;
import java.util.List;
import java.util.Map;

/** A graph in training. */
final class NativeTraining extends NativeModel implements TrainableModel {
  private final TrainingMemory memory;
  private final Calls<StepCall> steps;
  private final Calls<ForwardCall> evaluations;
  private long seed;
  private long taken;

  /**
   * @param program as {@link ProgramWriter#forTraining} writes it
   */
  NativeTraining(
      Graph graph,
      TrainingMode mode,
      ThreadChoice choice,
      NativeCalls gate,
      NativeScope scope,
      Program program,
      TrainingMemory memory) {
    super(graph.forPrediction(), choice, gate, scope, program);
    this.memory = memory;
    this.seed = mode.seed();
    InputRules rules = new InputRules(graph);
    List<TensorType> loss = List.of(graph.type(graph.loss().orElseThrow()));
    this.steps =
        new Calls<>(tensors -> new StepCall(rules, choice, scope, program.recording(), tensors));
    this.evaluations = new Calls<>(tensors -> new ForwardCall(rules, choice, scope, tensors, loss));
  }

  @Override
  public StepResult step(List<MicroBatch> microBatches, StepSettings settings) {
    if (microBatches.isEmpty()) {
      throw new IllegalArgumentException("microBatches must not be empty");
    }
    return alone(
        () -> {
          StepCall call = prepared(microBatches);
          call.set(settings);
          memory.countStep(taken + 1);
          StepResult result = call.run(program());
          taken++;
          return result;
        });
  }

  private StepCall prepared(List<MicroBatch> microBatches) {
    StepCall call = steps.loaded(microBatches.stream().map(MicroBatch::tensors).toList());
    call.share(microBatches);
    call.seed(seed, taken);
    NativeCalls.threads(call.threads());
    return call;
  }

  @Override
  public double loss(MicroBatch batch) {
    return alone(
        () ->
            forward(evaluations, "evaluate", batch.tensors())
                .get(0)
                .bytes()
                .asFloatBuffer()
                .get(0));
  }

  @Override
  public Weights gradients(MicroBatch batch) {
    return alone(
        () -> {
          Map<String, Tensor> statistics = memory.statistics();
          try {
            StepCall call = prepared(List.of(batch));
            call.accumulate(program());
            return Weights.of(memory.gradients());
          } finally {
            memory.setWeights(statistics);
          }
        });
  }

  @Override
  public Weights weights() {
    return still(() -> Weights.of(memory.weights()));
  }

  @Override
  public Weights learned() {
    return still(() -> Weights.of(memory.learned()));
  }

  @Override
  public TrainingState state() {
    return still(
        () -> new TrainingState(Weights.of(memory.learned()), memory.moments(), taken, seed));
  }

  @Override
  public void restore(TrainingState state) {
    still(
        () -> {
          memory.restore(state);
          taken = state.steps();
          seed = state.seed();
          return taken;
        });
  }
}
