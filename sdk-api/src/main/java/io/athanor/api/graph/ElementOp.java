package io.athanor.api.graph;

import java.util.ArrayList;
import java.util.List;

/** Operations element by element, or along the last axis. */
public sealed interface ElementOp extends Op {
  /**
   * A function of each element.
   *
   * @param kind the function
   */
  record Activation(Kind kind) implements ElementOp {
    /** Activation functions. */
    public enum Kind {
      RELU,
      /** {@code x Phi(x)} with the exact error function (Hendrycks and Gimpel 2016). */
      GELU,
      /** The tanh approximation of GELU. */
      GELU_TANH,
      /** {@code x sigmoid(x)}. */
      SILU,
      TANH,
      SIGMOID,
      /** {@code x} where positive, else {@code 0.01 x}. */
      LEAKY_RELU,
      /** {@code x} where positive, else {@code exp(x) - 1}. */
      ELU,
      /** {@code log(1 + exp(x))}. */
      SOFTPLUS
    }

    @Override
    public TensorType infer(Inference at) {
      return unary(at);
    }

    @Override
    public <R> R accept(OpVisitor<R> visitor, Node node) {
      return visitor.activation(node, this);
    }
  }

  /** Sum of two values; sizes align at the last axis, and a size of 1 or an absent axis repeats. */
  record Add() implements ElementOp {
    @Override
    public TensorType infer(Inference at) {
      return broadcast(at);
    }

    @Override
    public <R> R accept(OpVisitor<R> visitor, Node node) {
      return visitor.add(node, this);
    }
  }

  /** Product of two values; sizes align as in {@link Add}. */
  record Multiply() implements ElementOp {
    @Override
    public TensorType infer(Inference at) {
      return broadcast(at);
    }

    @Override
    public <R> R accept(OpVisitor<R> visitor, Node node) {
      return visitor.multiply(node, this);
    }
  }

  /**
   * Product with a constant.
   *
   * @param factor finite
   */
  record Scale(double factor) implements ElementOp {
    public Scale {
      if (!Double.isFinite(factor)) {
        throw new IllegalArgumentException("factor must be finite, got " + factor);
      }
    }

    @Override
    public TensorType infer(Inference at) {
      return unary(at);
    }

    @Override
    public <R> R accept(OpVisitor<R> visitor, Node node) {
      return visitor.scale(node, this);
    }
  }

  /** Softmax over the last axis. */
  record Softmax() implements ElementOp {
    @Override
    public TensorType infer(Inference at) {
      return rows(at);
    }

    @Override
    public <R> R accept(OpVisitor<R> visitor, Node node) {
      return visitor.softmax(node, this);
    }
  }

  /** Logarithm of the softmax over the last axis. */
  record LogSoftmax() implements ElementOp {
    @Override
    public TensorType infer(Inference at) {
      return rows(at);
    }

    @Override
    public <R> R accept(OpVisitor<R> visitor, Node node) {
      return visitor.logSoftmax(node, this);
    }
  }

  /**
   * In training, zeroes elements and scales the rest by {@code 1 / (1 - rate)} (Srivastava et al.
   * 2014); otherwise the identity.
   *
   * @param rate probability of zeroing, in [0, 1)
   */
  record Dropout(double rate) implements ElementOp {
    public Dropout {
      checkRate(rate);
    }

    static void checkRate(double rate) {
      if (!(rate >= 0 && rate < 1)) {
        throw new IllegalArgumentException("dropout rate must be in [0, 1), got " + rate);
      }
    }

    @Override
    public TensorType infer(Inference at) {
      return unary(at);
    }

    @Override
    public <R> R accept(OpVisitor<R> visitor, Node node) {
      return visitor.dropout(node, this);
    }
  }

  /** Each row of the last axis divided by its Euclidean length, or by 1e-12 if that is larger. */
  record Normalize() implements ElementOp {
    @Override
    public TensorType infer(Inference at) {
      return rows(at);
    }

    @Override
    public <R> R accept(OpVisitor<R> visitor, Node node) {
      return visitor.normalize(node, this);
    }
  }

  private static TensorType unary(Inference at) {
    at.count(1, 1);
    at.floating(0);
    return at.inputs().get(0);
  }

  private static TensorType rows(Inference at) {
    at.count(1, 1);
    at.floatingRows(0);
    return at.inputs().get(0);
  }

  private static TensorType broadcast(Inference at) {
    at.count(2, 2);
    Shape a = at.floating(0);
    Shape b = at.floating(1);
    if (at.inputs().get(0).dtype() != at.inputs().get(1).dtype()) {
      throw at.fail("expected inputs of one element type, got " + at.inputs());
    }
    int rank = Math.max(a.rank(), b.rank());
    List<Dim> dims = new ArrayList<>();
    for (int i = -rank; i < 0; i++) {
      Dim left = -i <= a.rank() ? a.dim(i) : Dim.of(1);
      Dim right = -i <= b.rank() ? b.dim(i) : Dim.of(1);
      if (left.equals(right) || right.equals(Dim.of(1))) {
        dims.add(left);
      } else if (left.equals(Dim.of(1))) {
        dims.add(right);
      } else {
        throw at.fail("expected shapes that broadcast, got " + a + " and " + b);
      }
    }
    return new TensorType(at.inputs().get(0).dtype(), new Shape(dims));
  }
}
