package io.athanor.training.tuning;

import io.athanor.api.data.LanguageEncoding;
import io.athanor.api.graph.Dim;
import io.athanor.api.graph.ElementOp;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.Initializer;
import io.athanor.api.graph.LayerOp;
import io.athanor.api.graph.Node;
import io.athanor.api.graph.Parameter;
import io.athanor.api.graph.Rewrite;
import io.athanor.api.graph.Shape;
import io.athanor.api.graph.TensorType;
import io.athanor.api.graph.Value;
import io.athanor.api.training.Lora;
import java.util.HashSet;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * Gives linear layers a low-rank path: {@code y = L(x) + (scale dropout(x) A^T) B^T}. All that was
 * there is frozen but the layers that are trained as a whole.
 *
 * <p>A layer {@code m} gets the parameters {@code m.lora_A.weight [r, in]} and {@code
 * m.lora_B.weight [out, r]}; with {@code n} adapters instead {@code m.lora_A.stacked [n, r, in]}
 * and {@code m.lora_B.stacked [n, out, r]}.
 */
final class LoraRewrite extends Rewrite {
  static final String A = ".lora_A.weight";
  static final String B = ".lora_B.weight";
  static final String STACKED_A = ".lora_A.stacked";
  static final String STACKED_B = ".lora_B.stacked";

  private static final String DROPOUT = ".lora_dropout";
  private static final String DOWN = ".lora_A";
  private static final String SCALE = ".lora_scale";
  private static final String UP = ".lora_B";
  private static final String SUM = ".lora_sum";

  private final Lora lora;
  private final Map<String, Long> ranks;
  private final Set<String> declared = new HashSet<>();
  private Optional<Value> adapter = Optional.empty();

  /**
   * @param ranks by layer
   */
  LoraRewrite(Graph source, Lora lora, Map<String, Long> ranks) {
    super(source);
    this.lora = lora;
    this.ranks = ranks;
  }

  @Override
  protected void begin() {
    if (!lora.adapters().isEmpty()) {
      adapter = Optional.of(target.input(LanguageEncoding.ADAPTER, TensorType.i64(Dim.BATCH)));
    }
  }

  @Override
  protected Optional<Parameter> parameter(Parameter parameter) {
    if (parameter.role() == Parameter.Role.STATISTIC) {
      return Optional.of(parameter);
    }
    boolean whole = Names.within(lora.alsoTrain(), parameter.name());
    return Optional.of(parameter.withRole(whole ? Parameter.Role.TRAINED : Parameter.Role.FROZEN));
  }

  @Override
  protected Value node(Node node) {
    Value base = same(node);
    if (!(node.op() instanceof LayerOp.Linear linear)) {
      return base;
    }
    String layer = Names.layer(linear.weight());
    Long rank = ranks.get(layer);
    if (rank == null) {
      return base;
    }
    Value x = value(node.inputs().get(0));
    if (lora.dropout() > 0) {
      x = target.apply(node.name() + DROPOUT, new ElementOp.Dropout(lora.dropout()), x);
    }
    Shape weight = source.parameter(linear.weight()).shape();
    long in = weight.dim(1).offset();
    long out = weight.dim(0).offset();
    double scale = lora.scale(rank);
    Value path =
        adapter.isPresent()
            ? stacked(node, layer, rank, in, out, x, adapter.get(), scale)
            : single(node, layer, rank, in, out, x, scale);
    return target.apply(node.name() + SUM, new ElementOp.Add(), base, path);
  }

  private Value single(
      Node node, String layer, long rank, long in, long out, Value x, double scale) {
    String a = declared(layer + A, first(in), rank, in);
    String b = declared(layer + B, Initializer.ZEROS, out, rank);
    Value down = target.apply(node.name() + DOWN, new LayerOp.Linear(a, null), x);
    return target.apply(node.name() + UP, new LayerOp.Linear(b, null), scaled(node, down, scale));
  }

  private Value stacked(
      Node node, String layer, long rank, long in, long out, Value x, Value rows, double scale) {
    long count = lora.adapters().size();
    String a = declared(layer + STACKED_A, first(in), count, rank, in);
    String b = declared(layer + STACKED_B, Initializer.ZEROS, count, out, rank);
    Value up = target.apply(node.name() + UP, new LayerOp.AdapterLinear(a, b), x, rows);
    return scaled(node, up, scale);
  }

  private Value scaled(Node node, Value x, double scale) {
    return scale == 1 ? x : target.apply(node.name() + SCALE, new ElementOp.Scale(scale), x);
  }

  /** Declares a parameter once, however many operations share it. */
  private String declared(String name, Initializer initializer, long... shape) {
    return declared.add(name) ? target.parameter(name, initializer, shape) : name;
  }

  /** What PEFT draws the first matrix from: He et al. 2015 for leaky rectifiers of slope 5. */
  static Initializer first(long in) {
    return new Initializer.Uniform(1 / Math.sqrt((double) in));
  }

  /** The graph without its low-rank paths, every parameter trained again. */
  static Graph undone(Graph adapted) {
    return new Rewrite(adapted) {
      @Override
      protected Optional<Parameter> parameter(Parameter parameter) {
        if (isAdapter(parameter.name())) {
          return Optional.empty();
        }
        return Optional.of(
            parameter.role() == Parameter.Role.FROZEN
                ? parameter.withRole(Parameter.Role.TRAINED)
                : parameter);
      }

      @Override
      protected Value node(Node node) {
        String name = node.name();
        boolean path =
            name.endsWith(DROPOUT)
                || name.endsWith(DOWN)
                || name.endsWith(SCALE)
                || name.endsWith(UP)
                || name.endsWith(SUM);
        return path ? value(node.inputs().get(0)) : same(node);
      }
    }.rewritten();
  }

  static boolean isAdapter(String parameter) {
    return parameter.endsWith(A)
        || parameter.endsWith(B)
        || parameter.endsWith(STACKED_A)
        || parameter.endsWith(STACKED_B);
  }
}
