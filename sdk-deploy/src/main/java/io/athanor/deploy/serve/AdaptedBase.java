package io.athanor.deploy.serve;

import io.athanor.api.common.DType;
import io.athanor.api.common.Digest;
import io.athanor.api.common.Tensor;
import io.athanor.api.data.LanguageEncoding;
import io.athanor.api.error.UnsupportedException;
import io.athanor.api.error.ValidationException;
import io.athanor.api.graph.Dim;
import io.athanor.api.graph.ElementOp;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.Initializer;
import io.athanor.api.graph.LayerOp;
import io.athanor.api.graph.Node;
import io.athanor.api.graph.Rewrite;
import io.athanor.api.graph.TensorType;
import io.athanor.api.graph.Value;
import io.athanor.api.graph.Weights;
import io.athanor.api.model.ModelArtifact;
import io.athanor.model.format.FloatConversion;
import io.athanor.model.format.PeftAdapter;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A model with room for adapters beside some of its linear layers: {@code y = L(x) + B[n] A[n] x},
 * where the input {@code adapter} gives each row's {@code n}. Number 0 adds nothing.
 */
final class AdaptedBase {
  private static final String WEIGHT = ".weight";
  private static final String A = ".lora_A.stacked";
  private static final String B = ".lora_B.stacked";

  private final AdapterCatalog catalog;
  private final Graph graph;
  private final Weights weights;
  private final Digest base;

  /** The layers with room. */
  private final Set<String> layers = new LinkedHashSet<>();

  /**
   * @param numbers of adapters that the engine holds, number 0 included
   */
  AdaptedBase(ModelArtifact model, AdapterCatalog catalog, int numbers) {
    this.catalog = catalog;
    this.base = PeftAdapter.digest(model.weights(), List.of());
    this.graph = rewritten(model.graph().forPrediction(), numbers);
    Map<String, Tensor> stacks = new LinkedHashMap<>();
    for (String layer : layers) {
      for (String stack : List.of(layer + A, layer + B)) {
        long[] shape = graph.parameter(stack).shape().resolve(Map.of());
        ByteBuffer zeros = Tensor.allocate(DType.F32, Tensor.elements(shape));
        stacks.put(stack, Tensor.of(DType.F32, zeros, shape));
      }
    }
    this.weights = model.weights().with(Weights.of(stacks));
  }

  private Graph rewritten(Graph source, int numbers) {
    if (source.hasInput(LanguageEncoding.ADAPTER)) {
      throw new UnsupportedException(
          "the model '" + source.name() + "' has adapters of its own",
          "Split them off and serve them on their base");
    }
    Graph roomy = new WithRoom(source, numbers).rewritten();
    if (layers.isEmpty()) {
      throw new UnsupportedException(
          "the model '" + source.name() + "' has no linear layer for " + catalog,
          "Name layers that it has in AdapterCatalog.of");
    }
    return roomy;
  }

  private static String layer(String weight) {
    return weight.substring(0, weight.length() - WEIGHT.length());
  }

  /** Adds the room. */
  private final class WithRoom extends Rewrite {
    private final int numbers;
    private final Value number;
    private final Set<String> tables = new HashSet<>();

    WithRoom(Graph source, int numbers) {
      super(source);
      this.numbers = numbers;
      Dim rows = source.type(LanguageEncoding.TOKENS).shape().dim(0);
      this.number = new Value(LanguageEncoding.ADAPTER, TensorType.i64(rows));
      source.nodes().stream()
          .filter(node -> !(node.op() instanceof LayerOp.Linear))
          .forEach(node -> tables.addAll(node.op().parameters()));
    }

    @Override
    protected void begin() {
      Value unused = target.input(number.name(), number.type());
    }

    @Override
    protected Value node(Node node) {
      Value same = same(node);
      if (!(node.op() instanceof LayerOp.Linear linear) || !roomy(linear.weight())) {
        return same;
      }
      String layer = layer(linear.weight());
      long[] sizes = source.parameter(linear.weight()).shape().resolve(Map.of());
      if (layers.add(layer)) {
        target.parameter(layer + A, Initializer.ZEROS, numbers, catalog.rank(), sizes[1]);
        target.parameter(layer + B, Initializer.ZEROS, numbers, sizes[0], catalog.rank());
      }
      Value path =
          target.apply(
              node.name() + ".adapter",
              new LayerOp.AdapterLinear(layer + A, layer + B),
              value(node.inputs().get(0)),
              number);
      return target.apply(node.name() + ".adapted", new ElementOp.Add(), same, path);
    }

