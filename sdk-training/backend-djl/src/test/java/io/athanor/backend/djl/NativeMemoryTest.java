package io.athanor.backend.djl;

import static org.assertj.core.api.Assertions.assertThat;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.backend.CompiledModel;
import io.athanor.api.backend.MicroBatch;
import io.athanor.api.backend.Optimizer;
import io.athanor.api.backend.Precision;
import io.athanor.api.backend.StepSettings;
import io.athanor.api.backend.TrainableModel;
import io.athanor.api.backend.TrainingMode;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.Weights;
import java.nio.ByteBuffer;
import java.util.ArrayList;
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
  void stepsOfManyShapesKeepTheMemoryFlat() throws Exception {
    assertThat(growth(50, 0)).isLessThan(MemoryGrowth.FLAT);
  }

  @Test
  @Tag("heavy")
  @EnabledOnOs(OS.LINUX)
  void twoThousandStepsKeepTheMemoryFlat() throws Exception {
    assertThat(growth(250, 0)).isLessThan(MemoryGrowth.FLAT);
  }

  @Test
  @Tag("heavy")
  @EnabledOnOs(OS.LINUX)
  void memoryKeptByEachStepIsSeen() throws Exception {
    assertThat(growth(50, 64 * 1024)).isGreaterThan(MemoryGrowth.FLAT);
  }

  private static long growth(int steps, int keptBytes) throws Exception {
    return MemoryGrowth.of(Child.class, String.valueOf(steps), String.valueOf(keptBytes));
  }

  /** What the child runs: steps of many shapes, each of which may keep some bytes. */
  static final class Child {
    private Child() {}

    public static void main(String[] arguments) {
      int steps = Integer.parseInt(arguments[0]);
      int keptBytes = Integer.parseInt(arguments[1]);
      List<ByteBuffer> kept = new ArrayList<>();
      try (Backend backend = new DjlBackendProvider().open(ONE_THREAD);
          TrainableModel model =
              backend.compile(
                  GRAPH,
                  Weights.initialize(GRAPH, 1),
                  new TrainingMode(Optimizer.adamW(0.01), Precision.F32, 1))) {
        MemoryGrowth.rounds(
            () -> {
              for (int step = 0; step < steps; step++) {
                run(model, step);
                kept.add(ByteBuffer.allocateDirect(keptBytes));
              }
            });
      }
    }

    private static void run(TrainableModel model, int step) {
      int length = 16 + step % 49;
      MicroBatch sentences = Nets.sentences(step, 16, length, 100);
      model.step(
          List.of(sentences, Nets.sentences(-step, 8, length / 2, 100)),
          new StepSettings(0.001, 1));
      model.predict(sentences.tensors());
      model.loss(sentences);
    }
  }
}
