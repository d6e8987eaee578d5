package io.athanor.backend.djl;

import static org.assertj.core.api.Assertions.assertThat;

import io.athanor.api.backend.Optimizer;
import io.athanor.api.backend.Precision;
import io.athanor.api.backend.TrainingMode;
import io.athanor.api.graph.Graph;
import java.util.stream.Stream;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class WrittenGradientsTest {
  private static final Target TARGET = new Target(ComputeDevice.processor(), Precision.F32);

  static Stream<Graph> graphs() {
    LanguageNets nets = LanguageNets.small();
    return Stream.of(
        nets.graph(),
        nets.withRank(2).graph(),
        nets.withDropout(0.1).graph(30, true),
        Nets.encoder(50, 16, 2, 2, 2, 0.1),
        Nets.mlp(4, 8, 3, 0.1));
  }

  @ParameterizedTest
  @MethodSource("graphs")
  void nothingIsLeftToAutograd(Graph graph) {
    TrainingMode mode = new TrainingMode(Optimizer.adam(), Precision.F32, 1);
    var groups = ParameterGroup.of(graph, mode.optimizer());
    assertThat(
            ProgramWriter.forTraining(graph, mode, groups, WritingChoice.STANDARD, TARGET)
                .recording())
        .isFalse();
    WritingChoice all = new WritingChoice(true, 0);
    assertThat(ProgramWriter.forTraining(graph, mode, groups, all, TARGET).recording()).isTrue();
  }
}
