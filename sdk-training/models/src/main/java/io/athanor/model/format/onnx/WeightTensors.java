package io.athanor.model.format.onnx;

import io.athanor.api.common.DType;
import io.athanor.api.common.Tensor;
import io.athanor.api.error.UnsupportedException;
import io.athanor.api.error.ValidationException;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.LayerOp;
import io.athanor.api.graph.Node;
import io.athanor.api.graph.Weights;
import io.athanor.model.format.FloatConversion;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * A model's parameters in the layouts in which ONNX wants them. Each is converted when it is
 * written, so that only one at a time is held twice.
 */
final class WeightTensors {
  /**
   * What stands for 0 in 8 bits. Numbers are unsigned because processors without VNNI saturate sums
   * of products of unsigned and signed ones.
   */
  static final int ZERO_POINT = 128;

  /** The largest number on either side of it. */
  static final int LEVELS = 127;

  private final OnnxProgram program;
  private final Weights weights;
  private final Map<String, String> stored = new HashMap<>();
  private final Map<String, Quantized> quantized = new HashMap<>();
  private final Set<String> neededAsTheyAre = new HashSet<>();

  /**
   * A matrix in 8 bits.
   *
   * @param numbers {@code UINT8}, in which {@link #ZERO_POINT} stands for 0
   * @param scales {@code FLOAT}, one for each row before it was transposed
   */
  record Quantized(String numbers, String scales) {}

  WeightTensors(OnnxProgram program, Graph graph, Weights weights) {
    this.program = program;
    this.weights = weights;
    for (Node node : graph.nodes()) {
      if (node.op() instanceof LayerOp.Linear linear) {
        Optional.ofNullable(linear.bias()).ifPresent(neededAsTheyAre::add);
      } else if (!(node.op() instanceof LayerOp.AdapterLinear)) {
        neededAsTheyAre.addAll(node.op().parameters());
      }
    }
    graph.parameters().forEach(parameter -> requireSize(parameter.name()));
  }

  private void requireSize(String name) {
    if (weights.tensor(name).elements() > Integer.MAX_VALUE / Float.BYTES) {
      throw new UnsupportedException(
          "parameter '" + name + "' has 2 GiB or more in single precision",
          "Write the model as a Hugging Face folder or as GGUF");
    }
  }

  /** The number of elements along the first axis. */
  long size(String name) {
    return weights.tensor(name).size(0);
  }

  /** A parameter in its own layout. */
  String plain(String name) {
    return stored.computeIfAbsent(
        name, key -> store(key, weights.tensor(key).shape(), () -> single(key).bytes()));
  }

  /** A parameter with its last two axes exchanged. */
  String transposed(String name) {
    if (neededAsTheyAre.contains(name)) {
      return program.transpose(plain(name), 1, 0);
    }
    Tensor tensor = weights.tensor(name);
    int rank = tensor.rank();
    long[] shape = tensor.shape();
    shape[rank - 1] = tensor.size(-2);
    shape[rank - 2] = tensor.size(-1);
    return stored.computeIfAbsent(
        "transposed " + name, key -> store(name, shape, () -> exchanged(single(name))));
  }

  /** A vector with a number added to each element. */
  String plus(String name, double offset) {
    if (offset == 0) {
      return plain(name);
    }
    return stored.computeIfAbsent(
        name + " + " + offset,
        key ->
            store(
                name,
                weights.tensor(name).shape(),
                () -> {
                  float[] values = single(name).floats();
                  for (int i = 0; i < values.length; i++) {
                    values[i] += (float) offset;
                  }
                  return bytes(values);
                }));
  }

  /**
   * Parameters of a recurrent layer one after the other, with the blocks of rows of its gates in
   * another order.
   *
   * @param order for each block of the result, the block it comes from
   */
  String gates(List<String> names, int... order) {
    long[] first = weights.tensor(names.get(0)).shape();
    long[] shape = new long[first.length + 1];
    shape[0] = 1;
    System.arraycopy(first, 0, shape, 1, first.length);
    shape[1] *= names.size();
    return stored.computeIfAbsent(
        "gates " + names,
        key ->
            store(
                names.get(0),
                shape,
                () -> {
                  FloatBuffer all = FloatBuffer.allocate((int) Tensor.elements(shape));
                  for (String name : names) {
                    float[] values = single(name).floats();
                    int block = values.length / order.length;
                    for (int gate : order) {
                      all.put(values, gate * block, block);
                    }
                  }
                  return bytes(all.array());
                }));
  }

