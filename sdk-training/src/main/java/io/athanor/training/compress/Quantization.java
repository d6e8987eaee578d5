package io.athanor.training.compress;

import io.athanor.api.backend.Support;
import io.athanor.api.common.DType;
import io.athanor.api.common.Tensor;
import io.athanor.api.error.UnsupportedException;
import io.athanor.api.error.ValidationException;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.Initializer;
import io.athanor.api.graph.LayerOp;
import io.athanor.api.graph.Node;
import io.athanor.api.graph.Parameter;
import io.athanor.api.graph.QuantizedOp;
import io.athanor.api.graph.Rewrite;
import io.athanor.api.graph.Shape;
import io.athanor.api.graph.Value;
import io.athanor.api.graph.Weights;
import io.athanor.api.model.ModelArtifact;
import io.athanor.training.tuning.Names;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Rounds the matrices of a trained model to 8 bits, which makes it about four times smaller on disk
 * and, where an engine multiplies whole numbers, faster. Immutable and thread-safe.
 *
 * <pre>{@code
 * ModelArtifact small = Quantization.int8().of(model);
 * }</pre>
 *
 * <p>Each row of a matrix has a scale of its own, its largest number divided by 127 (Jacob et al.
 * 2018, symmetric): the weights of linear layers and tables of vectors become {@link QuantizedOp}s.
 * Convolutions, recurrent layers, biases and norms stay as they are, and so do matrices of less
 * than 4,096 numbers, with which nothing is won. No data are needed: what a layer reads is rounded
 * while it runs, if the engine does that at all.
 *
 * <p>The result predicts on every backend and in every export, where need be by {@link
 * io.athanor.api.graph.Widened widening} its matrices again. It cannot be trained; fine-tune
 * before.
 */
public final class Quantization {
  private static final int LEVELS = 127;
  private static final long SMALLEST = 4096;
  private static final String SCALE = "_scale";

  private final List<String> kept;

  private Quantization(List<String> kept) {
    this.kept = kept;
  }

  /** To whole numbers from -127 to 127. */
  public static Quantization int8() {
    return new Quantization(List.of());
  }

  /**
   * Leaves layers as they are, besides those of earlier calls.
   *
   * @param layers names of layers or of blocks of them, or their ends after a dot, for example
   *     {@code "classifier"}
   */
  public Quantization keep(String... layers) {
    List<String> all = new ArrayList<>(kept);
    all.addAll(List.of(layers));
    return new Quantization(List.copyOf(all));
  }

  /**
   * A model with its matrices rounded; it has no metrics, as those were measured before.
   *
   * @throws ValidationException if there is no matrix to round, a name to keep fits nothing, or a
   *     weight is not finite
   * @throws UnsupportedException if the weights are not in F32
   */
  public ModelArtifact of(ModelArtifact model) {
    Graph graph = model.graph();
    if (Support.withoutQuantized(graph) instanceof Support.Unsupported) {
      throw refused(model, "its matrices have 8 bits already");
    }
    Compressed.requireNames(kept, graph);
    Set<String> matrices = matrices(graph);
    if (matrices.isEmpty()) {
      throw refused(
          model,
          "no linear layer or table of vectors has "
              + SMALLEST
              + " numbers or more"
              + (kept.isEmpty() ? "" : ", but for those to keep: " + Names.some(kept))
              + "; there is nothing to round");
    }
    Map<String, Tensor> tensors = new LinkedHashMap<>(model.weights().tensors());
    matrices.forEach(name -> round(name, model.weights().tensor(name), tensors));
    Graph rounded = new Rounding(graph, matrices).rewritten();
    return Compressed.model(model, model.config(), "int8", rounded, Weights.of(tensors));
  }

  private static ValidationException refused(ModelArtifact model, String problem) {
    return new ValidationException(
        "quantisation of '" + model.architecture() + "'", List.of(problem));
  }

  /** Weights that linear layers and tables read, and nothing else does. */
  private Set<String> matrices(Graph graph) {
    Set<String> found = new LinkedHashSet<>();
    Set<String> others = new LinkedHashSet<>();
    for (Node node : graph.nodes()) {
      List<String> used = node.op().parameters();
      boolean matrix =
          node.op() instanceof LayerOp.Linear || node.op() instanceof LayerOp.Embedding;
      for (int i = 0; i < used.size(); i++) {
        (matrix && i == 0 ? found : others).add(used.get(i));
      }
    }
    found.removeAll(others);
    found.removeIf(
        name -> graph.parameter(name).shape().elements() < SMALLEST || Names.within(kept, name));
    return found;
  }

  private static void round(String name, Tensor matrix, Map<String, Tensor> into) {
    if (matrix.dtype() != DType.F32) {
      throw new UnsupportedException(
          "quantisation of '" + name + "' of type " + matrix.dtype(),
          "Convert the weights to F32 first");
    }
    int rows = Math.toIntExact(matrix.size(0));
    int width = Math.toIntExact(matrix.size(1));
    FloatBuffer from = matrix.floatBuffer();
    ByteBuffer to = Tensor.allocate(DType.I8, matrix.elements());
    float[] scales = new float[rows];
    float[] row = new float[width];
    for (int i = 0; i < rows; i++) {
      from.get(row);
      scales[i] = scale(name, row);
      for (float value : row) {
        to.put((byte) Math.max(-LEVELS, Math.min(LEVELS, Math.rint(value / scales[i]))));
      }
    }
    into.put(name, Tensor.of(DType.I8, to.flip(), matrix.shape()));
    into.put(name + SCALE, Tensor.ofFloats(scales, rows));
  }

  private static float scale(String name, float[] row) {
    float largest = 0;
    for (float value : row) {
      if (!Float.isFinite(value)) {
        throw new ValidationException(
            "quantisation", List.of("'" + name + "' holds " + value + ", which no scale fits"));
      }
      largest = Math.max(largest, Math.abs(value));
    }
    return largest < Float.MIN_NORMAL * LEVELS ? 1 : largest / LEVELS;
  }

  private static final class Rounding extends Rewrite {
    private final Set<String> matrices;

    Rounding(Graph source, Set<String> matrices) {
      super(source);
      this.matrices = matrices;
    }

    @Override
    protected Optional<Parameter> parameter(Parameter parameter) {
      String name = parameter.name();
      if (!matrices.contains(name)) {
        return Optional.of(parameter);
      }
      Shape rows = Shape.of(parameter.shape().dim(0).offset());
      Parameter.Role frozen = Parameter.Role.FROZEN;
      target.declare(new Parameter(name + SCALE, rows, Initializer.ONES, frozen));
      return Optional.of(parameter.withRole(frozen).withType(DType.I8));
    }

    @Override
    protected Value node(Node node) {
      List<String> used = node.op().parameters();
      if (used.isEmpty() || !matrices.contains(used.get(0))) {
        return same(node);
      }
      String weight = used.get(0);
      QuantizedOp op =
          node.op() instanceof LayerOp.Linear linear
              ? new QuantizedOp.QuantizedLinear(weight, weight + SCALE, linear.bias())
              : new QuantizedOp.QuantizedEmbedding(weight, weight + SCALE);
      return target.apply(node.name(), op, value(node.inputs().get(0)));
    }
  }
}
