package io.athanor.backend.djl;

import static org.assertj.core.api.Assertions.assertThat;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.backend.MicroBatch;
import io.athanor.api.backend.Optimizer;
import io.athanor.api.backend.Precision;
import io.athanor.api.backend.StepResult;
import io.athanor.api.backend.StepSettings;
import io.athanor.api.backend.TrainableModel;
import io.athanor.api.backend.TrainingMode;
import io.athanor.api.graph.Dim;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.GraphBuilder;
import io.athanor.api.graph.LayerOp;
import io.athanor.api.graph.Node;
import io.athanor.api.graph.Segments;
import io.athanor.api.graph.TensorType;
import io.athanor.api.graph.Value;
import io.athanor.api.graph.Weights;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class RecomputeTest {
  private static final LanguageNets NETS = LanguageNets.small().withLayers(6);

  private record Trained(List<StepResult> results, Weights weights) {
    static Trained of(Graph graph, MicroBatch batch, boolean recompute) {
      TrainingMode mode = new TrainingMode(Optimizer.adamW(0.01), Precision.F32, 5, recompute);
      try (Backend backend =
              new DjlBackendProvider().open(BackendOptions.defaults().withThreads(1));
          TrainableModel model = backend.compile(graph, Weights.initialize(graph, 3), mode)) {
        List<StepResult> results = new ArrayList<>();
        for (int i = 0; i < 3; i++) {
          results.add(model.step(List.of(batch, batch), new StepSettings(0.01, 1)));
        }
        return new Trained(results, model.weights());
      }
    }
  }

  private static void requireSameBits(Graph graph, MicroBatch batch) {
    List<Node> nodes = Head.needed(graph);
    assertThat(Segments.of(graph, nodes, graph.loss().orElseThrow())).hasSizeGreaterThan(2);
    Trained kept = Trained.of(graph, batch, false);
    Trained again = Trained.of(graph, batch, true);
    assertThat(again.results).isEqualTo(kept.results);
    assertThat(again.weights.tensors()).isEqualTo(kept.weights.tensors());
  }

  @Test
  void languageModelTrainsToTheSameBits() {
    requireSameBits(NETS.graph(), NETS.batch(1, 3, 9, 0.2));
  }

  @Test
  void lowRankPathsTrainToTheSameBits() {
    requireSameBits(NETS.withRank(2).graph(), NETS.batch(1, 3, 9, 0.2));
  }

  @Test
  void dropoutDrawsTheSameASecondTime() {
    requireSameBits(NETS.withDropout(0.2).graph(), NETS.batch(1, 3, 9, 0.2));
  }

  @Test
  void encoderWithMaskTrainsToTheSameBits() {
    requireSameBits(Nets.encoder(50, 16, 2, 6, 2, 0.1), Nets.sentences(1, 4, 12, 50));
  }

  @Test
  void runningStatisticsMoveOnce() {
    GraphBuilder b = Graph.builder("norms");
    Value h = b.input("x", TensorType.f32(Dim.BATCH, Dim.of(4)));
    for (int i = 0; i < 8; i++) {
      h = b.relu(b.batchNorm("norm" + i, b.linear("linear" + i, h, 6)));
    }
    Value y = b.target("y", TensorType.i64(Dim.BATCH));
    Value logits = b.linear("last", h, 3);
    Graph graph = b.output("logits", logits).loss(b.crossEntropy(logits, y)).build();
    assertThat(Segments.of(graph, Head.needed(graph), graph.loss().orElseThrow()).get(0))
        .anyMatch(node -> node.op() instanceof LayerOp.BatchNorm);
    requireSameBits(graph, Nets.points(1, 6, 3, 4));
  }

  @Test
  void partsEndBetweenLayers() {
    Graph graph = NETS.graph();
    List<List<Node>> parts = Segments.of(graph, Head.needed(graph), graph.loss().orElseThrow());
    assertThat(parts.stream().mapToInt(List::size).sum()).isEqualTo(graph.nodes().size());
    assertThat(parts.subList(0, parts.size() - 1))
        .allSatisfy(part -> assertThat(part.get(part.size() - 1).name()).matches("add_.*|embed"));
  }
}
