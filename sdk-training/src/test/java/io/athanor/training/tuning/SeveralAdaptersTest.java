package io.athanor.training.tuning;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.common.Tensor;
import io.athanor.api.data.Batch;
import io.athanor.api.data.BatchOrder;
import io.athanor.api.data.Batches;
import io.athanor.api.error.ValidationException;
import io.athanor.api.model.ModelArtifact;
import io.athanor.api.training.Lora;
import io.athanor.tck.reference.ReferenceBackendProvider;
import io.athanor.training.Training;
import io.athanor.training.fixture.SharedText;
import io.athanor.training.fixture.TinyLanguageModel;
import io.athanor.training.fixture.TinyText;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class SeveralAdaptersTest {
  private static final Backend BACKEND =
      new ReferenceBackendProvider().open(BackendOptions.defaults());
  private static final Lora LORA = Lora.rank(2).alpha(4).targets("q_proj", "down_proj");

  private static final Map<String, TinyText> DATA = new LinkedHashMap<>();
  private static ModelArtifact base;

  private static Training training(Training of, int rows) {
    return of.backend(BACKEND).batchSize(rows).epochs(3).learningRate(0.02).seed(5);
  }

  @BeforeAll
  static void pretrain() {
    TinyText byOne = TinyText.counting(16, 1, 3);
    base = training(Training.of(new TinyLanguageModel(true), byOne), 8).run().model();
    DATA.put("two", TinyText.evenly(16, 2, 4));
    DATA.put("three", TinyText.evenly(16, 3, 5));
    DATA.put("four", TinyText.evenly(16, 4, 6));
  }

  private static Lora several() {
    return LORA.adapters(DATA.keySet().toArray(String[]::new));
  }

  private static ModelArtifact together(int epochs) {
    return training(Training.of(base, new SharedText(List.copyOf(DATA.values()))), 12)
        .epochs(epochs)
        .tuning(several())
        .run()
        .model();
  }

  @Test
  void trainedTogetherTheyAreWhatTheyAreAlone() {
    Map<String, Adapter> first = Adapters.split(untrained());
    Map<String, Adapter> together = Adapters.split(together(1));

    assertThat(together).containsOnlyKeys("two", "three", "four");
    double largest = 0;
    double moved = 0;
    for (String name : DATA.keySet()) {
      ModelArtifact start = Adapters.attach(base, first.get(name));
      ModelArtifact alone = training(Training.of(start, DATA.get(name)), 4).epochs(1).run().model();
      for (Map.Entry<String, Tensor> tensor : together.get(name).tensors().entrySet()) {
        float[] expected = alone.weights().tensor(tensor.getKey()).floats();
        float[] actual = tensor.getValue().floats();
        float[] before = first.get(name).tensors().get(tensor.getKey()).floats();
        for (int i = 0; i < expected.length; i++) {
          largest = Math.max(largest, Math.abs(expected[i] - actual[i]));
          moved = Math.max(moved, Math.abs(expected[i] - before[i]));
        }
      }
    }
    assertThat(largest).isLessThan(1e-4);
    assertThat(moved).isGreaterThan(1e-2);
  }

  private static ModelArtifact untrained() {
    Lora lora = several();
    TunedModel fresh = TunedModel.of(lora, base.graph(), base.weights(), Optional.empty(), 5);
    return new ModelArtifact(
        base.architecture(),
        Adapters.config(base.config(), lora),
        fresh.graph(),
        fresh.weights(),
        base.encoding(),
        Map.of(),
        base.provenance());
  }

  @Test
  void eachBeginsWithValuesOfItsOwn() {
    Map<String, Adapter> first = Adapters.split(untrained());

    String name = "layers.0.self_attn.q_proj.lora_A.weight";
    assertThat(first.values().stream().map(adapter -> adapter.tensors().get(name)).distinct())
        .hasSize(3);
  }

  @Test
  void splitAdaptersCanBeStackedAgainInAnotherOrder() {
    ModelArtifact together = together(1);
    Map<String, Adapter> split = Adapters.split(together);

    assertThat(Adapters.stack(base, split).weights()).isEqualTo(together.weights());
    Map<String, Adapter> two = new LinkedHashMap<>();
    two.put("four", split.get("four"));
    two.put("two", split.get("two"));
    ModelArtifact stacked = Adapters.stack(base, two);

    Map<String, Tensor> inputs = new LinkedHashMap<>(oneBatch().tensors());
    long rows = inputs.get("tokens").size(0);
    long[] ones = new long[(int) rows];
    Arrays.fill(ones, 1);
    inputs.put("adapter", Tensor.ofLongs(ones, rows));
    Adapters.requireAgreement(
        Adapters.attach(base, split.get("two")), stacked, BACKEND, inputs, 1e-6);
    assertThatThrownBy(
            () ->
                Adapters.requireAgreement(
                    Adapters.attach(base, split.get("four")), stacked, BACKEND, inputs, 1e-6))
        .isInstanceOf(ValidationException.class);
  }

  private static Batch oneBatch() {
    try (Batches.Stream stream = DATA.get("two").train().open(BatchOrder.sequential(3))) {
      return stream.next();
    }
  }

  @Test
  void oneAdapterCannotBeSplitNorSeveralMerged() {
    ModelArtifact stacked = untrained();

    assertThatThrownBy(() -> Adapters.merge(stacked)).hasMessageContaining("split several first");
    assertThatThrownBy(() -> Adapters.extract(stacked)).hasMessageContaining("one at a time");
    assertThatThrownBy(() -> Adapters.split(base)).hasMessageContaining("it has no adapter");
  }
}
