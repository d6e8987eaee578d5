package io.athanor.backend.dl4j;

import io.athanor.api.common.DType;
import io.athanor.api.graph.Node;
import io.athanor.api.graph.SequenceOp.Attention;
import java.nio.FloatBuffer;
import java.nio.LongBuffer;
import org.jspecify.annotations.Nullable;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.buffer.DataType;

/**
 * Attention out of products and a softmax. The query heads of a key head lie one after the other,
 * so that grouped keys are not repeated.
 */
final class AttentionOps {
  /** What is added to a score that may not be seen; its share is then exactly 0. */
  private static final double UNSEEN = 1e30;

  private final ProgramWriter to;
  private final SameDiff program;

  AttentionOps(ProgramWriter to) {
    this.to = to;
    this.program = to.program();
  }

  SDVariable attention(Node node, Attention op) {
    long[] query = to.shape(node, 0);
    long[] value = to.shape(node, 2);
    long batch = query[0];
    long queries = query[1];
    long keys = value[1];
    long groups = batch * op.keyHeads();
    long each = op.heads() / op.keyHeads() * queries;
    long size = query[2] / op.heads();
    long valueSize = value[2] / op.keyHeads();
    SDVariable q = to.reshaped(heads(node, 0, op.heads()), groups, each, size);
    SDVariable k = heads(node, 1, op.keyHeads());
    SDVariable turned = to.reshaped(program.permute(k, 0, 1, 3, 2), groups, size, keys);
    SDVariable v = to.reshaped(heads(node, 2, op.keyHeads()), groups, keys, valueSize);
    SDVariable scores =
        to.reshaped(to.product(q, turned, false), batch, op.heads(), queries, keys).mul(op.scale());
    if (op.softCap() > 0) {
      scores = program.math().tanh(scores.div(op.softCap())).mul(op.softCap());
    }
    SDVariable seen = seen(node, op, batch, queries, keys);
    if (seen != null) {
      scores = scores.add(seen.sub(1).mul(UNSEEN));
    }
    SDVariable weights = program.nn().softmax(scores, 3);
    if (seen != null && node.inputs().size() > 3) {
      // A row that may see nothing gives zeros.
      weights = weights.mul(seen);
    }
    if (to.training() && op.dropout() > 0) {
      weights = weights.mul(to.keep(op.dropout(), batch, op.heads(), queries, keys));
    }
    SDVariable gathered = to.product(to.reshaped(weights, groups, each, keys), v, false);
    SDVariable byHead = to.reshaped(gathered, batch, op.heads(), queries, valueSize);
    return to.reshaped(program.permute(byHead, 0, 2, 1, 3), to.shape(node));
  }

  /** An operand as {@code [b, heads, t, size]}. */
  private SDVariable heads(Node node, int input, int heads) {
    long[] shape = to.shape(node, input);
    SDVariable parts = to.reshaped(to.in(node, input), shape[0], shape[1], heads, shape[2] / heads);
    return program.permute(parts, 0, 2, 1, 3);
  }

  /** 1 where a query may see a key, else 0, as {@code [b or 1, 1, t or 1, s]}; null for 1. */
  private @Nullable SDVariable seen(Node node, Attention op, long batch, long queries, long keys) {
    if (node.inputs().size() < 4) {
      return op.causal() ? near(op, queries, keys) : null;
    }
    if (to.dtype(node, 3) == DType.I64) {
      return documents(node.inputs().get(3), op, batch, queries);
    }
    SDVariable real = program.neq(to.in(node, 3), 0).castTo(DataType.FLOAT);
    SDVariable ofKeys = to.reshaped(real, batch, 1, 1, keys);
    return op.causal() ? near(op, queries, keys).mul(ofKeys) : ofKeys;
  }

  private static boolean near(Attention op, int i, int j) {
    return !op.causal() || (j <= i && (op.window() == 0 || j > i - op.window()));
  }

  private SDVariable near(Attention op, long queries, long keys) {
    FloatBuffer near = FloatBuffer.allocate(Math.toIntExact(queries * keys));
    for (int i = 0; i < queries; i++) {
      for (int j = 0; j < keys; j++) {
        near.put(near(op, i, j) ? 1 : 0);
      }
    }
    return to.constant(near.array(), 1, 1, queries, keys);
  }

  private SDVariable documents(String numbers, Attention op, long batch, long time) {
    return to.feed(
        (into, call) -> {
          LongBuffer all = call.values().value(numbers).longBuffer();
          for (int row = 0; row < batch; row++) {
            int from = row * (int) time;
            for (int i = 0; i < time; i++) {
              for (int j = 0; j < time; j++) {
                long document = all.get(from + j);
                boolean sees = document != 0 && document == all.get(from + i) && near(op, i, j);
                into.put(sees ? 1 : 0);
              }
            }
          }
        },
        batch,
        1,
        time,
        time);
  }
}
