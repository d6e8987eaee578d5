package io.athanor.backend.dl4j;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.nd4j.autodiff.functions.DifferentialFunction;
import org.nd4j.autodiff.listeners.At;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.autodiff.samediff.config.ExecutionResult;
import org.nd4j.autodiff.samediff.config.SDValue;
import org.nd4j.autodiff.samediff.internal.FrameIter;
import org.nd4j.autodiff.samediff.internal.InferenceSession;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.api.ops.CustomOp;
import org.nd4j.linalg.api.ops.Op;
import org.nd4j.linalg.api.ops.OpContext;
import org.nd4j.linalg.factory.Nd4j;

/**
 * Runs a program, whose shapes are fixed and whose placeholders are always the same arrays. The
 * first run is SameDiff's own: it finds the order of the operations, their shapes and memory. As
 * long as that memory is kept, further runs repeat the operations on it, without all of that.
 */
final class Session extends InferenceSession {
  /** An operation as the first run did it; a context's arrays last for one call. */
  private record Execution(
      DifferentialFunction operation,
      OpContext context,
      List<INDArray> inputs,
      List<INDArray> outputs,
      boolean repeatable) {
    static Execution of(DifferentialFunction operation, OpContext context, ExecutionResult result) {
      List<INDArray> outputs = List.copyOf(context.getOutputArrays());
      boolean intoContext = !result.hasValues() && result.numResults() == outputs.size();
      for (int i = 0; intoContext && i < outputs.size(); i++) {
        intoContext = result.resultAt(i) == outputs.get(i);
      }
      List<INDArray> inputs = List.copyOf(context.getInputArrays());
      return new Execution(operation, context, inputs, outputs, intoContext);
    }

    void repeat() {
      context.setInputArrays(inputs);
      context.setOutputArrays(outputs);
      if (operation instanceof CustomOp custom) {
        Nd4j.exec(custom, context);
      } else {
        Nd4j.exec((Op) operation, context);
      }
    }
  }

  private final List<String> wanted;
  private final RunMemory memory = new RunMemory();
  private final List<Execution> executions = new ArrayList<>();
  private Map<String, INDArray> found = Map.of();
  private boolean repeatable;

  Session(SameDiff program, List<String> wanted) {
    super(program);
    this.wanted = wanted;
    setMmgr(memory);
  }

  /** What is wanted; valid until {@link #rest}. */
  Map<String, INDArray> run(Map<String, INDArray> placeholders) {
    if (repeatable) {
      executions.forEach(Execution::repeat);
    } else {
      found = output(wanted, placeholders, null, List.of(), List.of(), At.defaultAt());
      // On a GPU, arrays that Java filled would have to be moved there again.
      repeatable = !Nd4jEngine.hasCuda() && executions.stream().allMatch(Execution::repeatable);
    }
    return found;
  }

  @Override
  public ExecutionResult doExec(
      DifferentialFunction operation,
      OpContext context,
      FrameIter frame,
      Set<VarId> inputs,
      Set<VarId> inputsOfAllIterations,
      Set<String> constants,
      Map<String, SDValue> others) {
    ExecutionResult result =
        super.doExec(operation, context, frame, inputs, inputsOfAllIterations, constants, others);
    executions.add(Execution.of(operation, context, result));
    return result;
  }

  /** After a run, when what it found has been read. */
  void rest() {
    // SameDiff would keep these of every run.
    freedArrays.clear();
    nodeValueOutputs.clear();
    if (!repeatable) {
      release();
    }
  }

  /** Bytes of memory it keeps for the next run. */
  long kept() {
    return memory.bytes();
  }

  /** Frees the memory; the next run is like the first. */
  void release() {
    repeatable = false;
    found = Map.of();
    executions.clear();
    memory.close();
  }
}