  /**
   * A table in 8 bits, symmetric, with a scale for each row.
   *
   * @throws ValidationException if it holds a number that is not finite
   */
  Quantized quantizedTable(String name) {
    return quantized.computeIfAbsent(name, key -> quantize(key, false));
  }

  /**
   * A linear layer's weight in 8 bits, transposed, symmetric, with a scale for each output.
   *
   * @throws ValidationException if it holds a number that is not finite
   */
  Quantized quantizedMatrix(String name) {
    if (neededAsTheyAre.contains(name)) {
      Quantized table = quantizedTable(name);
      return new Quantized(program.transpose(table.numbers(), 1, 0), table.scales());
    }
    return quantized.computeIfAbsent(name, key -> quantize(key, true));
  }

  /** What stands for 0 in 8 bits. */
  String zeroPoint() {
    return stored.computeIfAbsent(
        "zero point",
        key ->
            program.store(
                "zero_point",
                ElementType.UINT8,
                new long[0],
                () -> ByteBuffer.allocate(1).put(0, (byte) ZERO_POINT)));
  }

  private Quantized quantize(String name, boolean transposed) {
    Tensor tensor = weights.tensor(name);
    int rows = (int) tensor.size(0);
    int columns = (int) tensor.size(1);
    float[] scales = scales(name, single(tensor).floatBuffer(), rows, columns);
    String numbers =
        program.store(
            name,
            ElementType.UINT8,
            transposed ? new long[] {columns, rows} : tensor.shape(),
            () -> rounded(single(name).floatBuffer(), scales, columns, transposed));
    return new Quantized(numbers, store(name + ".scale", new long[] {rows}, () -> bytes(scales)));
  }

  private static float[] scales(String name, FloatBuffer values, int rows, int columns) {
    float[] scales = new float[rows];
    float[] row = new float[columns];
    for (int i = 0; i < rows; i++) {
      values.get(row);
      float largest = 0;
      for (float value : row) {
        if (!Float.isFinite(value)) {
          throw new ValidationException(
              "weights in 8 bits", List.of("parameter '" + name + "' holds " + value));
        }
        largest = Math.max(largest, Math.abs(value));
      }
      scales[i] = largest < Float.MIN_NORMAL * LEVELS ? 1 : largest / LEVELS;
    }
    return scales;
  }

  private static ByteBuffer rounded(
      FloatBuffer values, float[] scales, int columns, boolean transposed) {
    ByteBuffer bytes = ByteBuffer.allocateDirect(values.remaining());
    float[] row = new float[columns];
    for (int i = 0; i < scales.length; i++) {
      values.get(row);
      for (int j = 0; j < columns; j++) {
        int at = transposed ? j * scales.length + i : i * columns + j;
        bytes.put(at, (byte) (Math.rint(row[j] / scales[i]) + ZERO_POINT));
      }
    }
    return bytes;
  }

  private String store(String name, long[] shape, OnnxProgram.ContentSource content) {
    return program.store(name, ElementType.FLOAT, shape, content);
  }

  private Tensor single(String name) {
    return single(weights.tensor(name));
  }

  private static Tensor single(Tensor tensor) {
    return FloatConversion.convert(tensor, DType.F32);
  }

  private static ByteBuffer bytes(float[] values) {
    return Tensor.ofFloats(values, values.length).bytes();
  }

  private static ByteBuffer exchanged(Tensor tensor) {
    int rows = (int) tensor.size(-2);
    int columns = (int) tensor.size(-1);
    FloatBuffer from = tensor.floatBuffer();
    ByteBuffer bytes = Tensor.allocate(DType.F32, tensor.elements());
    FloatBuffer to = bytes.asFloatBuffer();
    float[] row = new float[columns];
    for (int start = 0; from.hasRemaining(); start += rows * columns) {
      for (int i = 0; i < rows; i++) {
        from.get(row);
        for (int j = 0; j < columns; j++) {
          to.put(start + j * rows + i, row[j]);
        }
      }
    }
    return bytes;
  }
}
