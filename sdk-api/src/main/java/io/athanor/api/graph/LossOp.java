package io.athanor.api.graph;

import io.athanor.api.common.DType;
import java.util.ArrayList;
import java.util.List;

/** Losses: means over the scored elements of a batch, as one number of shape {@code []}. */
public sealed interface LossOp extends Op {
  /** The target of positions that do not count. */
  long IGNORED = -100;

  /**
   * Softmax cross-entropy. Inputs: logits {@code [.., classes]} and targets {@code I64 [..]}, each
   * in [0, classes) or {@link LossOp#IGNORED}. The mean is over the targets not ignored, and NaN if
   * all are. With smoothing {@code s}, a row costs {@code (1 - s)} times the negative logarithm of
   * its target's probability plus {@code s} times the mean of that over all classes.
   *
   * @param labelSmoothing share of the target spread over all classes, in [0, 1) (Szegedy et al.
   *     2016)
   */
  record CrossEntropy(double labelSmoothing) implements LossOp {
    public CrossEntropy {
      if (!(labelSmoothing >= 0 && labelSmoothing < 1)) {
        throw new IllegalArgumentException(
            "labelSmoothing must be in [0, 1), got " + labelSmoothing);
      }
    }

    @Override
    public TensorType infer(Inference at) {
      at.count(2, 2);
      Shape logits = at.floating(0);
      if (logits.rank() < 2) {
        throw at.fail("expected logits of shape [.., classes], got " + logits);
      }
      List<Dim> rows = new ArrayList<>(logits.dims());
      rows.remove(rows.size() - 1);
      at.same("targets", new Shape(rows), at.integers(1));
      return new TensorType(DType.F32, Shape.SCALAR);
    }

    @Override
    public <R> R accept(OpVisitor<R> visitor, Node node) {
      return visitor.crossEntropy(node, this);
    }
  }

  /** Sigmoid cross-entropy of logits and targets in [0, 1], both of one shape. */
  record BinaryCrossEntropy() implements LossOp {
    @Override
    public TensorType infer(Inference at) {
      return pair(at);
    }

    @Override
    public <R> R accept(OpVisitor<R> visitor, Node node) {
      return visitor.binaryCrossEntropy(node, this);
    }
  }

  /** Mean of the squared differences of predictions and targets, both of one shape. */
  record MeanSquaredError() implements LossOp {
    @Override
    public TensorType infer(Inference at) {
      return pair(at);
    }

    @Override
    public <R> R accept(OpVisitor<R> visitor, Node node) {
      return visitor.meanSquaredError(node, this);
    }
  }

  /**
   * Huber's loss (1964): the mean of {@code d^2 / 2} where the difference {@code |d| <= delta},
   * else {@code delta (|d| - delta / 2)}.
   *
   * @param delta where it turns linear, above 0
   */
  record Huber(double delta) implements LossOp {
    public Huber {
      if (!(delta > 0) || !Double.isFinite(delta)) {
        throw new IllegalArgumentException("delta must be above 0, got " + delta);
      }
    }

    @Override
    public TensorType infer(Inference at) {
      return pair(at);
    }

    @Override
    public <R> R accept(OpVisitor<R> visitor, Node node) {
      return visitor.huber(node, this);
    }
  }

  private static TensorType pair(Inference at) {
    at.count(2, 2);
    at.same("targets", at.floating(0), at.floating(1));
    return new TensorType(DType.F32, Shape.SCALAR);
  }
}
