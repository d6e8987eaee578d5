package io.athanor.data.batch;

import io.athanor.api.common.Tensor;
import io.athanor.api.data.Batch;
import io.athanor.api.data.Feature;
import io.athanor.api.data.LanguageEncoding;
import io.athanor.api.data.Signature;
import io.athanor.api.data.Task;
import io.athanor.api.graph.LossOp;
import io.athanor.data.text.Sequence;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * Puts rows of sequences side by side, padded at the end.
 *
 * @param encoding of the model
 * @param packed whether a row holds several sequences and has the length of the context
 */
record TextCollation(LanguageEncoding encoding, boolean packed) {

  /**
   * @param rows the sequences of each row
   * @param examples what each row was made of
   */
  Batch batch(List<List<Sequence>> rows, long[] examples) {
    int length = packed ? encoding.contextLength() : longest(rows);
    Plane plane = new Plane(rows.size(), length);
    for (int row = 0; row < rows.size(); row++) {
      plane.put(row, rows.get(row));
    }
    Map<String, Tensor> tensors = new HashMap<>();
    tensors.put(LanguageEncoding.TOKENS, plane.tensor(plane.tokens));
    long scored = plane.scored;
    if (encoding.task() instanceof Task.Embedding) {
      Feature.Tokens input = (Feature.Tokens) encoding.signature().features().get(0);
      tensors.put(input.mask(), plane.mask());
    } else {
      tensors.put(Signature.TARGET, plane.tensor(plane.targets));
    }
    if (!(encoding.task() instanceof Task.Generation)) {
      scored = rows.size() / 2;
    }
    if (packed) {
      tensors.put(LanguageEncoding.POSITIONS, plane.tensor(plane.positions));
      tensors.put(LanguageEncoding.SEGMENTS, plane.tensor(plane.segments));
    } else {
      tensors.put(Batch.EXAMPLE, Tensor.ofLongs(examples, examples.length));
    }
    return new Batch(tensors, rows.size(), scored);
  }

  private static int longest(List<List<Sequence>> rows) {
    return rows.stream().mapToInt(row -> row.get(0).length()).max().orElse(1);
  }

  /** The elements of a batch, row by row. */
  private final class Plane {
    private final int rows;
    private final int length;
    private final long[] tokens;
    private final long[] targets;
    private final long[] positions;
    private final long[] segments;
    private long scored;

    Plane(int rows, int length) {
      this.rows = rows;
      this.length = length;
      int size = Math.multiplyExact(rows, length);
      this.tokens = new long[size];
      this.targets = new long[size];
      this.positions = new long[size];
      this.segments = new long[size];
      Arrays.fill(tokens, encoding.vocabulary().paddingId());
      Arrays.fill(targets, LossOp.IGNORED);
    }

    void put(int row, List<Sequence> sequences) {
      int at = row * length;
      for (int number = 0; number < sequences.size(); number++) {
        Sequence sequence = sequences.get(number);
        for (int i = 0; i < sequence.length(); i++) {
          tokens[at + i] = sequence.id(i);
          positions[at + i] = i;
          segments[at + i] = number + 1L;
          if (i > 0 && sequence.scored(i)) {
            targets[at + i - 1] = sequence.id(i);
            scored++;
          }
        }
        at += sequence.length();
      }
    }

    Tensor tensor(long[] values) {
      return Tensor.ofLongs(values, rows, length);
    }

    Tensor mask() {
      float[] mask = new float[segments.length];
      for (int i = 0; i < mask.length; i++) {
        mask[i] = segments[i];
      }
      return Tensor.ofFloats(mask, rows, length);
    }
  }
}
