package io.athanor.backend.djl;

import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtNDManager;
import ai.djl.pytorch.jni.IValue;
import io.athanor.api.common.DType;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.LayerOp;
import io.athanor.api.graph.Node;
import io.athanor.api.graph.Parameter;
import io.athanor.api.graph.Weights;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/** Puts weights that stay as they are where a program reads them. */
final class PlacedWeights {
  private static final String ROUND =
      """
      class Program(Module):
        __parameters__ = []
        __buffers__ = []
        training : bool
        def rounded(self: __torch__.Program, x: Tensor) -> Tensor:
          return ROUNDED
      """;

  private PlacedWeights() {}

  /**
   * The parameters of a graph, in its order.
   *
   * @param manager that frees them
   * @param absent those that the program does not read
   */
  static List<PtNDArray> of(
      Placement placement,
      PtNDManager manager,
      Graph graph,
      Weights weights,
      Target target,
      Set<String> absent) {
    Set<String> rounded = target.rounds() ? matrices(graph) : Set.of();
    Program program = rounded.isEmpty() ? null : rounding(manager, target);
    List<PtNDArray> arrays = new ArrayList<>();
    for (Parameter parameter : graph.parameters()) {
      String name = parameter.name();
      PtNDArray array =
          absent.contains(name)
              ? placement.zeros(manager, DType.F32, 0).array()
              : placement.of(manager, weights.tensor(name)).array();
      if (program != null && rounded.contains(name)) {
        arrays.add(rounded(manager, array, program));
      } else {
        arrays.add(array);
      }
    }
    return arrays;
  }

  private static Program rounding(PtNDManager manager, Target target) {
    String text = ROUND.replace("ROUNDED", target.rounded("x"));
    return new Program(manager, new ProgramWriter.Text(text, List.of(), false));
  }

  /** Within a program, as DJL ends the process when it meets a tensor of BF16. */
  private static PtNDArray rounded(PtNDManager manager, PtNDArray exact, Program program) {
    try (exact;
        IValue argument = IValue.from(exact);
        IValue result = program.call("rounded", argument)) {
      return result.toTensor(manager);
    }
  }

  /** Parameters that go into products or are looked up, and are read in no other way. */
  private static Set<String> matrices(Graph graph) {
    Set<String> names = new HashSet<>();
    Set<String> others = new HashSet<>();
    for (Node node : graph.nodes()) {
      boolean rounds =
          node.op() instanceof LayerOp.Linear
              || node.op() instanceof LayerOp.Conv2d
              || node.op() instanceof LayerOp.Embedding;
      (rounds ? names : others).addAll(node.op().parameters());
    }
    names.removeAll(others);
    return names;
  }
}
