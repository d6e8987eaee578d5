package io.athanor.backend.djl;

import static org.assertj.core.api.Assertions.assertThat;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.backend.CompiledModel;
import io.athanor.api.backend.Optimizer;
import io.athanor.api.backend.Precision;
import io.athanor.api.backend.StepSettings;
import io.athanor.api.backend.TrainableModel;
import io.athanor.api.backend.TrainingMode;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.Weights;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

class NativeMemoryTest {
  private static final Graph GRAPH = Nets.encoder(100, 32, 4, 2, 2, 0.1);
  private static final BackendOptions ONE_THREAD = BackendOptions.defaults().withThreads(1);

  @Test
  void modelDroppedWithoutCloseIsReportedWithWhereItWasMade() throws Exception {
    CompletableFuture<String> reported = new CompletableFuture<>();
    LeakReporter reporter =
        new LeakReporter(
            (message, site) -> reported.complete(message + " " + List.of(site.getStackTrace())));
    try (Backend backend = new DjlBackend(LibTorch.start(), ONE_THREAD, reporter)) {
      compileAndForget(backend);
      assertThat(afterCollection(reported))
          .startsWith("Model 'encoder' was dropped without close()")
          .contains("NativeMemoryTest.compileAndForget");
    }
  }

  @Test
  void closedModelIsNotReported() throws Exception {
    CompletableFuture<String> reported = new CompletableFuture<>();
    LeakReporter reporter = new LeakReporter((message, site) -> reported.complete(message));
    try (Backend backend = new DjlBackend(LibTorch.start(), ONE_THREAD, reporter)) {
      compile(backend).close();
      CompletableFuture<String> collected = new CompletableFuture<>();
      java.lang.ref.Cleaner.create().register(new Object(), () -> collected.complete("gone"));
      assertThat(afterCollection(collected)).isEqualTo("gone");
      assertThat(reported).isNotDone();
    }
  }

  private static void compileAndForget(Backend backend) {
    assertThat(compile(backend)).isNotNull();
  }

  private static CompiledModel compile(Backend backend) {
    return backend.compile(GRAPH, Weights.initialize(GRAPH, 1), Precision.F32);
  }

  private static String afterCollection(CompletableFuture<String> event) throws Exception {
    for (int i = 0; i < 100; i++) {
      System.gc();
      try {
        return event.get(50, TimeUnit.MILLISECONDS);
      } catch (TimeoutException e) {
        // Not collected yet.
      }
    }
    throw new AssertionError("Nothing was collected");
  }

  @Test
  @EnabledOnOs(OS.LINUX)
  void stepsOfManyShapesKeepTheMemoryFlat() throws IOException {
    assertThat(leastGrowth(50)).isLessThan(4);
  }

  @Test
  @Tag("heavy")
  @EnabledOnOs(OS.LINUX)
  void twoThousandStepsKeepTheMemoryFlat() throws IOException {
    assertThat(leastGrowth(500)).isLessThan(4);
  }

  /**
   * Growth of resident memory in MiB, the least over four rounds of some steps: the Java heap and
   * the allocator grow now and then, a leak grows in every round.
   */
  private static long leastGrowth(int steps) throws IOException {
    try (Backend backend = new DjlBackendProvider().open(ONE_THREAD);
        TrainableModel model =
            backend.compile(
                GRAPH,
                Weights.initialize(GRAPH, 1),
                new TrainingMode(Optimizer.adamW(0.01), Precision.F32, 1))) {
      run(model, 50);
      long least = Long.MAX_VALUE;
      for (int round = 0; round < 4; round++) {
        long start = residentMebibytes();
        run(model, steps);
        least = Math.min(least, residentMebibytes() - start);
      }
      return least;
    }
  }

  private static void run(TrainableModel model, int steps) {
    for (int i = 0; i < steps; i++) {
      int length = 16 + i % 49;
      model.step(
          List.of(Nets.sentences(i, 16, length, 100), Nets.sentences(-i, 8, length / 2, 100)),
          new StepSettings(0.001, 1));
      model.predict(Nets.sentences(i, 16, length, 100).tensors());
      model.loss(Nets.sentences(i, 16, length, 100));
    }
    System.gc();
  }

  private static long residentMebibytes() throws IOException {
    return Files.readAllLines(Path.of("/proc/self/status")).stream()
        .filter(line -> line.startsWith("VmRSS"))
        .mapToLong(line -> Long.parseLong(line.replaceAll("[^0-9]", "")) / 1024)
        .findFirst()
        .orElseThrow();
  }
}
