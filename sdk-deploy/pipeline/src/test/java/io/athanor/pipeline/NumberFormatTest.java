package io.athanor.pipeline;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.backend.Backends;
import io.athanor.api.backend.Capability;
import io.athanor.api.backend.Precision;
import io.athanor.api.data.Row;
import io.athanor.api.deploy.Deployment;
import io.athanor.api.error.UnsupportedException;
import io.athanor.api.model.ModelArtifact;
import io.athanor.api.model.Prediction;
import io.athanor.deploy.Deployments;
import java.util.List;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What a processor can do decides; either way somebody who asks for BF16 is told the truth. */
class NumberFormatTest {
  @Test
  void modelsAnswerInRoundedProductsWhereTheProcessorHasThem() {
    SplittableRandom random = new SplittableRandom(2);
    List<Row> points = Stream.generate(() -> Plane.point(0, random)).limit(200).toList();
    try (Backend backend =
        Backends.installed().named("djl").open(BackendOptions.defaults().withThreads(1))) {
      ModelArtifact model = Plane.trained(points, backend);
      if (backend.capabilities().contains(Capability.BF16)) {
        assertNear(points, backend, model);
      } else {
        assertThatThrownBy(() -> deploy(backend, model, Precision.BF16))
            .isInstanceOf(UnsupportedException.class)
            .hasMessageContaining("BF16 arithmetic on device cpu");
      }
      assertThatThrownBy(() -> deploy(backend, model, Precision.INT8))
          .isInstanceOf(UnsupportedException.class)
          .hasMessageContaining("only decoders on the processor have it");
    }
  }

  private static Deployment deploy(Backend backend, ModelArtifact model, Precision precision) {
    return Deployments.inProcess().backend(backend).precision(precision).deploy("side", model);
  }

  private static void assertNear(List<Row> points, Backend backend, ModelArtifact model) {
    int exact = 0;
    try (Deployment full = deploy(backend, model, Precision.F32);
        Deployment rounded = deploy(backend, model, Precision.BF16)) {
      for (Row point : points) {
        double expected = above(full.predict(point).prediction());
        double actual = above(rounded.predict(point).prediction());
        assertThat(actual).isCloseTo(expected, within(0.03));
        exact += actual == expected ? 1 : 0;
      }
    }
    assertThat(exact).isLessThan(points.size() / 2);
  }

  private static double above(Prediction prediction) {
    return ((Prediction.Label) prediction).probability("above");
  }
}
