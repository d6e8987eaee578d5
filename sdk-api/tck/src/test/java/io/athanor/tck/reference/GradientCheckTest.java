package io.athanor.tck.reference;

import static org.assertj.core.api.Assertions.assertThat;

import io.athanor.api.graph.LayerOp;
import io.athanor.api.graph.Op;
import io.athanor.api.graph.QuantizedOp;
import io.athanor.tck.fixture.OpCase;
import io.athanor.tck.fixture.OpCases;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

class GradientCheckTest {
  private static final double STEP = 1e-5;
  private static final double TOLERANCE = 1e-6;

  @Test
  void everyOperationHasCases() {
    Set<Class<?>> operations =
        Arrays.stream(Op.class.getPermittedSubclasses())
            .flatMap(family -> Arrays.stream(family.getPermittedSubclasses()))
            .filter(type -> type != LayerOp.Foreign.class) // which no reference can look into
            .filter(type -> !QuantizedOp.class.isAssignableFrom(type)) // which nobody trains
            .collect(Collectors.toSet());
    Set<Class<?>> covered =
        OpCases.all(1).stream().map(c -> c.op().getClass()).collect(Collectors.toSet());

    assertThat(operations).hasSize(38);
    assertThat(covered).isEqualTo(operations);
  }

  @TestFactory
  Stream<DynamicTest> gradientsAreTheSlopesOfTheLoss() {
    List<OpCase> cases = OpCases.all(3);
    assertThat(cases).hasSizeGreaterThan(280);
    return cases.stream().map(c -> DynamicTest.dynamicTest(c.name(), () -> checkSlopes(c)));
  }

  private static void checkSlopes(OpCase c) {
    String loss = c.graph().loss().orElseThrow();
    Map<String, Array> inputs = Tensors.inputs(c.graph(), c.tensors());
    Map<String, Array> parameters = Tensors.parameters(c.graph(), c.weights());
    Predicate<String> trained = name -> c.graph().parameter(name).trained();

    Map<String, Array> gradients =
        Evaluation.train(c.graph(), parameters, inputs, new SplittableRandom(7)).gradients(loss);

    assertThat(gradients.keySet())
        .isEqualTo(parameters.keySet().stream().filter(trained).collect(Collectors.toSet()));
    double largest = 0;
    for (String name : gradients.keySet()) {
      for (int i = 0; i < parameters.get(name).count(); i++) {
        double above = lossWith(c, parameters, inputs, name, i, STEP, loss);
        double below = lossWith(c, parameters, inputs, name, i, -STEP, loss);
        double slope = (above - below) / (2 * STEP);
        double gradient = gradients.get(name).values[i];
        largest = Math.max(largest, Math.abs(gradient));
        assertThat(Math.abs(gradient - slope))
            .as("%s[%d]: gradient %s, slope %s", name, i, gradient, slope)
            .isLessThanOrEqualTo(TOLERANCE * (1 + Math.abs(slope)));
      }
    }
    assertThat(largest).as("largest gradient").isFinite();
  }

  private static double lossWith(
      OpCase c,
      Map<String, Array> parameters,
      Map<String, Array> inputs,
      String name,
      int index,
      double change,
      String loss) {
    Map<String, Array> changed = new HashMap<>(parameters);
    Array array = parameters.get(name).copy();
    array.values[index] += change;
    changed.put(name, array);
    return Evaluation.train(c.graph(), changed, inputs, new SplittableRandom(7))
        .value(loss)
        .values[0];
  }
}
