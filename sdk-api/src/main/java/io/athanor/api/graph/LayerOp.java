package io.athanor.api.graph;

import io.athanor.api.common.DType;
import io.athanor.api.common.Digest;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/** Operations with parameters. Layouts are PyTorch's, the ones checkpoints use. */
public sealed interface LayerOp extends Op {
  /**
   * {@code y = x W^T + b}. Input {@code [.., in]}, result {@code [.., out]}.
   *
   * @param weight parameter {@code [out, in]}
   * @param bias parameter {@code [out]}, or null
   */
  record Linear(String weight, @Nullable String bias) implements LayerOp {
    @Override
    public List<String> parameters() {
      return named(weight, bias);
    }

    @Override
    public TensorType infer(Inference at) {
      at.count(1, 1);
      Shape x = at.floatingRows(0);
      Dim out = at.parameter(weight, null, x.dim(-1)).dim(0);
      if (bias != null) {
        at.parameter(bias, out);
      }
      return new TensorType(at.inputs().get(0).dtype(), x.with(-1, out));
    }

    @Override
    public <R> R accept(OpVisitor<R> visitor, Node node) {
      return visitor.linear(node, this);
    }
  }

  /**
   * Rows of a table. Input ids {@code I64 [..]}, each in [0, rows); result {@code [.., size]}.
   *
   * @param weight parameter {@code [rows, size]}
   */
  record Embedding(String weight) implements LayerOp {
    @Override
    public List<String> parameters() {
      return List.of(weight);
    }

    @Override
    public TensorType infer(Inference at) {
      at.count(1, 1);
      List<Dim> dims = new ArrayList<>(at.integers(0).dims());
      dims.add(at.parameter(weight, null, null).dim(1));
      return new TensorType(DType.F32, new Shape(dims));
    }

    @Override
    public <R> R accept(OpVisitor<R> visitor, Node node) {
      return visitor.embedding(node, this);
    }
  }

  /**
   * Cross-correlation. Input {@code [b, in, h, w]}, result {@code [b, out, h', w']} with {@code h'
   * = (h + 2 padding - kernel) / stride + 1}.
   *
   * @param weight parameter {@code [out, in, kernel, kernel]}
   * @param bias parameter {@code [out]}, or null
   * @param stride at least 1
   * @param padding zeros on each side, at least 0
   */
  record Conv2d(String weight, @Nullable String bias, int stride, int padding) implements LayerOp {
    public Conv2d {
      if (stride < 1 || padding < 0) {
        throw new IllegalArgumentException(
            "stride must be at least 1 and padding at least 0, got " + stride + " and " + padding);
      }
    }

    @Override
    public List<String> parameters() {
      return named(weight, bias);
    }

    @Override
    public TensorType infer(Inference at) {
      at.count(1, 1);
      Shape x = at.floating(0, 4, "[batch, channels, height, width]");
      Shape w = at.parameter(weight, null, x.dim(1), null, null);
      if (bias != null) {
        at.parameter(bias, w.dim(0));
      }
      Dim height = window(at, 2, w.dim(2).offset(), stride, padding);
      Dim width = window(at, 3, w.dim(3).offset(), stride, padding);
      return TensorType.f32(x.dim(0), w.dim(0), height, width);
    }

    @Override
    public <R> R accept(OpVisitor<R> visitor, Node node) {
      return visitor.conv2d(node, this);
    }
  }

  /**
   * A program in the form of one engine. Only a backend of that engine can look into it; all else
   * refuses it. Inputs and result are what whoever brought the program declared.
   *
   * @param format name of the form, for example {@code "torchscript"}
   * @param program its bytes in Base64, without the numbers of its parameters
   * @param parameters in the order of the format
   * @param result its symbols occur in the inputs
   */
  record Foreign(String format, String program, List<String> parameters, TensorType result)
      implements LayerOp {
    public Foreign {
      parameters = List.copyOf(parameters);
    }

    @Override
    public TensorType infer(Inference at) {
      for (Dim dim : result.shape().dims()) {
        boolean known =
            at.inputs().stream()
                .flatMap(input -> input.shape().dims().stream())
                .anyMatch(size -> Objects.equals(size.symbol(), dim.symbol()));
        if (!dim.fixed() && !known) {
          throw at.fail("no input has the size '" + dim + "' of the result " + result);
        }
      }
      for (String parameter : parameters) {
        at.parameter(parameter);
      }
      return result;
    }

    @Override
    public <R> R accept(OpVisitor<R> visitor, Node node) {
      return visitor.foreign(node, this);
    }

    @Override
    public String toString() {
      return "Foreign[" + format + ", " + Digest.ofText(program) + "]";
    }
  }

