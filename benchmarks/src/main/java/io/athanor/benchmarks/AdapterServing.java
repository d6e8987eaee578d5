package io.athanor.benchmarks;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.backend.Backends;
import io.athanor.api.common.Tensor;
import io.athanor.api.data.Feature;
import io.athanor.api.data.LanguageEncoding;
import io.athanor.api.data.Signature;
import io.athanor.api.data.Task;
import io.athanor.api.data.WordTokenizer;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.Weights;
import io.athanor.api.model.ModelArtifact;
import io.athanor.api.model.Provenance;
import io.athanor.deploy.Deployments;
import io.athanor.deploy.serve.AdapterCatalog;
import io.athanor.deploy.serve.TextDeployment;
import io.athanor.deploy.serve.TextRequest;
import io.athanor.model.arch.Llama;
import io.athanor.model.format.PeftAdapter;
import io.athanor.model.format.PeftFolder;
import io.athanor.model.format.PeftMethod;
import io.athanor.model.generate.GenerationSettings;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import java.util.function.IntFunction;
import java.util.stream.Stream;

/**
 * Many LoRA adapters, as folders of PEFT's, on one base in one process: what a request costs whose
 * adapter stands in the engine, lies in memory or on disk, and how many requests a second are
 * answered when each of a crowd names another adapter. The base has random weights; rank 8 on q, k,
 * v and o. Arguments, all optional: adapters, layers, size, requests of a crowd, threads.
 */
public final class AdapterServing {
  private static final int RANK = 8;
  private static final int PLACES = 32;
  private static final int TOKENS = 8;
  private static final String PROMPT = "w1 w2 w3 w4 w5 w6 w7 w8 w9 w10 w11 w12 w13 w14 w15 w16";
  private static final GenerationSettings SETTINGS =
      GenerationSettings.builder().maxNewTokens(TOKENS).build();

  private final int adapters;
  private final int layers;
  private final int size;
  private final int crowd;
  private final int threads;
  private final SplittableRandom random = new SplittableRandom(7);

  private AdapterServing(int adapters, int layers, int size, int crowd, int threads) {
    this.adapters = adapters;
    this.layers = layers;
    this.size = size;
    this.crowd = crowd;
    this.threads = threads;
  }

  /** Runs all measurements. */
  public static void main(String[] arguments) throws IOException {
    new AdapterServing(
            number(arguments, 0, 1_000),
            number(arguments, 1, 8),
            number(arguments, 2, 256),
            number(arguments, 3, 512),
            number(arguments, 4, 2))
        .run();
  }

  private static int number(String[] arguments, int index, int otherwise) {
    return arguments.length > index ? Integer.parseInt(arguments[index]) : otherwise;
  }

  private void run() throws IOException {
    ModelArtifact base = base();
    Path home = Files.createTempDirectory("adapters");
    try (Backend backend =
        Backends.installed().named("djl").open(BackendOptions.defaults().withThreads(threads))) {
      AdapterCatalog catalog =
          AdapterCatalog.of(RANK, "q_proj", "k_proj", "v_proj", "o_proj")
              .resident(PLACES)
              .memory(1L << 30);
      for (int i = 0; i < adapters; i++) {
        Path folder = home.resolve("adapter" + i);
        PeftFolder.write(adapter(base, i), folder);
        catalog.add(name(i), () -> PeftFolder.read(folder));
      }
      try (TextDeployment plain = Deployments.inProcess().backend(backend).text("base", base);
          TextDeployment live =
              Deployments.inProcess().backend(backend).adapters(catalog).text("base", base)) {
        latencies(plain, live);
        crowds(plain, live);
      }
    } finally {
      delete(home);
    }
    System.out.printf(
        Locale.ROOT,
        "%d adapters, %d layers of %d, %d threads, load %.1f%n",
        adapters,
        layers,
        size,
        threads,
        ManagementFactory.getOperatingSystemMXBean().getSystemLoadAverage());
  }

  private static String name(int adapter) {
    return "adapter" + adapter + ":1";
  }

