package io.athanor.api.graph;

import io.athanor.api.common.DType;

/** Operations along a sequence axis. */
public sealed interface SequenceOp extends Op {
  /**
   * Positions counted from {@code first}. Input {@code [b, t, ..]} of any type, result {@code I64
   * [b, t]}.
   *
   * @param first the first position, at least 0
   */
  record PositionIds(int first) implements SequenceOp {
    public PositionIds {
      if (first < 0) {
        throw new IllegalArgumentException("first must be at least 0, got " + first);
      }
    }

    @Override
    public TensorType infer(Inference at) {
      return ids(at);
    }

    @Override
    public <R> R accept(OpVisitor<R> visitor, Node node) {
      return visitor.positionIds(node, this);
    }
  }

  /**
   * Rotary position embedding (Su et al. 2021) in the half-split layout of Hugging Face
   * checkpoints. Input {@code [b, t, heads headSize]} and optionally positions {@code I64 [b, t]},
   * which count from 0 where absent; result of the first input's shape. In each head, elements
   * {@code i} and {@code i + headSize / 2} turn by {@code position frequencies[i]}, which without
   * scaling is {@code position / base^(2 i / headSize)}, and grow by the scaling's magnitude.
   *
   * @param headSize even
   * @param base wavelength base, above 1, usually 10000
   * @param scaling how it reaches further than first trained
   */
  record Rope(int headSize, double base, RopeScaling scaling) implements SequenceOp {
    /** Without scaling. */
    public Rope(int headSize, double base) {
      this(headSize, base, new RopeScaling.None());
    }

    public Rope {
      if (headSize < 2 || headSize % 2 != 0) {
        throw new IllegalArgumentException("headSize must be even, got " + headSize);
      }
      if (!(base > 1) || !Double.isFinite(base)) {
        throw new IllegalArgumentException("base must be above 1, got " + base);
      }
    }

    /** The angular speed of each pair, in radians for a position. */
    public double[] frequencies() {
      double[] speeds = new double[headSize / 2];
      for (int i = 0; i < speeds.length; i++) {
        speeds[i] = scaling.frequency(Math.pow(base, -2.0 * i / headSize), base, headSize);
      }
      return speeds;
    }

    @Override
    public TensorType infer(Inference at) {
      at.count(1, 2);
      Shape x = at.floating(0, 3, "[batch, sequence, heads * headSize]");
      if (at.fixed(0, 2) % headSize != 0) {
        throw at.fail("expected a last size divisible by head size " + headSize + ", got " + x);
      }
      if (at.inputs().size() == 2) {
        at.same("positions", Shape.of(x.dim(0), x.dim(1)), at.integers(1));
      }
      return at.inputs().get(0);
    }

    @Override
    public <R> R accept(OpVisitor<R> visitor, Node node) {
      return visitor.rope(node, this);
    }
  }

  /**
   * Scaled dot-product attention (Vaswani et al. 2017), with grouped keys (Ainslie et al. 2023)
   * where {@code keyHeads < heads}: query head {@code i} uses key head {@code i keyHeads / heads},
   * rounded down. Inputs: query {@code [b, t, heads size]}, key {@code [b, s, keyHeads size]},
   * value {@code [b, s, keyHeads valueSize]}, and optionally a mask. A mask {@code F32 [b, s]} has
   * 1 where a position may be attended and 0 where it is padding. A mask {@code I64 [b, s]} numbers
   * the documents packed into a row: a position sees those of its own number, and 0 is padding;
   * query and key then have one length. Result {@code [b, t, heads valueSize]}. A row that may
   * attend nowhere gives zeros.
   *
   * @param heads number of query heads
   * @param keyHeads number of key and value heads; divides {@code heads}
   * @param causal whether position i sees only positions up to i
   * @param dropout probability of dropping an attention weight in training, in [0, 1)
   * @param scale factor on the scores, usually {@code 1 / sqrt(size)}
   * @param window positions seen, its own included, of those up to its own; 0 for all; above 0 only
   *     where causal
   * @param softCap a score {@code x} becomes {@code softCap tanh(x / softCap)}; 0 leaves it
   */
  record Attention(
      int heads,
      int keyHeads,
      boolean causal,
      double dropout,
      double scale,
      int window,
      double softCap)
      implements SequenceOp {
    /** Without window and soft cap. */
    public Attention(int heads, int keyHeads, boolean causal, double dropout, double scale) {
      this(heads, keyHeads, causal, dropout, scale, 0, 0);
    }

    public Attention {
      if (keyHeads < 1 || heads < keyHeads || heads % keyHeads != 0) {
        throw new IllegalArgumentException(
            "heads must be a multiple of keyHeads, got " + heads + " and " + keyHeads);
      }
      ElementOp.Dropout.checkRate(dropout);
      if (!Double.isFinite(scale)) {
        throw new IllegalArgumentException("scale must be finite, got " + scale);
      }
      if (window < 0 || (window > 0 && !causal)) {
        throw new IllegalArgumentException(
            "window must be 0, or above 0 where causal, got " + window);
      }
      if (!(softCap >= 0) || !Double.isFinite(softCap)) {
        throw new IllegalArgumentException("softCap must be at least 0, got " + softCap);
      }
    }

    @Override
    public TensorType infer(Inference at) {
      at.count(3, 4);
      Shape q = at.floating(0, 3, "[batch, sequence, heads * size]");
      Shape k = at.floating(1, 3, "[batch, sequence, keyHeads * size]");
      Shape v = at.floating(2, 3, "[batch, sequence, keyHeads * valueSize]");
      long size = at.fixed(0, 2) / heads;
      if (at.fixed(0, 2) % heads != 0
          || at.fixed(1, 2) != size * keyHeads
          || at.fixed(2, 2) % keyHeads != 0) {
        throw at.fail(
            "expected last sizes that fit "
                + heads
                + " heads and "
                + keyHeads
                + " key heads, got query "
                + q
                + ", key "
                + k
                + ", value "
                + v);
      }
      if (!q.dim(0).equals(k.dim(0)) || !k.dim(0).equals(v.dim(0)) || !k.dim(1).equals(v.dim(1))) {
        throw at.fail(
            "expected one batch size, and one length for key and value, got query "
                + q
                + ", key "
                + k
                + ", value "
                + v);
      }
      if (causal && !q.dim(1).equals(k.dim(1))) {
        throw at.fail("expected query and key of one length where causal, got " + q + ", " + k);
      }
      if (at.inputs().size() == 4) {
        boolean documents = at.inputs().get(3).dtype() == DType.I64;
        if (documents && !q.dim(1).equals(k.dim(1))) {
          throw at.fail("expected query and key of one length in documents, got " + q + ", " + k);
        }
        at.same("mask", Shape.of(k.dim(0), k.dim(1)), documents ? at.integers(3) : at.floating(3));
      }
      return new TensorType(
          at.inputs().get(0).dtype(),
          q.with(2, Dim.of(Math.multiplyExact(at.fixed(2, 2) / keyHeads, (long) heads))));
    }

    @Override
    public <R> R accept(OpVisitor<R> visitor, Node node) {
      return visitor.attention(node, this);
    }
  }