  /**
   * Layer normalisation over the last axis (Ba et al. 2016).
   *
   * @param weight parameter {@code [size]}
   * @param bias parameter {@code [size]}, or null
   * @param epsilon added to the variance, above 0
   */
  record LayerNorm(String weight, @Nullable String bias, double epsilon) implements LayerOp {
    public LayerNorm {
      checkEpsilon(epsilon);
    }

    @Override
    public List<String> parameters() {
      return named(weight, bias);
    }

    @Override
    public TensorType infer(Inference at) {
      at.count(1, 1);
      Dim size = at.floatingRows(0).dim(-1);
      at.parameter(weight, size);
      if (bias != null) {
        at.parameter(bias, size);
      }
      return at.inputs().get(0);
    }

    @Override
    public <R> R accept(OpVisitor<R> visitor, Node node) {
      return visitor.layerNorm(node, this);
    }
  }

  /**
   * Root-mean-square normalisation (Zhang and Sennrich 2019), times {@code offset + weight}. Each
   * run of {@code size} elements of the last axis is normalised by itself, all with the same
   * weights: the whole axis, or, where {@code size} is that of a head, each head. Input {@code [..,
   * runs size]}, result of the same shape.
   *
   * @param weight parameter {@code [size]}; size divides the last axis
   * @param epsilon added to the mean square, above 0
   * @param offset added to the weight: 0, or 1 as in Gemma
   */
  record RmsNorm(String weight, double epsilon, double offset) implements LayerOp {
    /** With offset 0. */
    public RmsNorm(String weight, double epsilon) {
      this(weight, epsilon, 0);
    }

    public RmsNorm {
      checkEpsilon(epsilon);
      if (!Double.isFinite(offset)) {
        throw new IllegalArgumentException("offset must be finite, got " + offset);
      }
    }

    @Override
    public List<String> parameters() {
      return List.of(weight);
    }

    @Override
    public TensorType infer(Inference at) {
      at.count(1, 1);
      Shape x = at.floatingRows(0);
      Dim size = at.parameter(weight, (Dim) null).dim(0);
      if (!x.dim(-1).equals(size) && at.fixed(0, x.rank() - 1) % size.offset() != 0) {
        throw at.fail(
            "expected a last size divisible by that of '" + weight + "', " + size + ", got " + x);
      }
      return at.inputs().get(0);
    }

    @Override
    public <R> R accept(OpVisitor<R> visitor, Node node) {
      return visitor.rmsNorm(node, this);
    }
  }

  /**
   * Batch normalisation over axis 1 (Ioffe and Szegedy 2015). Training uses the batch's statistics
   * (biased variance) and moves the running ones (unbiased variance); prediction uses the running
   * ones. Input {@code [b, c]} or {@code [b, c, h, w]}; training needs more than one element per
   * channel.
   *
   * @param weight parameter {@code [c]}
   * @param bias parameter {@code [c]}
   * @param mean statistic {@code [c]}
   * @param variance statistic {@code [c]}
   * @param epsilon added to the variance, above 0
   * @param momentum share of the new batch in the running statistics, in (0, 1]
   */
  record BatchNorm(
      String weight, String bias, String mean, String variance, double epsilon, double momentum)
      implements LayerOp {
    public BatchNorm {
      checkEpsilon(epsilon);
      if (!(momentum > 0 && momentum <= 1)) {
        throw new IllegalArgumentException("momentum must be in (0, 1], got " + momentum);
      }
    }

    @Override
    public List<String> parameters() {
      return List.of(weight, bias, mean, variance);
    }

    @Override
    public TensorType infer(Inference at) {
      at.count(1, 1);
      Shape x = at.floating(0);
      if (x.rank() != 2 && x.rank() != 4) {
        throw at.fail(
            "expected input 0 of shape [batch, channels] or [batch, channels, height, width], got "
                + x);
      }
      for (String name : parameters()) {
        at.parameter(name, x.dim(1));
      }
      return at.inputs().get(0);
    }

    @Override
    public <R> R accept(OpVisitor<R> visitor, Node node) {
      return visitor.batchNorm(node, this);
    }
  }

  /**
   * Long short-term memory from a zero state, left to right (Hochreiter and Schmidhuber 1997).
   * Input {@code [b, t, in]}, result {@code [b, t, hidden]}. Gates in the order input, forget,
   * cell, output.
   *
   * @param inputWeight parameter {@code [4 hidden, in]}
   * @param hiddenWeight parameter {@code [4 hidden, hidden]}
   * @param inputBias parameter {@code [4 hidden]}
   * @param hiddenBias parameter {@code [4 hidden]}
   */
  record Lstm(String inputWeight, String hiddenWeight, String inputBias, String hiddenBias)
      implements LayerOp {
    @Override
    public List<String> parameters() {
      return List.of(inputWeight, hiddenWeight, inputBias, hiddenBias);
    }

    @Override
    public TensorType infer(Inference at) {
      return recurrent(at, 4, parameters());
    }

    @Override
    public <R> R accept(OpVisitor<R> visitor, Node node) {
      return visitor.lstm(node, this);
    }
  }