    private boolean roomy(String weight) {
      return weight.endsWith(WEIGHT) && !tables.contains(weight) && catalog.targets(layer(weight));
    }
  }

  Graph graph() {
    return graph;
  }

  /** Those of the base, with no adapter in its place yet. */
  Weights weights() {
    return weights;
  }

  /**
   * Reads an adapter and makes it fit its places.
   *
   * @throws ValidationException if it was made for another base; lists every problem
   * @throws UnsupportedException if there is no room for it
   * @throws io.athanor.api.error.AthanorException if it cannot be read
   */
  PlacedAdapter read(AdapterCatalog.Entry entry) {
    AdapterPaths adapter = entry.read();
    requireFit(adapter);
    Map<String, Tensor> entries = new LinkedHashMap<>();
    adapter
        .paths()
        .forEach(
            (layer, path) -> {
              entries.put(layer + A, down(path));
              entries.put(layer + B, up(path));
            });
    return new PlacedAdapter(entry, entries);
  }

  private void requireFit(AdapterPaths adapter) {
    List<String> problems = new ArrayList<>();
    adapter
        .paths()
        .forEach(
            (layer, path) -> {
              Tensor weight = weights.tensors().get(layer + WEIGHT);
              if (weight == null) {
                problems.add("the model has no '" + layer + WEIGHT + "'");
              } else if (!Arrays.equals(
                  weight.shape(), new long[] {path.b().size(0), path.a().size(1)})) {
                problems.add(
                    "it is for '"
                        + layer
                        + "' of "
                        + path.b().size(0)
                        + " x "
                        + path.a().size(1)
                        + ", the model has "
                        + weight);
              }
            });
    adapter
        .base()
        .filter(made -> problems.isEmpty() && !made.equals(base))
        .ifPresent(
            made ->
                problems.add(
                    "it was made with weights of digest "
                        + made.brief()
                        + " and these have "
                        + base.brief()));
    if (!problems.isEmpty()) {
      throw new ValidationException("adapter " + adapter.source() + " for this base", problems);
    }
    adapter.paths().forEach((layer, path) -> requireRoom(adapter.source(), layer, path));
  }

  private void requireRoom(String source, String layer, AdapterPaths.Path path) {
    if (!layers.contains(layer)) {
      throw new UnsupportedException(
          "the adapter " + source + " changes '" + layer + "', which has no room for adapters",
          "Deploy the base with this layer among the targets of its AdapterCatalog");
    }
    if (path.a().size(0) > catalog.rank()) {
      throw new UnsupportedException(
          "the adapter "
              + source
              + " has rank "
              + path.a().size(0)
              + ", and there is room for "
              + catalog.rank(),
          "Deploy the base with an AdapterCatalog of that rank");
    }
  }

  /** {@code [room, in]}: the adapter's rows, then zeros. */
  private Tensor down(AdapterPaths.Path path) {
    ByteBuffer bytes = Tensor.allocate(DType.F32, catalog.rank() * path.a().size(1));
    bytes.asFloatBuffer().put(FloatConversion.convert(path.a(), DType.F32).floatBuffer());
    return Tensor.of(DType.F32, bytes, catalog.rank(), path.a().size(1));
  }

  /** {@code [out, room]}: the adapter's columns times its scale, then zeros. */
  private Tensor up(AdapterPaths.Path path) {
    int out = Math.toIntExact(path.b().size(0));
    int rank = Math.toIntExact(path.b().size(1));
    FloatBuffer from = FloatConversion.convert(path.b(), DType.F32).floatBuffer();
    ByteBuffer bytes = Tensor.allocate(DType.F32, (long) out * catalog.rank());
    FloatBuffer to = bytes.asFloatBuffer();
    for (int row = 0; row < out; row++) {
      for (int column = 0; column < rank; column++) {
        to.put(
            row * catalog.rank() + column, (float) (path.scale() * from.get(row * rank + column)));
      }
    }
    return Tensor.of(DType.F32, bytes, out, catalog.rank());
  }
}
