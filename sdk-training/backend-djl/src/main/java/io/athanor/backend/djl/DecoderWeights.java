package io.athanor.backend.djl;

import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtNDManager;
import ai.djl.pytorch.jni.IValue;
import io.athanor.api.backend.Precision;
import io.athanor.api.graph.Weights;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Set;

/** Loads the program of a decoder and gives it the weights. */
final class DecoderWeights {
  private DecoderWeights() {}

  /** A program ready to begin. */
  static Program load(NativeScope scope, DecoderGraph decoded, Weights weights, Target target) {
    List<QuantizedProduct> products = QuantizedProduct.of(target.products());
    if (!products.isEmpty()) {
      return rounded(scope, decoded, weights, products);
    }
    PtNDManager manager = scope.manager();
    Program program = new Program(manager, DecoderWriter.write(decoded, null, target));
    bind(
        program,
        PlacedWeights.of(scope.placement(), manager, decoded.graph(), weights, target, Set.of()));
    return program;
  }

  /** A program ready to begin that holds rounded matrices only. */
  static Program rounded(
      NativeScope scope, DecoderGraph decoded, Weights weights, List<QuantizedProduct> products) {
    PtNDManager manager = scope.manager();
    Target target = new Target(ComputeDevice.processor(), Precision.F32);
    QuantizedMatrices matrices = new QuantizedMatrices(decoded, products);
    Program program = new Program(manager, DecoderWriter.write(decoded, matrices, target));
    PtNDManager exact = scope.newManager();
    try {
      bind(
          program,
          PlacedWeights.of(scope.placement(), exact, decoded.graph(), weights, target, Set.of()));
      program.run("pack");
      List<PtNDArray> rest =
          PlacedWeights.of(
              scope.placement(), manager, decoded.graph(), weights, target, matrices.replaced());
      try (IValue parameters = Program.list(rest)) {
        program.run("forget", parameters);
      }
    } finally {
      exact.close();
    }
    return program;
  }

  private static void bind(Program program, Collection<PtNDArray> parameters) {
    List<Collection<PtNDArray>> lists = new ArrayList<>(List.of(parameters));
    while (lists.size() < DecoderWriter.ATTRIBUTES.size()) {
      lists.add(List.of());
    }
    program.bind(lists);
  }
}
