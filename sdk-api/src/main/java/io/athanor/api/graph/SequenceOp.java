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
      at.count(1, 1);
      Shape x = at.inputs().get(0).shape();
      if (x.rank() < 2) {
        throw at.fail("expected input 0 of shape [batch, sequence, ..], got " + x);
      }
      return new TensorType(DType.I64, Shape.of(x.dim(0), x.dim(1)));
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
   * {@code i} and {@code i + headSize / 2} turn by {@code position / base^(2 i / headSize)}.
   *
   * @param headSize even
   * @param base wavelength base, usually 10000
   */
  record Rope(int headSize, double base) implements SequenceOp {
    public Rope {
      if (headSize < 2 || headSize % 2 != 0 || !(base > 0) || !Double.isFinite(base)) {
        throw new IllegalArgumentException(
            "headSize must be even and base positive, got " + headSize + " and " + base);
      }
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
   * value {@code [b, s, keyHeads valueSize]}, optionally a mask {@code F32 [b, s]} with 1 where a
   * position may be attended and 0 where it is padding. Result {@code [b, t, heads valueSize]}. A
   * row that may attend nowhere gives zeros.
   *
   * @param heads number of query heads
   * @param keyHeads number of key and value heads; divides {@code heads}
   * @param causal whether position i sees only positions up to i
   * @param dropout probability of dropping an attention weight in training, in [0, 1)
   * @param scale factor on the scores, usually {@code 1 / sqrt(size)}
   */
  record Attention(int heads, int keyHeads, boolean causal, double dropout, double scale)
      implements SequenceOp {
    public Attention {
      if (keyHeads < 1 || heads < keyHeads || heads % keyHeads != 0) {
        throw new IllegalArgumentException(
            "heads must be a multiple of keyHeads, got " + heads + " and " + keyHeads);
      }
      ElementOp.Dropout.checkRate(dropout);
      if (!Double.isFinite(scale)) {
        throw new IllegalArgumentException("scale must be finite, got " + scale);
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
        at.same("mask", Shape.of(k.dim(0), k.dim(1)), at.floating(3));
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
}
