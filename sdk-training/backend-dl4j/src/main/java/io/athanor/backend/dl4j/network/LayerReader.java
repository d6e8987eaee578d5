package io.athanor.backend.dl4j.network;

import io.athanor.api.data.Encoder;
import io.athanor.api.data.FeatureEncoding;
import io.athanor.api.data.Tokenizer;
import io.athanor.api.error.ValidationException;
import io.athanor.api.graph.GraphBuilder;
import io.athanor.api.graph.LayerOp;
import io.athanor.api.graph.Parameter.Role;
import io.athanor.api.graph.SequenceOp.SequencePool;
import io.athanor.api.graph.ShapeOp.Reduce;
import io.athanor.api.graph.Value;
import java.io.IOException;
import java.util.Arrays;
import java.util.List;

/**
 * Layers, each as operations of the graph. The numbers of a layer lie in DL4J's order, matrices
 * {@code [in, out]} with the first index fastest, which is {@code [out, in]} with the last fastest.
 */
final class LayerReader {
  /** Where the graph's gates input, forget, cell, output lie in DL4J's order. */
  private static final List<Integer> GATES = List.of(3, 1, 0, 2);

  private static final int MOST_ONE_HOT = 4096;

  private final Assembly to;
  private final GraphBuilder g;
  private final FeatureEncoding encoding;
  private final ImageLayers images;

  LayerReader(Assembly to, FeatureEncoding encoding) {
    this.to = to;
    this.g = to.graph();
    this.encoding = encoding;
    this.images = new ImageLayers(to);
  }

  /** Whether it gives the network's answer, and says how wrong it was. */
  static boolean ends(Settings layer) {
    return List.of("OutputLayer", "RnnOutputLayer", "LossLayer", "RnnLossLayer")
        .contains(layer.type());
  }

  /**
   * A layer's result. For one that {@link #ends} a network, what its activation function gets: one
   * row of scores, of a time series that of the last step.
   */
  Signal read(Settings layer, Signal x) throws IOException {
    return read(layer, x, Role.TRAINED);
  }

  private Signal read(Settings layer, Signal x, Role role) throws IOException {
    layer.require(
        !layer.has("weightNoise"),
        "trained with noise on its weights",
        "Save the network without weight noise; it changes no prediction");
    return switch (layer.type()) {
      case "DenseLayer" -> activated(layer, dense(layer, dropped(layer, x, role), role));
      case "OutputLayer", "RnnOutputLayer" ->
          dense(layer, last(layer, dropped(layer, x, role)), role);
      case "LossLayer", "RnnLossLayer" -> last(layer, x);
      case "ActivationLayer" -> activated(layer, x);
      case "DropoutLayer" -> dropped(layer, x, role);
      case "EmbeddingLayer" -> activated(layer, category(layer, x, role));
      case "EmbeddingSequenceLayer" -> activated(layer, embedding(layer, x, role));
      case "LSTM" -> lstm(layer, dropped(layer, oneHot(layer, x), role), role);
      case "BatchNormalization" -> normalized(layer, x, role);
      case "ConvolutionLayer", "Convolution2D" ->
          activated(
              layer,
              x.with(
                  images.convolution(layer, name(layer), role, dropped(layer, x, role).value())));
      case "SubsamplingLayer", "Pooling2D" -> x.with(images.pooling(layer, x.value()));
      case "ZeroPaddingLayer" -> x.with(images.zeroPadding(layer, x.value()));
      case "Cropping2D" -> x.with(images.cropping(layer, x.value()));
      case "GlobalPoolingLayer" -> pooled(layer, x);
      case "LastTimeStep" -> last(layer, read(layer.inside("underlying"), x, role));
      case "FrozenLayer", "FrozenLayerWithBackprop" -> frozen(layer.inside("layer"), x);
      default ->
          throw layer.unsupported(
              "of the kind " + layer.type() + ", which the graph has no operation for",
              "Run it in DL4J, or replace the layer by one that is supported");
    };
  }

  private Signal frozen(Settings layer, Signal x) throws IOException {
    layer.require(
        !layer.type().equals("BatchNormalization"),
        "a frozen batch normalisation; here its statistics move whenever a network is trained",
        "Unfreeze it in DL4J and save the network again");
    return read(layer, x, Role.FROZEN);
  }

  private String name(Settings layer) {
    return to.name(layer.text("layerName", layer.place()));
  }

  private Signal activated(Settings layer, Signal x) {
    return x.with(ActivationReader.apply(layer, g, x.value()));
  }

  /** The dropout that a layer has in front of it; a frozen one has none. */
  private Signal dropped(Settings layer, Signal x, Role role) {
    if (!layer.has("idropout") || role == Role.FROZEN) {
      return x;
    }
    Settings dropout = layer.inside("idropout");
    dropout.require(
        dropout.type().equals("Dropout") && !dropout.has("pschedule"),
        "trained with " + dropout.type() + " or a schedule of it",
        "Use the dropout class Dropout at a fixed rate, or none; it changes no prediction");
    double kept = dropout.number("p", 1);
    if (!(kept > 0 && kept <= 1)) {
      throw dropout.fail("the dropout's 'p' must be above 0 and at most 1, got " + kept);
    }
    return x.with(g.dropout(x.value(), 1 - kept));
  }

