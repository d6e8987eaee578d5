package io.athanor.training.tuning;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.backend.MicroBatch;
import io.athanor.api.backend.Optimizer;
import io.athanor.api.backend.Precision;
import io.athanor.api.backend.StepSettings;
import io.athanor.api.backend.TrainableModel;
import io.athanor.api.backend.TrainingMode;
import io.athanor.api.common.Tensor;
import io.athanor.api.data.Batch;
import io.athanor.api.data.BatchOrder;
import io.athanor.api.data.Batches;
import io.athanor.api.error.GraphException;
import io.athanor.api.error.ValidationException;
import io.athanor.api.graph.Weights;
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
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
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

  private static Lora several(Map<String, TinyText> data) {
    return LORA.adapters(data.keySet().toArray(String[]::new));
  }

  private static ModelArtifact together(int epochs) {
    return training(Training.of(base, new SharedText(List.copyOf(DATA.values()))), 12)
        .epochs(epochs)
        .tuning(several(DATA))
        .run()
        .model();
  }

  @Test
  void trainedTogetherTheyAreWhatTheyAreAlone() {
    assertSameAlone(DATA, of -> training(of, 4).epochs(1), together(1), 1e-4);
  }

  @Test
  void thirtyTwoUnderSgdAreWhatTheyAreAloneAtARateForOne() {
    Map<String, TinyText> data = new LinkedHashMap<>();
    for (int i = 0; i < 32; i++) {
      data.put("adapter" + i, TinyText.evenly(8, 1 + i % 7, i));
    }
    UnaryOperator<Training> sgd = of -> training(of, 2).epochs(1).optimizer(Optimizer.sgd(0));
    ModelArtifact together =
        sgd.apply(Training.of(base, new SharedText(List.copyOf(data.values()))))
            .batchSize(2 * 32)
            .learningRate(0.5 * 32)
            .tuning(several(data))
            .run()
            .model();

    assertSameAlone(data, of -> sgd.apply(of).learningRate(0.5), together, 1e-5);
  }

  private static void assertSameAlone(
      Map<String, TinyText> data,
      UnaryOperator<Training> settings,
      ModelArtifact trained,
      double tolerance) {
    Map<String, Adapter> first = Adapters.split(untrained(data));
    Map<String, Adapter> together = Adapters.split(trained);
    assertThat(together.keySet()).containsExactlyElementsOf(data.keySet());
    for (String name : data.keySet()) {
      ModelArtifact start = Adapters.attach(base, first.get(name));
      ModelArtifact alone = settings.apply(Training.of(start, data.get(name))).run().model();
      double moved = 0;
      for (Map.Entry<String, Tensor> tensor : together.get(name).tensors().entrySet()) {
        Tensor own = alone.weights().tensor(tensor.getKey());
        assertThat(difference(own, tensor.getValue())).as(name).isLessThan(tolerance);
        moved = Math.max(moved, difference(own, first.get(name).tensors().get(tensor.getKey())));
      }
      assertThat(moved).as(name).isGreaterThan(1e-2);
    }
  }

  private static double difference(Tensor one, Tensor other) {
    float[] a = one.floats();
    float[] b = other.floats();
    return IntStream.range(0, a.length).mapToDouble(i -> Math.abs(a[i] - b[i])).max().orElseThrow();
  }

  private static ModelArtifact untrained(Map<String, TinyText> data) {
    Lora lora = several(data);
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
    Map<String, Adapter> first = Adapters.split(untrained(DATA));

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
    ModelArtifact stacked = untrained(DATA);

    assertThatThrownBy(() -> Adapters.merge(stacked)).hasMessageContaining("split several first");
    assertThatThrownBy(() -> Adapters.extract(stacked)).hasMessageContaining("one at a time");
    assertThatThrownBy(() -> Adapters.split(base)).hasMessageContaining("it has no adapter");
  }

  @Test
  void anAdapterWithoutRowsIsLeftAloneByPlainSgdAndShrunkByWeightDecay() {
    String a = "layers.0.self_attn.q_proj.lora_A.stacked";
    String b = "layers.0.self_attn.q_proj.lora_B.stacked";
    Weights before = untrained(DATA).weights();
    Weights sgd = afterTwoSteps(Optimizer.sgd(0), 0);
    Weights adamW = afterTwoSteps(Optimizer.adamW(0.5), 0);

    assertThat(sgd.tensor(b)).isNotEqualTo(before.tensor(b));
    assertThat(adamW.tensor(b)).isNotEqualTo(before.tensor(b));
    for (int other = 1; other < 3; other++) {
      assertThat(Stacks.part(sgd.tensor(b), other)).isEqualTo(Stacks.part(before.tensor(b), other));
      assertThat(Stacks.part(sgd.tensor(a), other)).isEqualTo(Stacks.part(before.tensor(a), other));
      float[] first = Stacks.part(before.tensor(a), other).floats();
      float[] shrunk = Stacks.part(adamW.tensor(a), other).floats();
      for (int i = 0; i < first.length; i++) {
        assertThat(shrunk[i]).isCloseTo(0.98f * 0.98f * first[i], within(1e-6f));
      }
    }
  }

  private static Weights afterTwoSteps(Optimizer optimizer, long adapter) {
    ModelArtifact start = untrained(DATA);
    TrainingMode mode = new TrainingMode(optimizer, Precision.F32, 1, false);
    Map<String, Tensor> tensors = new LinkedHashMap<>(oneBatch().tensors());
    tensors.put("adapter", Tensor.ofLongs(new long[] {adapter, adapter, adapter}, 3));
    MicroBatch batch = new MicroBatch(tensors, 1);
    try (TrainableModel model = BACKEND.compile(start.graph(), start.weights(), mode)) {
      model.step(List.of(batch), new StepSettings(0.04, 0));
      model.step(List.of(batch), new StepSettings(0.04, 0));
      return model.weights();
    }
  }

  @Test
  void aNumberThatNoAdapterHasIsRefused() {
    assertThatThrownBy(() -> afterTwoSteps(Optimizer.sgd(0), 3))
        .isInstanceOf(GraphException.class)
        .hasMessageContaining("'adapter'")
        .hasMessageContaining("below 3");
  }

  @Test
  void asManyAdaptersAreNamedAsTheDataAreFor() {
    Training three = training(Training.of(base, new SharedText(List.copyOf(DATA.values()))), 12);

    assertThatThrownBy(() -> three.tuning(LORA.adapters("one", "two")).start())
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("the model has 2 adapters that rows choose from")
        .hasMessageContaining("the data are for 3");
    assertThatThrownBy(() -> three.tuning(LORA).start())
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("the model has 0 adapters that rows choose from");
    assertThatThrownBy(
            () -> training(Training.of(base, DATA.get("two")), 4).tuning(several(DATA)).start())
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("the data are for 0");
  }

  @Test
  void onlyAlikeAdaptersStandSideBySide() {
    Map<String, Adapter> adapters = new LinkedHashMap<>();
    adapters.put("first", fresh(LORA));
    adapters.put("wide", fresh(Lora.rank(3).alpha(6).targets("q_proj", "down_proj")));
    adapters.put("elsewhere", fresh(Lora.rank(2).alpha(4).targets("q_proj", "v_proj")));
    adapters.put("louder", fresh(LORA.alpha(8)));

    assertThatThrownBy(() -> Adapters.stack(base, adapters))
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("'wide' has ranks [3], the first has [2]")
        .hasMessageContaining("'elsewhere' is on other layers than the first: only one of them has")
        .hasMessageContaining("layers.1.self_attn.v_proj")
        .hasMessageContaining("'louder' has the scale 4.0, the first 2.0");
  }

  private static Adapter fresh(Lora lora) {
    TunedModel tuned = TunedModel.of(lora, base.graph(), base.weights(), Optional.empty(), 5);
    Map<String, Tensor> added = new LinkedHashMap<>(tuned.weights().tensors());
    added.keySet().removeAll(base.weights().tensors().keySet());
    return new Adapter(lora, added, Optional.empty());
  }
}
