package io.athanor.api.graph;

import io.athanor.api.common.DType;
import java.util.ArrayList;
import java.util.List;

/**
 * Losses: means over the scored elements of a batch, as one number of shape {@code []}; and the
 * likelihood of a sequence, which some of them compare.
 */
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
      positive("delta", delta);
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

  /**
   * How likely a model finds each sequence. Inputs: logits {@code [b, t, classes]} and targets
   * {@code I64 [b, t]}, each in [0, classes) or {@link LossOp#IGNORED}. Result {@code F32 [b]}: the
   * sum of the logarithms of the probabilities of the targets not ignored.
   */
  record SequenceLogProbability() implements LossOp {
    @Override
    public TensorType infer(Inference at) {
      at.count(2, 2);
      Shape logits = at.floating(0, 3, "[batch, sequence, classes]");
      at.same("targets", Shape.of(logits.dim(0), logits.dim(1)), at.integers(1));
      return TensorType.f32(logits.dim(0));
    }

    @Override
    public <R> R accept(OpVisitor<R> visitor, Node node) {
      return visitor.sequenceLogProbability(node, this);
    }
  }

  /**
   * Direct preference optimisation (Rafailov et al. 2023). Inputs: log-probabilities {@code F32
   * [b]} of the model and of its reference, rows in pairs, each preferred answer followed by the
   * rejected one; {@code b} is even. The mean over the pairs of {@code -log sigmoid(beta d)}, with
   * {@code d} the model's lead of the preferred answer over the rejected one, less the reference's.
   *
   * @param beta above 0; the smaller, the further the model may move away
   */
  record Preference(double beta) implements LossOp {
    public Preference {
      positive("beta", beta);
    }

    @Override
    public TensorType infer(Inference at) {
      at.count(2, 2);
      at.same("reference", at.floating(0, 1, "[batch]"), at.floating(1));
      return new TensorType(DType.F32, Shape.SCALAR);
    }

    @Override
    public <R> R accept(OpVisitor<R> visitor, Node node) {
      return visitor.preference(node, this);
    }
  }

  /**
   * Contrastive loss with the other pairs of the batch as negatives (van den Oord et al. 2018).
   * Inputs: vectors {@code [b, size]}, usually of unit length, rows in pairs, each query followed
   * by what it should find; {@code b} is even. The mean over the queries of the cross-entropy of
   * their products with all that can be found, divided by the temperature, against their own.
   *
   * @param temperature above 0
   */
  record Contrastive(double temperature) implements LossOp {
    public Contrastive {
      positive("temperature", temperature);
    }

    @Override
    public TensorType infer(Inference at) {
      at.count(1, 1);
      at.floating(0, 2, "[batch, size]");
      return new TensorType(DType.F32, Shape.SCALAR);
    }

    @Override
    public <R> R accept(OpVisitor<R> visitor, Node node) {
      return visitor.contrastive(node, this);
    }
  }

  private static void positive(String name, double value) {
    if (!(value > 0) || !Double.isFinite(value)) {
      throw new IllegalArgumentException(name + " must be above 0, got " + value);
    }
  }

  private static TensorType pair(Inference at) {
    at.count(2, 2);
    at.same("targets", at.floating(0), at.floating(1));
    return new TensorType(DType.F32, Shape.SCALAR);
  }
}
