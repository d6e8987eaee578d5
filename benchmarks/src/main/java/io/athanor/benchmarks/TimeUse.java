package io.athanor.benchmarks;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.backend.Backends;
import io.athanor.api.backend.DeviceProfile;
import io.athanor.api.common.DType;
import io.athanor.api.common.Tensor;
import io.athanor.api.data.Batch;
import io.athanor.api.data.Encoder;
import io.athanor.api.data.Encoding;
import io.athanor.api.data.FeatureEncoding;
import io.athanor.api.data.LanguageEncoding;
import io.athanor.api.data.TargetEncoder;
import io.athanor.api.data.Task;
import io.athanor.api.data.WordTokenizer;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.Input;
import io.athanor.api.model.Architecture;
import io.athanor.api.training.FullTuning;
import io.athanor.api.training.Lora;
import io.athanor.api.training.TrainingEstimate;
import io.athanor.api.training.TrainingForecast;
import io.athanor.api.training.TrainingResult;
import io.athanor.api.training.Tuning;
import io.athanor.model.Models;
import io.athanor.training.Training;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/**
 * Time of runs, estimated before them and measured by the wall clock, as rows of a Markdown table.
 * The device is measured anew for each run. Arguments: backend, threads; then which configurations,
 * all if none.
 */
public final class TimeUse {
  private static final int WORDS = 2000;

  /**
   * @param positions of each text; 0 where there is none
   */
  private record Run(
      Architecture architecture,
      Encoding encoding,
      Tuning tuning,
      int batchSize,
      int positions,
      int steps) {}

  private TimeUse() {}

  /** Estimates, then trains. */
  public static void main(String[] arguments) {
    String name = arguments.length > 0 ? arguments[0] : "djl";
    int threads = arguments.length > 1 ? Integer.parseInt(arguments[1]) : 1;
    Map<String, Run> all = all();
    List<String> names =
        List.of(arguments).subList(Math.min(2, arguments.length), arguments.length);
    System.out.println(
        "| configuration | steps | predicted, ms a step | measured, ms a step | predicted, s in all"
            + " | measured, s in all | predicted / measured | arithmetic, traffic, fixed |");
    System.out.println("|---|---|---|---|---|---|---|---|");
    BackendOptions options = BackendOptions.defaults().withThreads(threads);
    try (Backend backend = Backends.installed().named(name).open(options)) {
      for (String each : names.isEmpty() ? all.keySet() : names) {
        row(backend, each, Objects.requireNonNull(all.get(each), each));
      }
    }
  }

  private static Map<String, Run> all() {
    Map<String, Run> all = new LinkedHashMap<>();
    Tuning full = FullTuning.everything();
    all.put("mlp, small", new Run(Models.mlp(64, 64), numbers(30), full, 32, 0, 4000));
    all.put("mlp, large", new Run(Models.mlp(2048, 2048), numbers(1024), full, 256, 0, 30));
    all.put("cnn", new Run(Models.cnn(16, 32), pictures(28), full, 32, 0, 200));
    all.put("encoder", new Run(Models.textClassifier(), texts(64), full, 16, 64, 60));
    all.put("lstm", new Run(Models.lstm(64), texts(64), full, 32, 64, 200));
    Run llama = new Run(Models.llama(4, 256, 8, 4, 704), language(128), Lora.rank(8), 8, 128, 20);
    all.put("llama, LoRA", llama);
    return all;
  }

  private static void row(Backend backend, String name, Run run) {
    Training training =
        Training.of(run.architecture, data(run))
            .backend(backend)
            .tuning(run.tuning)
            .batchSize(run.batchSize)
            .seed(1);
    training.epochs(1).run();
    DeviceProfile device = DeviceProfile.measured(backend);
    TrainingForecast forecast = training.estimate(device);
    TrainingResult result = training.run();
    TrainingEstimate estimate = forecast.estimate();
    double predicted = forecast.duration().toMillis();
    double traffic = 1e3 * estimate.totalBytes() / device.bytesPerSecond();
    double fixed = 1e3 * estimate.totalOperations() * device.secondsPerOperation();
    double measured = result.duration().toMillis();
    System.out.printf(
        Locale.ROOT,
        "| %s | %d | %.2f | %.2f | %.1f | %.1f | **%.2f** | %.0f, %.0f, %.0f %% |%n",
        name,
        result.steps(),
        predicted / run.steps,
        measured / run.steps,
        predicted / 1e3,
        measured / 1e3,
        predicted / measured,
        100 * (1 - (traffic + fixed) / predicted),
        100 * traffic / predicted,
        100 * fixed / predicted);
  }

  private static FeatureEncoding encoding(List<Encoder> encoders, Optional<WordTokenizer> words) {
    TargetEncoder label = new TargetEncoder.Label("label", List.of("no", "yes"));
    return new FeatureEncoding(encoders, label, words.map(found -> found));
  }

  private static Encoding numbers(int columns) {
    List<Encoder> encoders =
        IntStream.range(0, columns)
            .<Encoder>mapToObj(i -> new Encoder.Standardize("c" + i, 0, 1))
            .toList();
    return encoding(encoders, Optional.empty());
  }

  private static Encoding pictures(int side) {
    return encoding(List.of(new Encoder.Image("image", 1, side, side, 0, 1)), Optional.empty());
  }

  private static Encoding texts(int length) {
    return encoding(List.of(new Encoder.Text("text", length)), Optional.of(words()));
  }

  private static Encoding language(int length) {
    return new LanguageEncoding(
        new Task.Generation("text"), words(), length, List.of(), Optional.empty(), Map.of());
  }

  private static WordTokenizer words() {
    return WordTokenizer.fit(
        IntStream.range(0, WORDS).mapToObj(i -> "word" + i).toList(), WORDS, 1);
  }

  /** One epoch of different random batches. */
  private static FixedBatches data(Run run) {
    Graph graph = run.architecture.graph(run.encoding.signature());
    Map<String, Long> sizes =
        Map.of("batch", (long) run.batchSize, "sequence", (long) run.positions);
    SplittableRandom random = new SplittableRandom(7);
    return new FixedBatches(
        run.encoding,
        IntStream.range(0, run.steps)
            .mapToObj(i -> batch(graph, run.batchSize, sizes, random))
            .toList());
  }

  private static Batch batch(
      Graph graph, int rows, Map<String, Long> sizes, SplittableRandom random) {
    Map<String, Tensor> tensors = new HashMap<>();
    long scored = 0;
    for (Input input : graph.inputs()) {
      long[] shape = input.type().shape().resolve(sizes);
      int elements = Math.toIntExact(Tensor.elements(shape));
      boolean target = input.role() == Input.Role.TARGET;
      if (input.type().dtype() == DType.I64) {
        long ids = target && shape.length == 1 ? 2 : WORDS;
        tensors.put(input.name(), Tensor.ofLongs(random.longs(elements, 0, ids).toArray(), shape));
      } else {
        float[] ones = new float[elements];
        Arrays.fill(ones, 1);
        tensors.put(input.name(), Tensor.ofFloats(ones, shape));
      }
      scored = target ? elements : scored;
    }
    return new Batch(tensors, rows, scored);
  }
}
