package io.athanor.backend.djl;

import static org.assertj.core.api.Assertions.assertThat;

import io.athanor.api.backend.Optimizer;
import io.athanor.api.backend.Precision;
import io.athanor.api.backend.TrainingMode;
import io.athanor.api.graph.Graph;
import io.athanor.tck.fixture.TinyGraphs;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** What must hold of the text of a program that runs on a GPU. */
class ProgramForDeviceTest {
  /** Makes a tensor from nothing, so on the processor unless told otherwise. */
  private static final Pattern CREATION =
      Pattern.compile("torch\\.(arange|empty|eye|full|linspace|ones|rand|tensor|zeros)\\([^\\n]*");

  private static final List<String> PROCESSOR_ONLY =
      List.of("_for_cpu", "int8pack", "int4pack", "mkldnn", "quantized.", "torch.Generator");

  private static List<Graph> graphs() {
    List<Graph> graphs = new ArrayList<>(TinyGraphs.all());
    LanguageNets nets = LanguageNets.small();
    graphs.add(Nets.cnn(8, 4, 3));
    graphs.add(Nets.lstm(4, 6, 3));
    graphs.add(Nets.encoder(50, 16, 2, 2, 2, 0.1));
    graphs.add(Nets.encoder(50, 16, 2, 2, 2, 0));
    graphs.add(nets.graph());
    graphs.add(nets.withRank(2).graph());
    graphs.add(nets.withDropout(0.1).graph(30, true));
    return graphs;
  }

  private static List<String> programs(ComputeDevice device) {
    List<String> texts = new ArrayList<>();
    for (Graph graph : graphs()) {
      for (Precision precision : List.of(Precision.F32, Precision.BF16)) {
        Target target = new Target(device, precision);
        for (boolean recompute : List.of(false, true)) {
          TrainingMode mode = new TrainingMode(Optimizer.adam(), precision, 1, recompute);
          var groups = ParameterGroup.of(graph, mode.optimizer());
          WritingChoice choice = new WritingChoice(recompute && precision == Precision.F32, 2);
          texts.add(ProgramWriter.forTraining(graph, mode, groups, choice, target).text());
        }
        texts.add(ProgramWriter.forPrediction(graph.forPrediction(), target).text());
      }
    }
    DecoderGraph decoded = DecoderGraph.of(LanguageNets.small().graph().forPrediction());
    texts.add(DecoderWriter.write(decoded, null, new Target(device, Precision.F32)).text());
    return texts;
  }

  @Test
  void everyTensorIsMadeOnTheDeviceAndEveryOperationRunsThere() {
    int created = 0;
    for (String text : programs(new ComputeDevice("cuda:1", true, Set.of(Precision.BF16)))) {
      assertThat(text).doesNotContain(PROCESSOR_ONLY.toArray(String[]::new));
      for (Matcher matcher = CREATION.matcher(text); matcher.find(); created++) {
        assertThat(matcher.group()).contains("device=ops.prim.device(");
      }
    }
    assertThat(created).isGreaterThan(20);
  }

  @Test
  void everyInputIsBroughtToTheDevice() {
    Pattern reading = Pattern.compile("v\\d+ = (?!self\\.mask)[^\\n]*inputs\\[[^\\n]*");
    int brought = 0;
    for (String text : programs(new ComputeDevice("cuda:1", true, Set.of(Precision.BF16)))) {
      for (Matcher matcher = reading.matcher(text); matcher.find(); brought++) {
        assertThat(matcher.group())
            .contains("torch.to(inputs[")
            .endsWith("torch.device(\"cuda:1\"))");
      }
    }
    assertThat(brought).isGreaterThan(100);
  }

  @Test
  void programsForTheProcessorSayNothingOfDevices() {
    for (String text : programs(ComputeDevice.processor())) {
      assertThat(text).doesNotContain("torch.device(", "manual_seed");
    }
  }
}