  private Signal dense(Settings layer, Signal x, Role role) throws IOException {
    layer.require(
        !layer.flag("hasLayerNorm", false),
        "a layer with a layer normalisation inside",
        "Use hasLayerNorm(false)");
    Signal rows = x.rank() == 4 ? x.with(g.flatten(x.value())) : x;
    long in = expect(layer, rows);
    long out = layer.size("nout");
    String name = name(layer);
    String weight = to.next(layer, name + ".weight", role, out, in);
    String bias = layer.flag("hasBias", true) ? to.next(layer, name + ".bias", role, out) : null;
    return rows.with(g.apply(name, new LayerOp.Linear(weight, bias), rows.value()));
  }

  /** The number of features that a layer takes, which the signal must have. */
  private static long expect(Settings layer, Signal x) {
    long in = layer.size("nin");
    if (x.rank() < 2 || x.features() != in) {
      throw layer.fail("it takes " + in + " numbers a row, but gets " + x.value().type());
    }
    return in;
  }

  /** A category as one of the encoding's numbers stands for its index. */
  private Signal category(Settings layer, Signal x, Role role) throws IOException {
    List<Encoder> ofVector =
        encoding.encoders().stream()
            .filter(e -> e instanceof Encoder.OneHot || e instanceof Encoder.Standardize)
            .toList();
    layer.require(
        x.value().name().equals(FeatureEncoding.VECTOR)
            && ofVector.size() == 1
            && ofVector.get(0) instanceof Encoder.OneHot,
        "an embedding of something else than one column of categories",
        "Let the encoding's only column of numbers and categories be categories, in the order of"
            + " their indices");
    long in = expect(layer, x);
    long out = layer.size("nout");
    String name = name(layer);
    String weight = to.next(layer, name + ".weight", role, out, in);
    String bias = layer.flag("hasBias", false) ? to.next(layer, name + ".bias", role, out) : null;
    return x.with(g.apply(name, new LayerOp.Linear(weight, bias), x.value()));
  }

  private Signal embedding(Settings layer, Signal x, Role role) throws IOException {
    timeFormat(layer, "outputFormat");
    if (x.value().type().dtype().floating()) {
      throw layer.fail("it embeds the ids of a text, but gets " + x.value().type());
    }
    int rows = vocabulary(layer);
    int size = layer.size("nout");
    float[] columns = to.take(layer, rows, size);
    float[] bias = layer.flag("hasBias", false) ? to.take(layer, size) : new float[size];
    float[] table = new float[columns.length];
    for (int row = 0; row < rows; row++) {
      for (int i = 0; i < size; i++) {
        table[row * size + i] = columns[i * rows + row] + bias[i];
      }
    }
    String name = name(layer);
    String weight = to.parameter(name + ".weight", role, table, rows, size);
    return x.with(g.apply(name, new LayerOp.Embedding(weight), x.value()));
  }

  /** How many different ids a layer takes; the encoding may give fewer. */
  private int vocabulary(Settings layer) {
    int known = layer.size("nin");
    int given = encoding.tokenizer().map(Tokenizer::vocabularySize).orElse(0);
    if (given > known) {
      throw new ValidationException(
          "encoding for " + layer.place(),
          List.of("the layer knows " + known + " tokens, the encoding's tokenizer has " + given));
    }
    return known;
  }

  /** Ids as DL4J takes them without an embedding: one feature for each id, 1 for the own. */
  private Signal oneHot(Settings layer, Signal x) {
    if (x.value().type().dtype().floating()) {
      return x;
    }
    int size = vocabulary(layer);
    layer.require(
        size <= MOST_ONE_HOT,
        "an LSTM of ids in " + size + " features",
        "Begin the network with an EmbeddingSequenceLayer");
    float[] identity = new float[size * size];
    for (int i = 0; i < size; i++) {
      identity[i * size + i] = 1;
    }
    String name = to.name("one_hot");
    String weight = to.parameter(name + ".weight", Role.FROZEN, identity, size, size);
    return x.with(g.apply(name, new LayerOp.Embedding(weight), x.value()));
  }

  private Signal lstm(Settings layer, Signal x, Role role) throws IOException {
    timeFormat(layer, "rnnDataFormat");
    layer.require(
        layer.inside("gateActivationFn").type().equals("ActivationSigmoid")
            && ActivationReader.type(layer).equals("ActivationTanH"),
        "an LSTM with other functions than tanh, and sigmoid for the gates",
        "Use activation(Activation.TANH) and gateActivationFunction(Activation.SIGMOID)");
    requireSeries(layer, x);
    long in = expect(layer, x);
    long hidden = layer.size("nout");
    String name = name(layer);
    float[] inputWeight = gates(to.take(layer, 4, hidden, in));
    float[] hiddenWeight = gates(to.take(layer, 4, hidden, hidden));
    float[] bias = gates(to.take(layer, 4, hidden));
    LayerOp.Lstm op =
        new LayerOp.Lstm(
            to.parameter(name + ".weight_ih_l0", role, inputWeight, 4 * hidden, in),
            to.parameter(name + ".weight_hh_l0", role, hiddenWeight, 4 * hidden, hidden),
            to.parameter(name + ".bias_ih_l0", role, bias, 4 * hidden),
            to.parameter(name + ".bias_hh_l0", Role.FROZEN, new float[bias.length], 4 * hidden));
    return x.with(g.apply(name, op, x.value()));
  }