  /**
   * One vector for a sequence. Input {@code [b, t, d]} and optionally a mask {@code F32 [b, t]}
   * with 1 for real positions and 0 for padding; result {@code [b, d]}. A row without real
   * positions gives zeros.
   *
   * @param kind which positions count
   */
  record SequencePool(Kind kind) implements SequenceOp {
    /** Which positions count. */
    public enum Kind {
      /** The mean of the real positions. */
      MEAN,
      /** The largest value over the real positions. */
      MAX,
      /** Position 0. */
      FIRST,
      /** The last real position; real positions come first. */
      LAST
    }

    @Override
    public TensorType infer(Inference at) {
      at.count(1, 2);
      Shape x = at.floating(0, 3, "[batch, sequence, size]");
      if (at.inputs().size() == 2) {
        at.same("mask", Shape.of(x.dim(0), x.dim(1)), at.floating(1));
      }
      return new TensorType(at.inputs().get(0).dtype(), Shape.of(x.dim(0), x.dim(2)));
    }

    @Override
    public <R> R accept(OpVisitor<R> visitor, Node node) {
      return visitor.sequencePool(node, this);
    }
  }

  /**
   * The same id everywhere. Input {@code [b, t, ..]} of any type, result {@code I64 [b, t]}.
   *
   * @param id at least 0
   */
  record ConstantIds(long id) implements SequenceOp {
    public ConstantIds {
      if (id < 0) {
        throw new IllegalArgumentException("id must be at least 0, got " + id);
      }
    }

    @Override
    public TensorType infer(Inference at) {
      return ids(at);
    }

    @Override
    public <R> R accept(OpVisitor<R> visitor, Node node) {
      return visitor.constantIds(node, this);
    }
  }

  /**
   * Positions of one value before a sequence, for the masks and ids of a sequence that {@link
   * LayerOp.VirtualTokens} lengthens. Input {@code [b, t]}, result {@code [b, count + t]} of the
   * same type.
   *
   * @param count at least 1
   * @param value whole
   */
  record Prepend(int count, long value) implements SequenceOp {
    public Prepend {
      atLeastOne(count);
    }

    @Override
    public TensorType infer(Inference at) {
      at.count(1, 1);
      TensorType x = at.inputs().get(0);
      if (x.shape().rank() != 2) {
        throw at.fail("expected input 0 of shape [batch, sequence], got " + x);
      }
      return new TensorType(x.dtype(), x.shape().with(1, x.shape().dim(1).plus(count)));
    }

    @Override
    public <R> R accept(OpVisitor<R> visitor, Node node) {
      return visitor.prepend(node, this);
    }
  }

  /**
   * A sequence without its first positions. Input {@code [b, count + t, ..]}, result {@code [b, t,
   * ..]}.
   *
   * @param count at least 1
   */
  record Skip(int count) implements SequenceOp {
    public Skip {
      atLeastOne(count);
    }

    @Override
    public TensorType infer(Inference at) {
      at.count(1, 1);
      TensorType x = at.inputs().get(0);
      if (x.shape().rank() < 2) {
        throw at.fail("expected input 0 of shape [batch, sequence, ..], got " + x);
      }
      Dim length = x.shape().dim(1);
      if (length.offset() < count || (length.fixed() && length.offset() == count)) {
        throw at.fail("expected more than " + count + " positions to skip, got " + x);
      }
      return new TensorType(x.dtype(), x.shape().with(1, length.plus(-count)));
    }

    @Override
    public <R> R accept(OpVisitor<R> visitor, Node node) {
      return visitor.skip(node, this);
    }
  }

  /** One id for each position. */
  private static TensorType ids(Inference at) {
    at.count(1, 1);
    Shape x = at.inputs().get(0).shape();
    if (x.rank() < 2) {
      throw at.fail("expected input 0 of shape [batch, sequence, ..], got " + x);
    }
    return new TensorType(DType.I64, Shape.of(x.dim(0), x.dim(1)));
  }

  private static void atLeastOne(int count) {
    if (count < 1) {
      throw new IllegalArgumentException("count must be at least 1, got " + count);
    }
  }
}
