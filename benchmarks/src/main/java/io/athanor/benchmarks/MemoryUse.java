package io.athanor.benchmarks;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.backend.Backends;
import io.athanor.api.backend.MemoryEstimate;
import io.athanor.api.backend.MicroBatch;
import io.athanor.api.backend.Optimizer;
import io.athanor.api.backend.Precision;
import io.athanor.api.backend.StepSettings;
import io.athanor.api.backend.TrainableModel;
import io.athanor.api.backend.TrainingMode;
import io.athanor.api.common.DType;
import io.athanor.api.common.Tensor;
import io.athanor.api.data.Feature;
import io.athanor.api.data.FeatureEncoding;
import io.athanor.api.data.LanguageEncoding;
import io.athanor.api.data.Signature;
import io.athanor.api.data.Task;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.Input;
import io.athanor.api.graph.Weights;
import io.athanor.api.model.Architecture;
import io.athanor.api.training.FullTuning;
import io.athanor.api.training.Lora;
import io.athanor.api.training.Tuning;
import io.athanor.model.Models;
import io.athanor.model.arch.TextEncoder;
import io.athanor.training.tuning.TunedModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.TreeMap;

/**
 * Memory of optimizer steps, estimated and measured, as rows of a Markdown table. Linux only.
 *
 * <p>Each configuration has a process of its own with a Java heap of fixed size that is in memory
 * from the start. Measured is how far {@code VmHWM} rises, set back when the model is compiled,
 * above what the process held before, when the engine had already trained a tiny model. Arguments:
 * which configurations, all if none.
 */
public final class MemoryUse {
  private static final int VOCABULARY = 30_000;
  private static final int LENGTH = 128;
  private static final int STEPS = 3;

  private final Architecture architecture;
  private final Signature signature;
  private final Map<String, Long> sizes;
  private Tuning tuning = FullTuning.everything();
  private boolean recompute;
  private int microBatches = 1;

  private MemoryUse(Architecture architecture, Signature signature, Map<String, Long> sizes) {
    this.architecture = architecture;
    this.signature = signature;
    this.sizes = sizes;
  }

  /** Starts a process for each configuration, or is one. */
  public static void main(String[] arguments) throws IOException, InterruptedException {
    if (arguments.length == 2 && arguments[0].equals("measure")) {
      System.out.println(
          Objects.requireNonNull(all().get(arguments[1]), arguments[1]).row(arguments[1]));
      return;
    }
    System.out.println(
        "| configuration | trained / all parameters | weights, gradients, moments | activations"
            + " | working | fragmentation | estimated, MiB | measured, MiB | estimated / measured |");
    System.out.println("|---|---|---|---|---|---|---|---|---|");
    for (String name : arguments.length > 0 ? List.of(arguments) : all().keySet()) {
      measure(name);
    }
  }

