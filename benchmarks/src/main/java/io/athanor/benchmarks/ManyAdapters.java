package io.athanor.benchmarks;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.backend.Backends;
import io.athanor.api.backend.Decoder;
import io.athanor.api.backend.MicroBatch;
import io.athanor.api.backend.Optimizer;
import io.athanor.api.backend.Precision;
import io.athanor.api.backend.StepSettings;
import io.athanor.api.backend.TrainableModel;
import io.athanor.api.backend.TrainingMode;
import io.athanor.api.common.Tensor;
import io.athanor.api.data.Feature;
import io.athanor.api.data.LanguageEncoding;
import io.athanor.api.data.Signature;
import io.athanor.api.data.Task;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.Weights;
import io.athanor.api.training.Lora;
import io.athanor.model.arch.Llama;
import io.athanor.training.tuning.TunedModel;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/**
 * One LoRA adapter beside many on one frozen base of the shape of SmolLM2-135M with random weights:
 * rank 8 on q, k, v and o. All contenders are compiled at once and take turns, and the ratio is the
 * median over rounds, so that other work on the machine falls on all alike. Arguments: {@code
 * train}, {@code train-one} or {@code train-many} (alone, for the memory of the process), or {@code
 * decode}; then optionally threads, rows, positions (in decoding new tokens), rounds and adapters.
 */
public final class ManyAdapters {
  private static final int VOCABULARY = 49_152;
  private static final int CONTEXT = 2048;
  private static final int PROMPT = 64;
  private static final String ONE = "one adapter";
  private static final Lora LORA =
      Lora.rank(8).alpha(16).targets("q_proj", "k_proj", "v_proj", "o_proj");

  private final Graph graph =
      Llama.sized(30, 576, 9, 3, 1536)
          .tied(true)
          .graph(
              new Signature(
                  List.of(new Feature.Tokens(LanguageEncoding.TOKENS, VOCABULARY, CONTEXT)),
                  new Task.Generation("text")));
  private final Weights weights = Weights.initialize(graph, 1);
  private final SplittableRandom random = new SplittableRandom(7);
  private final int threads;
  private final int rows;
  private final int length;
  private final int rounds;
  private final int adapters;

  private ManyAdapters(int threads, int rows, int length, int rounds, int adapters) {
    this.threads = threads;
    this.rows = rows;
    this.length = length;
    this.rounds = rounds;
    this.adapters = adapters;
  }

  /** Runs one mode. */
  public static void main(String[] arguments) throws IOException {
    String mode = arguments.length > 0 ? arguments[0] : "train";
    int threads = number(arguments, 1, 2);
    ManyAdapters run =
        new ManyAdapters(
            threads,
            number(arguments, 2, mode.equals("decode") ? 8 : 32),
            number(arguments, 3, mode.equals("decode") ? 32 : 64),
            number(arguments, 4, 8),
            number(arguments, 5, 32));
    BackendOptions options = BackendOptions.defaults().withThreads(threads);
    try (Backend backend = Backends.installed().named("djl").open(options)) {
      if (mode.equals("decode")) {
        run.decode(backend);
      } else {
        run.train(backend, mode);
      }
    }
    System.out.printf(
        Locale.ROOT,
        "%d threads, peak memory %d MiB, load %.1f%n",
        threads,
        peak(),
        ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage());
  }

  private String many() {
    return adapters + " adapters";
  }

  private TunedModel tuned(Lora lora) {
    return TunedModel.of(lora, graph, weights, Optional.empty(), 1);
  }

  private Lora several() {
    return LORA.adapters(
        IntStream.range(0, adapters).mapToObj(i -> "adapter" + i).toArray(String[]::new));
  }

  /** The adapters of a batch: each next one, so that all have their turn. */
  private Tensor chosen(int round) {
    long[] ids = new long[rows];
    for (int row = 0; row < rows; row++) {
      ids[row] = Math.floorMod((long) round * rows + row, (long) adapters);
    }
    return Tensor.ofLongs(ids, rows);
  }

  private Tensor tokens() {
    return Tensor.ofLongs(
        random.longs((long) rows * length, 0, VOCABULARY).toArray(), rows, length);
  }

  private void train(Backend backend, String mode) {
    Map<String, TrainableModel> models = new LinkedHashMap<>();
    try {
      if (!mode.equals("train-many")) {
        models.put(ONE, compiled(backend, LORA));
      }
      if (!mode.equals("train-one")) {
        models.put(many(), compiled(backend, several()));
      }
      System.gc();
      Map<String, double[]> seconds = new LinkedHashMap<>();
      for (int round = -1; round < rounds; round++) {
        MicroBatch one =
            new MicroBatch(
                Map.of(LanguageEncoding.TOKENS, tokens(), Signature.TARGET, tokens()),
                (double) rows * length);
        Map<String, Tensor> choosing = new LinkedHashMap<>(one.tensors());
        choosing.put(LanguageEncoding.ADAPTER, chosen(round));
        MicroBatch each = new MicroBatch(choosing, one.weight());
        for (Map.Entry<String, TrainableModel> turn : turns(models, round)) {
          String name = turn.getKey();
          MicroBatch batch = name.equals(ONE) ? one : each;
          long begin = clock();
          turn.getValue().step(List.of(batch), new StepSettings(1e-4, 1));
          note(seconds, name, round, begin);
        }
      }
      report(seconds, rows * length, "training " + rows + " x " + length);
    } finally {
      models.values().forEach(TrainableModel::close);
    }
  }

