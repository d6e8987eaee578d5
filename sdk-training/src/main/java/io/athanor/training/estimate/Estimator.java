package io.athanor.training.estimate;

import io.athanor.api.backend.DeviceProfile;
import io.athanor.api.backend.MemoryEstimate;
import io.athanor.api.backend.Optimizer;
import io.athanor.api.common.Tensor;
import io.athanor.api.data.Batch;
import io.athanor.api.data.BatchOrder;
import io.athanor.api.data.Batches;
import io.athanor.api.data.LanguageEncoding;
import io.athanor.api.data.TrainingData;
import io.athanor.api.error.AthanorException;
import io.athanor.api.graph.Graph;
import io.athanor.api.training.Lora;
import io.athanor.api.training.TrainingEstimate;
import io.athanor.api.training.TrainingForecast;
import io.athanor.api.training.TrainingForecast.Remedy;
import io.athanor.api.training.TrainingPlan;
import io.athanor.api.training.Tuning;
import io.athanor.training.tuning.References;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/**
 * Estimates a run. Sizes of batches are taken from the first micro-batches that the run would see;
 * the largest of them counts for memory, the mean for operations.
 *
 * @param plan how to learn
 * @param graph what would be trained, tuned in a certain way
 * @param data what from
 * @param checkpoints whether any are kept
 */
public record Estimator(
    TrainingPlan plan, Function<Tuning, Graph> graph, TrainingData data, boolean checkpoints) {
  private static final int LOOKED_AT = 32;
  private static final int RANK = 8;

  /**
   * The run as planned.
   *
   * @throws io.athanor.api.error.FormatException on the first row that is not what it should be
   */
  public TrainingEstimate estimate() {
    return estimate(plan);
  }

  /** The run as planned on a device, and what would make it fit. */
  public TrainingForecast on(DeviceProfile device) {
    TrainingEstimate planned = estimate();
    return new TrainingForecast(
        planned, device, planned.fits(device) ? List.of() : remedies(device));
  }

  private List<Remedy> remedies(DeviceProfile device) {
    List<Remedy> found = new ArrayList<>();
    if (plan.microBatchSize() > 1) {
      found.add(smaller(plan, device, ""));
    }
    if (!plan.recompute()) {
      TrainingPlan again = plan.toBuilder().recompute(true).build();
      found.add(new Remedy("recompute()", estimate(again)));
      if (again.microBatchSize() > 1 && !last(found).estimate().fits(device)) {
        found.add(smaller(again, device, "recompute()."));
      }
    }
    if (plan.tuning().kind() == Tuning.Kind.FULL) {
      lora().ifPresent(found::add);
    }
    return found;
  }

  private static Remedy last(List<Remedy> remedies) {
    return remedies.get(remedies.size() - 1);
  }

  /** The largest micro-batch that fits, or of one row. */
  private Remedy smaller(TrainingPlan from, DeviceProfile device, String before) {
    Remedy latest = null;
    for (int parts = from.accumulate() + 1; parts <= from.batchSize(); parts++) {
      if (from.batchSize() % parts != 0) {
        continue;
      }
      TrainingPlan split = from.toBuilder().accumulate(parts).build();
      latest = new Remedy(before + "accumulate(" + parts + ")", estimate(split));
      if (latest.estimate().fits(device)) {
        break;
      }
    }
    return java.util.Objects.requireNonNull(latest);
  }

  /** Empty if the model has no layer for it. */
  private Optional<Remedy> lora() {
    TrainingPlan adapted = plan.toBuilder().tuning(Lora.rank(RANK)).build();
    try {
      return Optional.of(new Remedy("tuning(Lora.rank(" + RANK + "))", estimate(adapted)));
    } catch (AthanorException e) {
      return Optional.empty();
    }
  }

  private TrainingEstimate estimate(TrainingPlan as) {
    Graph tuned = graph.apply(as.tuning());
    Map<Map<String, Long>, Integer> seen = sizes(tuned, as.microBatchSize());
    Map<String, Long> largest = Map.of();
    double most = -1;
    Work step = Work.NONE;
    Work evaluation = Work.NONE;
    for (Map.Entry<Map<String, Long>, Integer> entry : seen.entrySet()) {
      Work training = Work.training(tuned, entry.getKey(), as.recompute());
      step = step.plus(training.times(entry.getValue()));
      evaluation = evaluation.plus(Work.forward(tuned, entry.getKey()).times(entry.getValue()));
      if (training.flops() > most) {
        most = training.flops();
        largest = entry.getKey();
      }
    }
    int count = seen.values().stream().mapToInt(Integer::intValue).sum();
    long microBatches = data.train().count(as.microBatchSize());
    long steps = Math.multiplyExact(data.train().count(as.batchSize()), (long) as.epochs());
    Work trained = step.times((double) microBatches / count * as.epochs());
    long evaluations = as.evaluateEvery() == 0 ? as.epochs() : 1 + steps / as.evaluateEvery();
    Work evaluated =
        evaluation.times((double) evaluated(as.microBatchSize()) / count * evaluations);
    Work all = trained.plus(evaluated);
    long parameters = tuned.trainedParameterCount();
    return new TrainingEstimate(
        tuned.name(),
        tuned.parameterCount(),
        parameters,
        largest,
        data.train().rows(),
        steps,
        trained.flops() / steps,
        all.flops(),
        all.bytes() + (double) steps * Float.BYTES * parameters * touched(as),
        all.operations(),
        MemoryEstimate.training(tuned, largest, as.mode(), as.accumulate()),
        Math.multiplyExact(parameters, (long) Float.BYTES * copies(as)));
  }

  private long evaluated(int microBatch) {
    return data.validation().map(rows -> rows.count(microBatch)).orElse(0L);
  }

  /** How often a step reads or writes a number of the optimizer's, for each trained parameter. */
  private static int touched(TrainingPlan as) {
    int norm = as.clipNorm() > 0 ? 3 : 1;
    return 3 + 2 * moments(as.optimizer()) + norm;
  }

  /** First and best weights, and the next best or what a checkpoint holds. */
  private int copies(TrainingPlan as) {
    return 2 + (checkpoints ? 1 + moments(as.optimizer()) : 1);
  }

  private static int moments(Optimizer optimizer) {
    if (optimizer instanceof Optimizer.Sgd sgd) {
      return sgd.momentum() > 0 ? 1 : 0;
    }
    return 2;
  }

  /** What the symbols of the graph stand for in micro-batches, and in how many of them. */
  private Map<Map<String, Long>, Integer> sizes(Graph tuned, int microBatch) {
    Map<Map<String, Long>, Integer> seen = new LinkedHashMap<>();
    BatchOrder order = BatchOrder.shuffled(microBatch, plan.seed(), 0);
    try (Batches.Stream batches = data.train().open(order)) {
      for (int i = 0; i < LOOKED_AT && batches.hasNext(); i++) {
        seen.merge(tuned.sizes(tensors(tuned, batches.next())), 1, Integer::sum);
      }
    }
    return seen;
  }

  /** References are computed only when a run begins; here their shape is enough. */
  private static Map<String, Tensor> tensors(Graph tuned, Batch batch) {
    if (!References.wantedBy(tuned) || batch.tensors().containsKey(LanguageEncoding.REFERENCE)) {
      return batch.tensors();
    }
    Map<String, Tensor> all = new HashMap<>(batch.tensors());
    all.put(LanguageEncoding.REFERENCE, Tensor.ofFloats(new float[batch.rows()], batch.rows()));
    return all;
  }
}