  private static void measure(String name) throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-Xms256m", "-Xmx256m", "-XX:+AlwaysPreTouch", "-XX:+UseSerialGC"));
    command.addAll(List.of("-XX:MaxDirectMemorySize=8g", "-cp"));
    command.add(System.getProperty("java.class.path"));
    command.addAll(List.of(MemoryUse.class.getName(), "measure", name));
    int status = new ProcessBuilder(command).inheritIO().start().waitFor();
    if (status != 0) {
      System.out.println("| " + name + " | failed with status " + status + " |");
    }
  }

  private static Map<String, MemoryUse> all() {
    Map<String, MemoryUse> all = new TreeMap<>();
    Task label = new Task.Classification("label", List.of("a", "b", "c", "d"));
    Signature numbers =
        new Signature(List.of(new Feature.Vector(FeatureEncoding.VECTOR, 1024)), label);
    Signature pictures = new Signature(List.of(new Feature.Image("image", 3, 64, 64)), label);
    Signature text = new Signature(List.of(new Feature.Tokens("text", VOCABULARY, LENGTH)), label);
    Signature language =
        new Signature(
            List.of(new Feature.Tokens(LanguageEncoding.TOKENS, VOCABULARY, LENGTH)),
            new Task.Generation("text"));
    all.put("mlp", new MemoryUse(Models.mlp(2048, 2048), numbers, Map.of("batch", 4096L)));
    all.put("cnn", new MemoryUse(Models.cnn(32, 64, 128), pictures, Map.of("batch", 128L)));
    Map<String, Long> texts = Map.of("batch", 32L, "sequence", (long) LENGTH);
    TextEncoder encoder = Models.textClassifier().layers(4).size(256).heads(4).feedForward(1024);
    all.put("encoder", new MemoryUse(encoder.dropout(0), text, texts));
    all.put("encoder, dropout", new MemoryUse(encoder.dropout(0.1), text, texts));
    all.put("lstm", new MemoryUse(Models.lstm(256, 256).dropout(0), text, texts));
    TextEncoder bert =
        Models.textClassifier()
            .layers(8)
            .size(512)
            .heads(8)
            .feedForward(2048)
            .norm(TextEncoder.Norm.POST)
            .positions(TextEncoder.Positions.LEARNED)
            .dropout(0.1);
    all.put("bert-medium", new MemoryUse(bert, text, texts));
    Architecture llama = Models.llama(8, 512, 8, 4, 1408);
    Map<String, Long> documents = Map.of("batch", 8L, "sequence", (long) LENGTH);
    all.put("llama", new MemoryUse(llama, language, documents));
    all.put("llama, 4 micro-batches", new MemoryUse(llama, language, documents).accumulate(4));
    all.put("llama, recompute", new MemoryUse(llama, language, documents).recompute());
    all.put("llama, LoRA", new MemoryUse(llama, language, documents).lora());
    all.put("llama, LoRA, recompute", new MemoryUse(llama, language, documents).lora().recompute());
    return all;
  }

  private MemoryUse lora() {
    tuning = Lora.rank(8);
    return this;
  }

  private MemoryUse recompute() {
    recompute = true;
    return this;
  }

  private MemoryUse accumulate(int count) {
    microBatches = count;
    return this;
  }

  private TrainingMode mode() {
    return new TrainingMode(Optimizer.adamW(0.01), Precision.F32, 1, recompute);
  }

  private String row(String name) throws IOException {
    Graph graph = TunedModel.graph(tuning, architecture.graph(signature));
    MemoryEstimate estimate = MemoryEstimate.training(graph, sizes, mode(), microBatches);
    double measured = measure(graph);
    double total = estimate.total() / (double) (1 << 20);
    return String.format(
        Locale.ROOT,
        "| %s | %.2f / %.2f M | %.0f | %.0f | %.0f | %.0f | %.0f | %.0f | %.2f |",
        name,
        graph.trainedParameterCount() / 1e6,
        graph.parameterCount() / 1e6,
        (estimate.parameters() + estimate.gradients() + estimate.optimizer()) / (double) (1 << 20),
        estimate.activations() / (double) (1 << 20),
        estimate.working() / (double) (1 << 20),
        estimate.fragmentation() / (double) (1 << 20),
        total,
        measured,
        total / measured);
  }

  /** MiB of some steps. */
  private double measure(Graph graph) throws IOException {
    try (Backend backend =
        Backends.installed().named("djl").open(BackendOptions.defaults().withThreads(1))) {
      warm(backend);
      collect();
      long before = kilobytes("VmRSS");
      try (TrainableModel model = compile(backend, graph, mode())) {
        collect();
        Files.writeString(Path.of("/proc/self/clear_refs"), "5");
        List<MicroBatch> batches = new ArrayList<>();
        for (int i = 0; i < microBatches; i++) {
          batches.add(batch(graph, sizes, i));
        }
        for (int i = 0; i < STEPS; i++) {
          model.step(batches, new StepSettings(1e-4, 1));
        }
        return (kilobytes("VmHWM") - before) / 1024.0;
      }
    }
  }

  private static void warm(Backend backend) {
    Graph tiny = Workload.TINY_MLP.graph();
    try (TrainableModel model =
        compile(backend, tiny, new TrainingMode(Optimizer.adam(), Precision.F32, 1))) {
      model.step(List.of(batch(tiny, Map.of("batch", 16L), 0)), new StepSettings(1e-4, 1));
    }
  }

  /** Keeps no hold of the first weights. */
  private static TrainableModel compile(Backend backend, Graph graph, TrainingMode mode) {
    return backend.compile(graph, Weights.initialize(graph, 1), mode);
  }

  private static void collect() {
    for (int i = 0; i < 3; i++) {
      System.gc();
    }
  }

  private static MicroBatch batch(Graph graph, Map<String, Long> sizes, long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    Map<String, Tensor> tensors = new HashMap<>();
    double scored = 1;
    for (Input input : graph.inputs()) {
      long[] shape = input.type().shape().resolve(sizes);
      int elements = Math.toIntExact(Tensor.elements(shape));
      if (input.type().dtype() == DType.I64) {
        long ids = input.role() == Input.Role.TARGET && shape.length == 1 ? 2 : VOCABULARY;
        tensors.put(input.name(), Tensor.ofLongs(random.longs(elements, 0, ids).toArray(), shape));
      } else {
        float[] ones = new float[elements];
        Arrays.fill(ones, 1);
        tensors.put(input.name(), Tensor.ofFloats(ones, shape));
      }
      scored = Math.max(scored, (double) shape[0]);
    }
    return new MicroBatch(tensors, scored);
  }

  private static long kilobytes(String field) throws IOException {
    return Files.readAllLines(Path.of("/proc/self/status")).stream()
        .filter(line -> line.startsWith(field))
        .mapToLong(line -> Long.parseLong(line.replaceAll("[^0-9]", "")))
        .findFirst()
        .orElseThrow();
  }
}
