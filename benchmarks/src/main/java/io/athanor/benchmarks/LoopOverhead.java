package io.athanor.benchmarks;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.backend.Backends;
import io.athanor.api.backend.MicroBatch;
import io.athanor.api.backend.Optimizer;
import io.athanor.api.backend.Precision;
import io.athanor.api.backend.StepSettings;
import io.athanor.api.backend.TrainableModel;
import io.athanor.api.backend.TrainingMode;
import io.athanor.api.data.Batch;
import io.athanor.api.data.BatchOrder;
import io.athanor.api.data.Batches;
import io.athanor.api.data.EncodedRow;
import io.athanor.api.data.Encoder;
import io.athanor.api.data.FeatureEncoding;
import io.athanor.api.data.Row;
import io.athanor.api.data.TargetEncoder;
import io.athanor.api.data.WordTokenizer;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.Weights;
import io.athanor.api.model.Architecture;
import io.athanor.model.Models;
import io.athanor.training.Training;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * What the training loop (history, progress, events, cancelling, checks of the loss) costs over
 * bare steps on the same ready-made batches. Both run in turn, one operation thread, processor time
 * of the training thread. Prints a Markdown table. Argument: rounds.
 */
public final class LoopOverhead {
  private static final int EPOCHS = 6;
  private static final double RATE = 0.001;

  private LoopOverhead() {}

  /** Runs all nets. */
  public static void main(String[] arguments) {
    int rounds = arguments.length > 0 ? Integer.parseInt(arguments[0]) : 15;
    System.out.println("| net | bare step, us | in the loop, us | added, us | added (quartiles) |");
    System.out.println("|---|---|---|---|---|");
    BackendOptions options = BackendOptions.defaults().withThreads(1);
    try (Backend backend = Backends.installed().named("djl").open(options)) {
      compare(backend, "MLP 4-16-2, batch 16", Models.mlp(16), numbers(4, 16, 1500), rounds);
      compare(
          backend, "MLP 30-64-64-2, batch 32", Models.mlp(64, 64), numbers(30, 32, 500), rounds);
      compare(
          backend,
          "encoder, 2 layers of 128, batch 16 x 64",
          Models.textClassifier(),
          sentences(16, 4),
          rounds);
    }
  }

  private static void compare(
      Backend backend, String name, Architecture net, FixedBatches data, int rounds) {
    int steps = (int) data.count(data.open(BatchOrder.sequential(1)).next().rows());
    double[] bare = new double[rounds];
    double[] loop = new double[rounds];
    double[] added = new double[rounds];
    double[] ratio = new double[rounds];
    for (int i = -2; i < rounds; i++) {
      double plain = bare(backend, net, data) / steps;
      double full = loop(backend, net, data, data.rows() / steps) / steps;
      if (i >= 0) {
        bare[i] = plain;
        loop[i] = full;
        added[i] = full - plain;
        ratio[i] = 100 * (full / plain - 1);
      }
    }
    System.out.printf(
        Locale.ROOT,
        "| %s | %.1f | %.1f | %.1f | **%.1f %%** (%.1f to %.1f) |%n",
        name,
        Quantiles.of(bare, 0.5),
        Quantiles.of(loop, 0.5),
        Quantiles.of(added, 0.5),
        Quantiles.of(ratio, 0.5),
        Quantiles.of(ratio, 0.25),
        Quantiles.of(ratio, 0.75));
  }

  /** Microseconds of an epoch of bare steps. */
  private static double bare(Backend backend, Architecture net, FixedBatches data) {
    Graph graph = net.graph(data.encoding().signature());
    data.epochs();
    try (TrainableModel model =
        backend.compile(
            graph,
            Weights.initialize(graph, 1),
            new TrainingMode(Optimizer.adam(), Precision.F32, 1))) {
      for (int epoch = 0; epoch < EPOCHS; epoch++) {
        try (Batches.Stream stream = data.open(BatchOrder.sequential(1))) {
          while (stream.hasNext()) {
            Batch batch = stream.next();
            model.step(
                List.of(new MicroBatch(batch.tensors(), batch.scored())),
                new StepSettings(RATE, 0));
          }
        }
      }
    }
    return median(data);
  }

  /** Microseconds of an epoch of the loop. */
  private static double loop(Backend backend, Architecture net, FixedBatches data, long batchSize) {
    data.epochs();
    Training.of(net, data)
        .backend(backend)
        .optimizer(Optimizer.adam())
        .learningRate(RATE)
        .clipNorm(0)
        .batchSize((int) batchSize)
        .epochs(EPOCHS)
        .seed(1)
        .start()
        .await();
    return median(data);
  }

  private static double median(FixedBatches data) {
    return Quantiles.of(data.epochs().stream().mapToDouble(n -> n / 1e3).toArray(), 0.5);
  }

  private static FixedBatches numbers(int columns, int batchSize, int count) {
    List<Encoder> encoders = new ArrayList<>();
    for (int i = 0; i < columns; i++) {
      encoders.add(new Encoder.Standardize("c" + i, 0, 1));
    }
    SplittableRandom random = new SplittableRandom(1);
    List<Row> rows = new ArrayList<>();
    for (int i = 0; i < batchSize * count; i++) {
      Map<String, Object> cells = new HashMap<>();
      encoders.forEach(encoder -> cells.put(encoder.column(), random.nextGaussian()));
      cells.put("label", random.nextBoolean() ? "yes" : "no");
      rows.add(Row.of(cells));
    }
    return batches(encoding(encoders, Optional.empty()), rows, batchSize);
  }

  private static FixedBatches sentences(int batchSize, int count) {
    SplittableRandom random = new SplittableRandom(1);
    List<Row> rows = new ArrayList<>();
    List<String> texts = new ArrayList<>();
    for (int i = 0; i < batchSize * count; i++) {
      String text =
          IntStream.range(0, 64)
              .mapToObj(word -> "word" + random.nextInt(2000))
              .collect(Collectors.joining(" "));
      texts.add(text);
      rows.add(Row.of(Map.of("text", text, "label", random.nextBoolean() ? "yes" : "no")));
    }
    return batches(
        encoding(
            List.of(new Encoder.Text("text", 64)), Optional.of(WordTokenizer.fit(texts, 2000, 1))),
        rows,
        batchSize);
  }

  private static FeatureEncoding encoding(
      List<Encoder> encoders, Optional<? extends io.athanor.api.data.Tokenizer> tokenizer) {
    return new FeatureEncoding(
        encoders,
        new TargetEncoder.Label("label", List.of("no", "yes")),
        tokenizer.map(found -> found));
  }

  private static FixedBatches batches(FeatureEncoding encoding, List<Row> rows, int batchSize) {
    List<Batch> batches = new ArrayList<>();
    for (int from = 0; from < rows.size(); from += batchSize) {
      List<EncodedRow> encoded =
          rows.subList(from, from + batchSize).stream()
              .map(row -> encoding.encode(row, "memory", 0))
              .toList();
      batches.add(new Batch(encoding.collate(encoded), batchSize, batchSize));
    }
    return new FixedBatches(encoding, batches);
  }
}