  /** Four blocks of rows, in the graph's order of gates. */
  private static float[] gates(float[] theirs) {
    int block = theirs.length / GATES.size();
    float[] ours = new float[theirs.length];
    for (int gate = 0; gate < GATES.size(); gate++) {
      System.arraycopy(theirs, GATES.get(gate) * block, ours, gate * block, block);
    }
    return ours;
  }

  private Signal normalized(Settings layer, Signal x, Role role) throws IOException {
    layer.require(
        layer.text("cnn2DFormat", "NCHW").equals("NCHW"),
        "of the data format NHWC",
        "Build the network with the data format NCHW, DL4J's default");
    layer.require(
        x.rank() != 3, "a batch normalisation of time series", "Normalise rows or pictures");
    expect(layer, x);
    int size = layer.size("nout");
    String name = name(layer);
    String weight = name + ".weight";
    String bias = name + ".bias";
    if (layer.flag("lockGammaBeta", false)) {
      to.parameter(weight, Role.FROZEN, filled(size, layer.number("gamma", 1)), size);
      to.parameter(bias, Role.FROZEN, filled(size, layer.number("beta", 0)), size);
    } else {
      to.next(layer, weight, role, size);
      to.next(layer, bias, role, size);
    }
    String mean = to.next(layer, name + ".running_mean", Role.STATISTIC, size);
    float[] spread = to.take(layer, size);
    if (layer.flag("useLogStd", false)) {
      for (int i = 0; i < size; i++) {
        spread[i] = (float) Math.pow(10, 2.0 * spread[i]);
      }
    }
    String variance = to.parameter(name + ".running_var", Role.STATISTIC, spread, size);
    double epsilon = layer.number("eps", 1e-5);
    double momentum = 1 - layer.number("decay", 0.9);
    if (!(epsilon > 0 && momentum > 0 && momentum <= 1)) {
      throw layer.fail("'eps' must be above 0 and 'decay' in [0, 1)");
    }
    return x.with(
        g.apply(
            name,
            new LayerOp.BatchNorm(weight, bias, mean, variance, epsilon, momentum),
            x.value()));
  }

  private static float[] filled(int size, double value) {
    float[] values = new float[size];
    Arrays.fill(values, (float) value);
    return values;
  }

  private Signal pooled(Settings layer, Signal x) {
    String type = layer.text("poolingType", "MAX");
    boolean usual =
        !layer.has("poolingDimensions")
            || layer
                .integers("poolingDimensions")
                .equals(x.rank() == 3 ? List.of(2) : List.of(2, 3));
    layer.require(
        usual && layer.flag("collapseDimensions", true),
        "pooled over unusual dimensions",
        "Leave poolingDimensions and collapseDimensions as they are");
    if (x.rank() == 3) {
      layer.require(
          type.equals("AVG") || type.equals("MAX"),
          "a time series pooled by " + type,
          "Use the pooling type AVG or MAX");
      return pooled(x, type.equals("AVG") ? SequencePool.Kind.MEAN : SequencePool.Kind.MAX);
    }
    if (x.rank() != 4) {
      throw layer.fail("it needs time series or pictures, got " + x.value().type());
    }
    layer.require(!type.equals("PNORM"), "pooled by PNORM", "Use the pooling type AVG, MAX or SUM");
    Reduce.Statistic statistic =
        switch (type) {
          case "AVG" -> Reduce.Statistic.MEAN;
          case "MAX" -> Reduce.Statistic.MAX;
          case "SUM" -> Reduce.Statistic.SUM;
          default -> throw layer.fail("unknown pooling type '" + type + "'");
        };
    return x.rows(g.reduce(statistic, x.value(), 2, 3));
  }

  /** Of a time series the last step, of anything else itself. */
  private Signal last(Settings layer, Signal x) {
    if (layer.type().equals("LastTimeStep")) {
      requireSeries(layer, x);
    }
    return x.rank() == 3 ? pooled(x, SequencePool.Kind.LAST) : x;
  }

  Signal pooled(Signal x, SequencePool.Kind kind) {
    Value[] mask = x.mask() == null ? new Value[0] : new Value[] {x.mask()};
    return x.rows(g.sequencePool(kind, x.value(), mask));
  }

  private static void requireSeries(Settings layer, Signal x) {
    if (x.rank() != 3) {
      throw layer.fail("it needs time series, such as embedded text, got " + x.value().type());
    }
  }

  private static void timeFormat(Settings layer, String name) {
    layer.require(
        layer.text(name, "NCW").equals("NCW"),
        "of the time series format NWC",
        "Build the network with the format NCW, DL4J's default");
  }
}
