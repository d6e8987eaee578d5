package io.athanor.backend.djl;

import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtNDManager;
import ai.djl.pytorch.jni.IValue;
import io.athanor.api.backend.Precision;
import io.athanor.api.common.DType;
import io.athanor.api.graph.Parameter;
import io.athanor.api.graph.Weights;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Set;

/** Loads the program of a decoder and gives it the weights. */
final class DecoderWeights {
  private DecoderWeights() {}

  /** A program ready to begin. */
  static Program load(
      NativeScope scope, DecoderGraph decoded, Weights weights, Precision precision) {
    if (precision == Precision.INT8) {
      return rounded(scope, decoded, weights, QuantizedProduct.ofThisMachine());
    }
    PtNDManager manager = scope.manager();
    Program program = new Program(manager, DecoderWriter.write(decoded, null));
    bind(program, arrays(manager, decoded, weights, Set.of()));
    return program;
  }

  /** A program ready to begin that holds rounded matrices only. */
  static Program rounded(
      NativeScope scope, DecoderGraph decoded, Weights weights, QuantizedProduct product) {
    PtNDManager manager = scope.manager();
    QuantizedMatrices matrices = new QuantizedMatrices(decoded, product);
    Program program = new Program(manager, DecoderWriter.write(decoded, matrices));
    PtNDManager exact = scope.newManager();
    try {
      bind(program, arrays(exact, decoded, weights, Set.of()));
      program.run("pack");
      List<PtNDArray> rest = arrays(manager, decoded, weights, matrices.replaced());
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

  private static List<PtNDArray> arrays(
      PtNDManager manager, DecoderGraph decoded, Weights weights, Set<String> absent) {
    List<PtNDArray> arrays = new ArrayList<>();
    for (Parameter parameter : decoded.graph().parameters()) {
      arrays.add(
          absent.contains(parameter.name())
              ? HostTensor.zeros(manager, DType.F32, 0).array()
              : HostTensor.of(manager, weights.tensor(parameter.name())).array());
    }
    return arrays;
  }
}