  /**
   * Gated recurrent unit from a zero state, left to right (Cho et al. 2014, with the reset gate
   * applied after the product as cuDNN does). Input {@code [b, t, in]}, result {@code [b, t,
   * hidden]}. Gates in the order reset, update, new.
   *
   * @param inputWeight parameter {@code [3 hidden, in]}
   * @param hiddenWeight parameter {@code [3 hidden, hidden]}
   * @param inputBias parameter {@code [3 hidden]}
   * @param hiddenBias parameter {@code [3 hidden]}
   */
  record Gru(String inputWeight, String hiddenWeight, String inputBias, String hiddenBias)
      implements LayerOp {
    @Override
    public List<String> parameters() {
      return List.of(inputWeight, hiddenWeight, inputBias, hiddenBias);
    }

    @Override
    public TensorType infer(Inference at) {
      return recurrent(at, 3, parameters());
    }

    @Override
    public <R> R accept(OpVisitor<R> visitor, Node node) {
      return visitor.gru(node, this);
    }
  }

  /**
   * The low-rank paths of several adapters side by side (Hu et al. 2021): row {@code i} of the
   * batch goes through adapter {@code n = adapter[i]}, {@code y = x A[n]^T B[n]^T}. Inputs: {@code
   * [b, t, in]} and the adapters {@code I64 [b]}, each in [0, adapters); result {@code [b, t,
   * out]}.
   *
   * @param a parameter {@code [adapters, rank, in]}
   * @param b parameter {@code [adapters, out, rank]}
   */
  record AdapterLinear(String a, String b) implements LayerOp {
    @Override
    public List<String> parameters() {
      return List.of(a, b);
    }

    @Override
    public TensorType infer(Inference at) {
      at.count(2, 2);
      Shape x = at.floating(0, 3, "[batch, sequence, size]");
      at.same("adapters", Shape.of(x.dim(0)), at.integers(1));
      Shape down = at.parameter(a, null, null, x.dim(2));
      Shape up = at.parameter(b, down.dim(0), null, down.dim(1));
      return new TensorType(at.inputs().get(0).dtype(), x.with(2, up.dim(1)));
    }

    @Override
    public <R> R accept(OpVisitor<R> visitor, Node node) {
      return visitor.adapterLinear(node, this);
    }
  }

  /**
   * Trained vectors before the tokens of every row (Lester et al. 2021). Input {@code [b, t,
   * size]}, result {@code [b, count + t, size]}.
   *
   * @param weight parameter {@code [count, size]}
   */
  record VirtualTokens(String weight) implements LayerOp {
    @Override
    public List<String> parameters() {
      return List.of(weight);
    }

    @Override
    public TensorType infer(Inference at) {
      at.count(1, 1);
      Shape x = at.floating(0, 3, "[batch, sequence, size]");
      Dim count = at.parameter(weight, null, x.dim(2)).dim(0);
      return new TensorType(at.inputs().get(0).dtype(), x.with(1, x.dim(1).plus(count.offset())));
    }

    @Override
    public <R> R accept(OpVisitor<R> visitor, Node node) {
      return visitor.virtualTokens(node, this);
    }
  }

  private static TensorType recurrent(Inference at, long gates, List<String> names) {
    at.count(1, 1);
    Shape x = at.floating(0, 3, "[batch, sequence, size]");
    Shape hidden = at.parameter(names.get(1), null, null);
    Dim rows = hidden.dim(0);
    if (rows.offset() != Math.multiplyExact(gates, hidden.dim(1).offset())) {
      throw at.fail(
          "expected parameter '"
              + names.get(1)
              + "' of shape ["
              + gates
              + " hidden, hidden], got "
              + hidden);
    }
    at.parameter(names.get(0), rows, x.dim(2));
    at.parameter(names.get(2), rows);
    at.parameter(names.get(3), rows);
    return new TensorType(at.inputs().get(0).dtype(), x.with(2, hidden.dim(1)));
  }

  /** The size of a window slid along an axis of input 0. */
  static Dim window(Inference at, int axis, long kernel, int stride, int padding) {
    long padded = Math.addExact(at.fixed(0, axis), 2L * padding);
    if (padded < kernel) {
      throw at.fail(
          "expected a size of at least "
              + kernel
              + " on axis "
              + axis
              + " including padding, got "
              + padded);
    }
    return Dim.of((padded - kernel) / stride + 1);
  }

  private static void checkEpsilon(double epsilon) {
    if (!(epsilon > 0) || !Double.isFinite(epsilon)) {
      throw new IllegalArgumentException("epsilon must be above 0, got " + epsilon);
    }
  }

  private static List<String> named(String weight, @Nullable String bias) {
    return bias == null ? List.of(weight) : List.of(weight, bias);
  }
}