  private TrainableModel compiled(Backend backend, Lora lora) {
    TunedModel tuned = tuned(lora);
    TrainingMode mode = new TrainingMode(Optimizer.adamW(0.01), Precision.F32, 1, false);
    return backend.compile(tuned.graph(), tuned.weights(), mode);
  }

  private void decode(Backend backend) {
    Map<String, Decoder> decoders = new LinkedHashMap<>();
    try {
      decoders.put("merged", backend.decoder(graph.forPrediction(), weights, Precision.F32));
      for (Map.Entry<String, Lora> lora : Map.of(ONE, LORA, many(), several()).entrySet()) {
        TunedModel tuned = tuned(lora.getValue());
        Graph predicting = tuned.graph().forPrediction();
        decoders.put(lora.getKey(), backend.decoder(predicting, tuned.weights(), Precision.F32));
      }
      Map<String, double[]> reading = new LinkedHashMap<>();
      Map<String, double[]> decoding = new LinkedHashMap<>();
      for (int round = -1; round < rounds; round++) {
        List<int[]> prompts = new ArrayList<>();
        for (int row = 0; row < rows; row++) {
          prompts.add(random.ints(PROMPT, 0, VOCABULARY).toArray());
        }
        int[] next = random.ints(rows, 0, VOCABULARY).toArray();
        for (Map.Entry<String, Decoder> turn : turns(decoders, round)) {
          String name = turn.getKey();
          Decoder decoder = turn.getValue();
          Map<String, Tensor> choice =
              name.equals(many()) ? Map.of(LanguageEncoding.ADAPTER, chosen(round)) : Map.of();
          long begin = clock();
          decoder.begin(prompts, PROMPT + length, choice);
          note(reading, name, round, begin);
          begin = clock();
          for (int i = 0; i < length; i++) {
            decoder.next(next);
          }
          note(decoding, name, round, begin);
        }
      }
      report(reading, rows * PROMPT, "reading " + rows + " prompts of " + PROMPT);
      report(decoding, rows * length, "decoding " + rows + " rows");
    } finally {
      decoders.values().forEach(Decoder::close);
    }
  }

  /** All contenders, beginning with another one each round. */
  private static <T> List<Map.Entry<String, T>> turns(Map<String, T> contenders, int round) {
    List<Map.Entry<String, T>> turns = new ArrayList<>(contenders.entrySet());
    Collections.rotate(turns, round);
    return turns;
  }

  /** With one thread its processor time, so that other processes do not count. */
  private long clock() {
    return threads == 1
        ? ManagementFactory.getThreadMXBean().getCurrentThreadCpuTime()
        : System.nanoTime();
  }

  private void note(Map<String, double[]> seconds, String name, int round, long begin) {
    if (round >= 0) {
      seconds.computeIfAbsent(name, key -> new double[rounds])[round] = (clock() - begin) / 1e9;
    }
  }

  private void report(Map<String, double[]> seconds, int tokens, String what) {
    seconds.forEach(
        (name, own) -> {
          StringBuilder line = new StringBuilder();
          line.append(
              String.format(
                  Locale.ROOT, "%s, %s: %.1f tokens/s", what, name, tokens / median(own)));
          seconds.forEach(
              (other, theirs) -> {
                if (!other.equals(name)) {
                  double[] ratios =
                      IntStream.range(0, rounds).mapToDouble(i -> theirs[i] / own[i]).toArray();
                  line.append(
                      String.format(
                          Locale.ROOT,
                          ", %.3fx of %s (%.3f to %.3f)",
                          median(ratios),
                          other,
                          Quantiles.of(ratios, 0.25),
                          Quantiles.of(ratios, 0.75)));
                }
              });
          System.out.println(line);
        });
  }

  private static double median(double[] values) {
    return Quantiles.of(values, 0.5);
  }

  private static int number(String[] arguments, int index, int otherwise) {
    return arguments.length > index ? Integer.parseInt(arguments[index]) : otherwise;
  }

  private static long peak() throws IOException {
    return Files.readAllLines(Path.of("/proc/self/status")).stream()
        .filter(line -> line.startsWith("VmHWM"))
        .mapToLong(line -> Long.parseLong(line.replaceAll("[^0-9]", "")) / 1024)
        .findFirst()
        .orElseThrow();
  }
}
