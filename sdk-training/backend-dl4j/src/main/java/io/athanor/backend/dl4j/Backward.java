package io.athanor.backend.dl4j;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.nd4j.autodiff.functions.DifferentialFunction;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;

/**
 * Appends the backward pass to a program: the derivative that each of SameDiff's operations gives,
 * from the last to the first, as far as a wanted gradient needs it. SameDiff's own way makes a
 * second graph and prints a line for each operation to standard output.
 */
final class Backward {
  /** Gives the gradients of an operation's arguments from that of its result. */
  interface Rule {
    List<SDVariable> arguments(SDVariable gradient);
  }

  private final SameDiff program;
  private final Set<String> constant = new HashSet<>();
  private final Map<String, Rule> rules = new HashMap<>();
  private final Map<String, SDVariable> gradients = new HashMap<>();

  Backward(SameDiff program) {
    this.program = program;
  }

  /** Treats a variable as a constant. */
  void hold(SDVariable variable) {
    constant.add(variable.name());
  }

  /** Replaces the derivative of the operation that gives a variable. */
  void replace(SDVariable result, Rule rule) {
    rules.put(result.name(), rule);
  }

  /**
   * The gradients of a scalar.
   *
   * @param wanted variables
   * @return a gradient for each wanted variable on which the loss depends
   */
  Map<String, SDVariable> of(SDVariable loss, Set<String> wanted) {
    DifferentialFunction[] operations = program.ops();
    Set<String> depending = depending(operations, wanted);
    if (depending.contains(loss.name())) {
      gradients.put(loss.name(), program.constant(1f));
    }
    for (int i = operations.length - 1; i >= 0; i--) {
      pass(operations[i], depending);
    }
    Map<String, SDVariable> found = new HashMap<>();
    for (String name : wanted) {
      SDVariable gradient = gradients.get(name);
      if (gradient != null) {
        found.put(name, gradient);
      }
    }
    return found;
  }

  /** The variables that depend on wanted ones, themselves included. */
  private Set<String> depending(DifferentialFunction[] operations, Set<String> wanted) {
    Set<String> depending = new HashSet<>(wanted);
    for (DifferentialFunction operation : operations) {
      for (SDVariable argument : operation.args()) {
        if (depending.contains(argument.name())) {
          for (SDVariable result : operation.outputVariables()) {
            if (result.dataType().isFPType() && !constant.contains(result.name())) {
              depending.add(result.name());
            }
          }
        }
      }
    }
    return depending;
  }

  private void pass(DifferentialFunction operation, Set<String> depending) {
    SDVariable[] results = operation.outputVariables();
    boolean reached = false;
    for (SDVariable result : results) {
      reached |= depending.contains(result.name()) && gradients.containsKey(result.name());
    }
    if (!reached) {
      return;
    }
    List<SDVariable> arriving = new ArrayList<>();
    for (SDVariable result : results) {
      SDVariable gradient = gradients.get(result.name());
      arriving.add(gradient != null ? gradient : program.zerosLike(result));
    }
    Rule rule = rules.get(results[0].name());
    List<SDVariable> leaving =
        rule != null ? rule.arguments(arriving.get(0)) : operation.doDiff(arriving);
    SDVariable[] arguments = operation.args();
    for (int i = 0; i < arguments.length; i++) {
      String name = arguments[i].name();
      if (depending.contains(name)) {
        gradients.merge(name, leaving.get(i), SDVariable::add);
      }
    }
  }
}
