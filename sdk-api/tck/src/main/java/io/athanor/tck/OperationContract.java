package io.athanor.tck;

import static io.athanor.tck.Agreement.assertAgree;
import static io.athanor.tck.BackendUnderTest.compiled;
import static io.athanor.tck.BackendUnderTest.trainable;
import static io.athanor.tck.BackendUnderTest.training;
import static org.assertj.core.api.Assertions.assertThat;

import io.athanor.api.backend.Capability;
import io.athanor.api.backend.CompiledModel;
import io.athanor.api.backend.Optimizer;
import io.athanor.api.backend.Precision;
import io.athanor.api.backend.Support;
import io.athanor.api.backend.TrainableModel;
import io.athanor.tck.fixture.OpCase;
import io.athanor.tck.fixture.OpCases;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** Every operation gives the reference's values and gradients. */
interface OperationContract extends BackendUnderTest {
  /** Largest difference from the reference, as a share of the largest value or of 1. */
  double TOLERANCE = 1e-4;

  /** Draws of sizes and values for every case. */
  int SEEDS = 2;

  /** Fewer cases than this mean that the scan went wrong. */
  int LEAST_CASES = 140;

  private static List<OpCase> cases() {
    List<OpCase> cases = OpCases.all(SEEDS);
    assertThat(cases).hasSizeGreaterThanOrEqualTo(LEAST_CASES);
    return cases;
  }

  @Test
  default void whatItClaimsItDoesNotRefuse() {
    assertThat(backend().capabilities()).contains(Capability.PREDICT);
    boolean trains = backend().capabilities().contains(Capability.TRAIN);
    int checked = 0;
    for (OpCase c : cases()) {
      assertThat(backend().check(c.graph().forPrediction(), Precision.F32))
          .as("predicting with %s", c)
          .isEqualTo(new Support.Supported());
      if (trains) {
        assertThat(backend().check(c.graph(), training(Optimizer.adam())))
            .as("training %s", c)
            .isEqualTo(new Support.Supported());
      }
      checked++;
    }
    assertThat(checked).isGreaterThanOrEqualTo(LEAST_CASES);
  }

  @TestFactory
  default Stream<DynamicTest> everyOperationPredictsAsTheReference() {
    return cases().stream()
        .map(c -> DynamicTest.dynamicTest("predict: " + c, () -> predictsAsTheReference(c)));
  }

  private void predictsAsTheReference(OpCase c) {
    try (CompiledModel expected = compiled(reference(), c.graph(), c.weights());
        CompiledModel actual = compiled(backend(), c.graph(), c.weights())) {
      assertAgree(expected.predict(c.tensors()), actual.predict(c.tensors()), TOLERANCE);
    }
  }

  @TestFactory
  default Stream<DynamicTest> everyOperationHasTheGradientsOfTheReference() {
    assumeClaims(Capability.TRAIN);
    return cases().stream()
        .map(c -> DynamicTest.dynamicTest("gradients: " + c, () -> learnsAsTheReference(c)));
  }

  private void learnsAsTheReference(OpCase c) {
    Optimizer optimizer = Optimizer.sgd(0);
    try (TrainableModel expected = trainable(reference(), c.graph(), c.weights(), optimizer);
        TrainableModel actual = trainable(backend(), c.graph(), c.weights(), optimizer)) {
      assertAgree("loss", expected.loss(c.batch()), actual.loss(c.batch()), TOLERANCE);
      if (!c.random()) {
        assertAgree(expected.gradients(c.batch()), actual.gradients(c.batch()), TOLERANCE);
      }
    }
  }
}
