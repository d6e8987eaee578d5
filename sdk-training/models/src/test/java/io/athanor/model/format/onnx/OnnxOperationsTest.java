package io.athanor.model.format.onnx;

import static org.assertj.core.api.Assertions.assertThat;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.backend.CompiledModel;
import io.athanor.api.backend.Precision;
import io.athanor.api.common.Tensor;
import io.athanor.api.error.UnsupportedException;
import io.athanor.api.graph.Graph;
import io.athanor.tck.fixture.OpCase;
import io.athanor.tck.fixture.OpCases;
import io.athanor.tck.reference.ReferenceBackendProvider;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.api.io.TempDir;

/** Every operation, written to a file, gives in ONNX Runtime what the reference gives. */
class OnnxOperationsTest {
  private static final double SAME = 1e-4;
  private static final int SEEDS = 3;
  private static final int LEAST_CASES = 330;
  private static final Backend REFERENCE =
      new ReferenceBackendProvider().open(BackendOptions.defaults());

  @TempDir static Path folder;

  @AfterAll
  static void closeReference() {
    REFERENCE.close();
  }

  @Test
  void noneIsRefused() {
    List<String> refused = new ArrayList<>();
    List<OpCase> cases = OpCases.all(SEEDS);
    for (OpCase c : cases) {
      try {
        GraphCompiler.compile(c.graph().forPrediction(), c.weights(), OnnxPrecision.F32);
      } catch (UnsupportedException e) {
        refused.add(c + ": " + e.getMessage());
      }
    }
    assertThat(cases).hasSizeGreaterThanOrEqualTo(LEAST_CASES);
    assertThat(refused).isEmpty();
  }

  @TestFactory
  Stream<DynamicTest> everyOperationPredictsAsTheReference() {
    return OpCases.all(SEEDS).stream()
        .map(c -> DynamicTest.dynamicTest(c.name(), () -> predictsAsTheReference(c)));
  }

  private static void predictsAsTheReference(OpCase c) {
    Path file = folder.resolve("case.onnx");
    OnnxModel.write(file, c.graph(), c.weights(), OnnxPrecision.F32);
    Graph graph = c.graph().forPrediction();
    try (CompiledModel expected = REFERENCE.compile(graph, c.weights(), Precision.F32);
        RuntimeModel actual = RuntimeModel.open(file)) {
      Map<String, Tensor> outputs = new LinkedHashMap<>(actual.predict(c.tensors()));
      if (graph.hasInput("ids") && graph.outputs().containsKey("ids")) {
        outputs.put("ids", outputs.remove("ids.output"));
      }
      RuntimeModel.assertAgree(expected.predict(c.tensors()), outputs, SAME);
    }
  }
}
