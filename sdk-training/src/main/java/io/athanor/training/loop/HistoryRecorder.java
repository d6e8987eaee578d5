package io.athanor.training.loop;

import io.athanor.api.training.TrainingHistory;
import io.athanor.training.checkpoint.Checkpoint.Mean;
import java.util.ArrayList;
import java.util.List;

/** Collects the course of a run, at most a thousand points of the loss curve. */
final class HistoryRecorder {
  private static final long POINTS = 1000;

  private final List<TrainingHistory.Point> curve = new ArrayList<>();
  private final List<TrainingHistory.Evaluation> evaluations = new ArrayList<>();
  private final long stride;
  private double sum;
  private long count;

  HistoryRecorder(long totalSteps) {
    this.stride = Math.max(1, (totalSteps + POINTS - 1) / POINTS);
  }

  void restore(TrainingHistory history, Mean sinceLastPoint) {
    curve.addAll(history.curve());
    evaluations.addAll(history.evaluations());
    sum = sinceLastPoint.sum();
    count = sinceLastPoint.count();
  }

  void add(long step, double loss, double learningRate, double gradientNorm) {
    sum += loss;
    count++;
    if (step % stride == 0) {
      curve.add(new TrainingHistory.Point(step, sum / count, learningRate, gradientNorm));
      sum = 0;
      count = 0;
    }
  }

  void add(TrainingHistory.Evaluation evaluation) {
    evaluations.add(evaluation);
  }

  TrainingHistory history() {
    return new TrainingHistory(curve, evaluations);
  }

  Mean sinceLastPoint() {
    return new Mean(sum, count);
  }
}
