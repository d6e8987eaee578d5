package io.athanor.tck;

import static io.athanor.tck.BackendUnderTest.rate;
import static io.athanor.tck.BackendUnderTest.trainable;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.athanor.api.backend.Capability;
import io.athanor.api.backend.MicroBatch;
import io.athanor.api.backend.Optimizer;
import io.athanor.api.backend.TrainableModel;
import io.athanor.api.common.Tensor;
import io.athanor.api.graph.Dim;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.GraphBuilder;
import io.athanor.api.graph.Initializer;
import io.athanor.api.graph.LayerOp;
import io.athanor.api.graph.ShapeOp.Reduce.Statistic;
import io.athanor.api.graph.TensorType;
import io.athanor.api.graph.Value;
import io.athanor.api.graph.Weights;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Dropout is off when predicting, and drops the share it should in training. */
interface DropoutContract extends BackendUnderTest {
  /** Elements that may be dropped. */
  int ELEMENTS = 10_000;

  /** Probability of dropping one. */
  double RATE = 0.3;

  /** The sum of a table of ones under dropout: the table's gradients are the factors drawn. */
  private static Graph droppedSum() {
    GraphBuilder g = Graph.builder("dropped-sum");
    Value rows = g.input("rows", TensorType.i64(Dim.BATCH));
    String table = g.parameter("table", Initializer.ONES, 1, ELEMENTS);
    Value x = g.dropout(g.apply("looked_up", new LayerOp.Embedding(table), rows), RATE);
    return g.output("y", x).loss(g.reduce(Statistic.SUM, x, 0, 1)).build();
  }

  /** The sum of what one query gathers from many equal keys, each value being the table's one. */
  private static Graph droppedAttention() {
    GraphBuilder g = Graph.builder("dropped-attention");
    Value rows = g.input("rows", TensorType.i64(Dim.BATCH));
    String table = g.parameter("table", Initializer.ONES, 1, ELEMENTS);
    Value flat = g.apply("looked_up", new LayerOp.Embedding(table), rows);
    Value values = g.reshape(flat, ELEMENTS, 1);
    Value query = g.slice(values, 1, 0, 1);
    Value y = g.attention("attention", 1, false, RATE, g.scale(query, 0), values, values);
    return g.output("y", y).loss(g.reduce(Statistic.SUM, y, 0, 1, 2)).build();
  }

  private static MicroBatch oneRow() {
    return new MicroBatch(Map.of("rows", Tensor.ofLongs(new long[] {0}, 1)), 1);
  }

  private TrainableModel model(Graph graph) {
    return trainable(backend(), graph, Weights.initialize(graph, 1), Optimizer.sgd(0));
  }

  /** Counts zeros, and checks that all others are of the given size. */
  private static int zeros(float[] factors, double kept) {
    int zeros = 0;
    for (float factor : factors) {
      if (factor == 0) {
        zeros++;
      } else {
        assertThat((double) factor).isCloseTo(kept, within(1e-3 * kept));
      }
    }
    return zeros;
  }

  @Test
  default void dropoutIsOffInPredictAndLoss() {
    assumeClaims(Capability.TRAIN);
    try (TrainableModel model = model(droppedSum())) {
      assertThat(model.predict(oneRow().tensors()))
          .hasEntrySatisfying("y", y -> assertThat(y.floats()).containsOnly(1f));
      assertThat(model.loss(oneRow())).isCloseTo(ELEMENTS, within(1e-2));
    }
  }

  @Test
  default void dropoutDropsItsShareAndScalesTheRest() {
    assumeClaims(Capability.TRAIN);
    try (TrainableModel model = model(droppedSum())) {
      float[] factors = model.gradients(oneRow()).tensor("table").floats();

      double fourDeviations = 4 * Math.sqrt(RATE * (1 - RATE) * ELEMENTS);
      assertThat((double) zeros(factors, 1 / (1 - RATE)))
          .isCloseTo(RATE * ELEMENTS, within(fourDeviations));
    }
  }

  @Test
  default void attentionDropsItsShareOfWeightsAndScalesTheRest() {
    assumeClaims(Capability.TRAIN);
    try (TrainableModel model = model(droppedAttention())) {
      assertThat(model.loss(oneRow())).isCloseTo(1, within(1e-4));

      float[] factors = model.gradients(oneRow()).tensor("table").floats();

      double fourDeviations = 4 * Math.sqrt(RATE * (1 - RATE) * ELEMENTS);
      assertThat((double) zeros(factors, 1 / (1 - RATE) / ELEMENTS))
          .isCloseTo(RATE * ELEMENTS, within(fourDeviations));
    }
  }

  @Test
  default void everyStepAndEveryMicroBatchDrawsAfresh() {
    assumeClaims(Capability.TRAIN);
    try (TrainableModel model = model(droppedSum())) {
      Tensor first = model.gradients(oneRow()).tensor("table");
      Tensor before = model.weights().tensor("table");
      model.step(List.of(oneRow(), oneRow()), rate(1));
      Tensor after = model.weights().tensor("table");
      Tensor second = model.gradients(oneRow()).tensor("table");

      assertThat(second).as("factors of the second step").isNotEqualTo(first);
      int keptByOneOfTwo = 0;
      for (int i = 0; i < ELEMENTS; i++) {
        double mean = before.floatBuffer().get(i) - (double) after.floatBuffer().get(i);
        keptByOneOfTwo += Math.abs(mean - 0.5 / (1 - RATE)) < 1e-3 ? 1 : 0;
      }
      double expected = 2 * RATE * (1 - RATE) * ELEMENTS;
      assertThat((double) keptByOneOfTwo).isCloseTo(expected, within(4 * Math.sqrt(expected)));
    }
  }

  @Test
  default void gradientsShowTheDropoutOfTheNextStep() {
    assumeClaims(Capability.TRAIN);
    assumeClaims(Capability.DETERMINISTIC);
    try (TrainableModel model = model(droppedSum())) {
      Tensor before = model.weights().tensor("table");
      float[] factors = model.gradients(oneRow()).tensor("table").floats();
      model.step(List.of(oneRow()), rate(1));
      float[] after = model.weights().tensor("table").floats();
      for (int i = 0; i < ELEMENTS; i++) {
        assertThat(before.floatBuffer().get(i) - after[i]).isCloseTo(factors[i], within(1e-5f));
      }
    }
  }
}
