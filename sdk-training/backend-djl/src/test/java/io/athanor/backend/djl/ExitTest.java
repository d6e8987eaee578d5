package io.athanor.backend.djl;

import static org.assertj.core.api.Assertions.assertThat;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.backend.MicroBatch;
import io.athanor.api.backend.Optimizer;
import io.athanor.api.backend.Precision;
import io.athanor.api.backend.StepSettings;
import io.athanor.api.backend.TrainableModel;
import io.athanor.api.backend.TrainingMode;
import io.athanor.api.error.BackendException;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.Weights;
import java.io.BufferedReader;
import java.util.List;
import org.junit.jupiter.api.RepeatedTest;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;

class ExitTest {
  private static final int TERMINATED = 128 + 15;

  @RepeatedTest(2)
  @DisabledOnOs(OS.WINDOWS)
  void terminationDuringAStepEndsTheJvmInOrder() throws Exception {
    Process child = ChildJvm.of(List.of(), Child.class).start();
    StringBuilder output = new StringBuilder();
    try (BufferedReader lines = child.inputReader()) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        output.append(line).append('\n');
        if (line.equals("in a step")) {
          child.toHandle().destroy();
        }
      }
    }
    assertThat(child.waitFor()).as(output.toString()).isEqualTo(TERMINATED);
    assertThat(output.toString()).contains("in a step").doesNotContain("SIGSEGV");
  }

  /** What the child runs: steps that take far longer than the way of a signal. */
  static final class Child {
    private Child() {}

    public static void main(String[] arguments) {
      Graph graph = Nets.mlp(512, 2048, 3, 0);
      MicroBatch batch = Nets.points(1, 2048, 3, 512);
      Backend backend = new DjlBackendProvider().open(BackendOptions.defaults().withThreads(1));
      TrainableModel model =
          backend.compile(
              graph,
              Weights.initialize(graph, 1),
              new TrainingMode(Optimizer.adam(), Precision.F32, 1));
      model.step(List.of(batch), new StepSettings(0.001, 1));
      System.out.println("in a step");
      try {
        for (int i = 0; i < 1000; i++) {
          model.step(List.of(batch), new StepSettings(0.001, 1));
        }
      } catch (BackendException e) {
        System.out.println(e.getMessage());
      }
    }
  }
}
