package io.athanor.api.backend;

import io.athanor.api.graph.Weights;
import java.util.List;

/**
 * A graph with its optimizer state. One {@link #step} is one optimizer step. Not thread-safe: one
 * caller at a time, but any thread.
 */
public interface TrainableModel extends CompiledModel {
  /**
   * Forward, loss and gradients of every micro-batch, averaged by their weights, then clipping and
   * one optimizer update.
   *
   * @param microBatches at least one
   * @throws io.athanor.api.error.GraphException if a tensor is missing or does not fit its type, or
   *     an id or target is out of range
   */
  StepResult step(List<MicroBatch> microBatches, StepSettings settings);

  /** The loss of a batch as when predicting: dropout off, nothing changed. */
  double loss(MicroBatch batch);

  /**
   * The gradients {@link #step} would use for one micro-batch, before clipping, of every trained
   * parameter; changes nothing. For tests and tools.
   */
  Weights gradients(MicroBatch batch);

  /** A copy of the current weights, statistics included. */
  Weights weights();

  /** A copy of the weights that training changes: trained parameters and statistics. */
  Weights learned();

  /**
   * A copy of all that decides the future but the frozen parameters, which never change: {@link
   * #learned}, optimizer state, random state.
   */
  TrainingState state();

  /**
   * Continues from a state exactly, if the frozen parameters are those of then.
   *
   * @throws io.athanor.api.error.GraphException if it belongs to another graph or optimizer
   */
  void restore(TrainingState state);
}