  private ModelArtifact base() {
    List<String> words = Stream.iterate(0, i -> i + 1).limit(4_000).map(i -> "w" + i).toList();
    WordTokenizer tokenizer = WordTokenizer.fit(words, 8_000, 1);
    LanguageEncoding encoding =
        new LanguageEncoding(
            new Task.Generation("text"), tokenizer, 256, List.of(), Optional.empty(), Map.of());
    Graph graph =
        Llama.sized(layers, size, 8, 4, 3 * size)
            .tied(true)
            .graph(
                new Signature(
                    List.of(
                        new Feature.Tokens(
                            LanguageEncoding.TOKENS, tokenizer.vocabularySize(), 256)),
                    new Task.Generation("text")));
    return new ModelArtifact(
        "llama",
        Map.of(),
        graph,
        Weights.initialize(graph, 1),
        encoding,
        Map.of(),
        new Provenance(Instant.EPOCH, 1, "{}", List.of(), Optional.empty(), Map.of()));
  }

  private PeftAdapter adapter(ModelArtifact base, int number) {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    base.weights()
        .tensors()
        .forEach(
            (name, weight) -> {
              if (name.matches(".*\\.[qkvo]_proj\\.weight")) {
                String layer = name.substring(0, name.length() - ".weight".length());
                tensors.put(layer + ".lora_A.weight", drawn(RANK, weight.size(1)));
                tensors.put(layer + ".lora_B.weight", drawn(weight.size(0), RANK));
              }
            });
    return new PeftAdapter(
        name(number),
        new PeftMethod.LoraSettings(
            RANK,
            2 * RANK,
            0,
            List.of("q_proj", "k_proj", "v_proj", "o_proj"),
            false,
            false,
            false,
            Map.of(),
            Map.of()),
        Optional.empty(),
        "base",
        Optional.empty(),
        List.of(),
        tensors);
  }

  private Tensor drawn(long rows, long columns) {
    float[] values = new float[Math.toIntExact(rows * columns)];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) (0.02 * (random.nextDouble() - 0.5));
    }
    return Tensor.ofFloats(values, rows, columns);
  }

  private static TextRequest request() {
    return TextRequest.of(PROMPT).settings(SETTINGS);
  }

  /** One request after another, so that each pays for its own adapter. */
  private void latencies(TextDeployment plain, TextDeployment live) {
    int rounds = Math.min(200, adapters);
    report("a base without places for adapters", rounds, plain, i -> request());
    report("the base among adapters", rounds, live, i -> request());
    report("adapter in the engine", rounds, live, i -> request().adapter(name(0)));
    report("adapter from disk", rounds, live, i -> request().adapter(name(i)));
    // More than there are places come in between, so none of these stands in the engine any more.
    report("adapter from memory", rounds, live, i -> request().adapter(name(i)));
  }

  private void report(
      String what, int rounds, TextDeployment deployment, IntFunction<TextRequest> requests) {
    double[] millis = new double[rounds];
    deployment.generate(requests.apply(0));
    for (int i = 0; i < rounds; i++) {
      long begin = System.nanoTime();
      deployment.generate(requests.apply(i));
      millis[i] = (System.nanoTime() - begin) / 1e6;
    }
    System.out.printf(
        Locale.ROOT,
        "%s: median %.2f ms (%.2f to %.2f) for %d tokens%n",
        what,
        Quantiles.of(millis, 0.5),
        Quantiles.of(millis, 0.25),
        Quantiles.of(millis, 0.75),
        TOKENS);
  }

  private void crowds(TextDeployment plain, TextDeployment live) {
    for (int round = 0; round < 3; round++) {
      crowd("crowd, base without places", plain, i -> request());
      crowd("crowd, one adapter", live, i -> request().adapter(name(0)));
      crowd("crowd, each another adapter", live, i -> request().adapter(name(i % adapters)));
    }
  }

  private void crowd(String what, TextDeployment deployment, IntFunction<TextRequest> requests) {
    long begin = System.nanoTime();
    List<CompletableFuture<?>> answers = new ArrayList<>();
    for (int i = 0; i < crowd; i++) {
      answers.add(deployment.generateAsync(requests.apply(i), piece -> true));
    }
    answers.forEach(CompletableFuture::join);
    double seconds = (System.nanoTime() - begin) / 1e9;
    System.out.printf(Locale.ROOT, "%s: %.1f requests/s%n", what, crowd / seconds);
  }

  private static void delete(Path folder) throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }
}
