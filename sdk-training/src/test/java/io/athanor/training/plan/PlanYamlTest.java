package io.athanor.training.plan;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.athanor.api.backend.Optimizer;
import io.athanor.api.backend.Precision;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.NotFoundException;
import io.athanor.api.error.ValidationException;
import io.athanor.api.training.FullTuning;
import io.athanor.api.training.Lora;
import io.athanor.api.training.Patience;
import io.athanor.api.training.PromptTuning;
import io.athanor.api.training.Schedule;
import io.athanor.api.training.TrainingPlan;
import java.lang.reflect.Field;
import java.lang.reflect.Modifier;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class PlanYamlTest {
  /** Differs from the defaults in every field. */
  private static TrainingPlan unusual() {
    return TrainingPlan.builder()
        .epochs(9)
        .batchSize(24)
        .accumulate(3)
        .learningRate(2e-4)
        .optimizer(new Optimizer.Sgd(0.9, 1e-4))
        .schedule(new Schedule.Cosine(0.1, 0.05))
        .clipNorm(1.5)
        .precision(Precision.BF16)
        .evaluateEvery(200)
        .stopEarly("validation.accuracy", new Patience(2, 0.01))
        .checkpointEvery(100)
        .keepCheckpoints(5)
        .seed(-7)
        .tuning(Lora.rank(4).alpha(9).targets("q_proj").dropout(0.1).rankStabilized())
        .recompute(true)
        .build();
  }

  @Test
  void everyFieldGoesThroughTheText() throws Exception {
    TrainingPlan unusual = unusual();
    TrainingPlan read = PlanYaml.read("text", PlanYaml.write(unusual));

    int compared = 0;
    for (Field field : TrainingPlan.class.getDeclaredFields()) {
      if (!Modifier.isStatic(field.getModifiers())) {
        field.setAccessible(true);
        assertThat(field.get(unusual))
            .as("%s must differ from its default, or this test proves nothing", field.getName())
            .isNotEqualTo(field.get(TrainingPlan.builder().build()));
        assertThat(field.get(read)).as(field.getName()).isEqualTo(field.get(unusual));
        compared++;
      }
    }
    assertThat(compared).isEqualTo(15);
    assertThat(read).isEqualTo(unusual);
  }

  static Stream<TrainingPlan> plans() {
    return Stream.of(
        TrainingPlan.builder().build(),
        TrainingPlan.builder().optimizer(new Optimizer.Adam(0.8, 0.9, 1e-6)).build(),
        TrainingPlan.builder().optimizer(new Optimizer.AdamW(0.8, 0.9, 1e-6, 0.5)).build(),
        TrainingPlan.builder().schedule(new Schedule.Constant(0.2)).build(),
        TrainingPlan.builder().schedule(new Schedule.Linear(0.2, 0.1)).build(),
        TrainingPlan.builder().monitor("train.loss").build(),
        TrainingPlan.builder().tuning(FullTuning.freezing("embeddings.*")).build(),
        TrainingPlan.builder().tuning(Lora.rank(8).withoutHead().adapters("a", "b")).build(),
        TrainingPlan.builder().tuning(PromptTuning.tokens(20)).build(),
        TrainingPlan.builder()
            .tuning(PromptTuning.tokens(8).startingFrom("Is this: spam?"))
            .build());
  }

  @ParameterizedTest
  @MethodSource("plans")
  void everyVariantGoesThroughTheText(TrainingPlan plan) {
    assertThat(PlanYaml.read("text", PlanYaml.write(plan))).isEqualTo(plan);
    assertThat(PlanYaml.read("text", PlanYaml.tree(plan).toString())).isEqualTo(plan);
  }

  @Test
  void readsWhatPeopleWrite(@TempDir Path folder) throws Exception {
    Path file =
        Files.writeString(
            folder.resolve("plan.yaml"),
            """
            # a short run
            epochs: 2
            learningRate: 2e-4
            optimizer: {kind: adamW}
            schedule:
              kind: cosine
              warmUp: 0.1
            tuning: {kind: lora, rank: 8, targets: [q_proj, v_proj]}
            """);

    assertThat(PlanYaml.read(file))
        .isEqualTo(
            TrainingPlan.builder()
                .epochs(2)
                .learningRate(2e-4)
                .optimizer(Optimizer.adamW(0.01))
                .schedule(Schedule.cosine().warmUp(0.1))
                .tuning(Lora.rank(8).targets("q_proj", "v_proj"))
                .build());
    assertThat(PlanYaml.read("empty", "")).isEqualTo(TrainingPlan.builder().build());
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      textBlock =
          """
          epochs: 3\\nlerning-rate: 1         | plan.yaml, line 2: setting 'lerning-rate': unknown setting. Did you mean 'learningRate'? Valid are accumulate, batchSize
          epochs: three                       | line 1: setting 'epochs': expected a whole number, got 'three'
          epochs: 2.5                         | setting 'epochs': expected a whole number, got '2.5'
          epochs: 99999999999                 | setting 'epochs': expected a whole number
          epochs: 0                           | line 1: setting 'epochs': epochs must be at least 1, got 0
          epochs: [1, 2]                      | line 1: setting 'epochs': expected a value
          epochs:                             | line 1: setting 'epochs': expected a value
          epochs: 1\\nepochs: 2               | line 2: setting 'epochs': this setting is given twice
          epochs: {a: 1}                      | setting 'epochs': expected a whole number, got a mapping
          optimizer: adam                     | setting 'optimizer': expected a mapping, got 'adam'
          optimizer:\\n  kind: adan           | line 2: setting 'optimizer.kind': expected one of [sgd, adam, adamW], got 'adan'. Did you mean 'adam'?
          optimizer: {beta1: 0.9}             | setting 'optimizer.kind': this setting is missing
          optimizer: {kind: sgd, beta1: 0.9}  | setting 'optimizer.beta1': unknown setting
          optimizer: {kind: sgd, momentum: 2} | momentum must be in [0, 1), got 2.0
          schedule: {kind: step}              | setting 'schedule.kind': expected one of [constant, linear, cosine], got 'step'
          precision: f64                      | setting 'precision': expected one of [f32, bf16, f16, int8, int4], got 'f64'
          monitor: f1                         | setting 'monitor': metric must be one of [train.loss
          patience: {minimumChange: 1}        | setting 'patience.evaluations': this setting is missing
          tuning: {kind: lora, rank: 0}       | setting 'tuning': rank must be at least 1, got 0
          tuning: {kind: lora, ranks: 8}      | setting 'tuning.rank': this setting is missing
          tuning: {kind: lorra}               | expected one of [full, lora, prompt], got 'lorra'. Did you mean 'lora'?
          tuning: {kind: full, frozen: a}     | setting 'tuning.frozen': expected a list of texts, got 'a'
          tuning: {kind: full, frozen: [[a]]} | setting 'tuning.frozen': expected a list of texts
          tuning: {kind: [lora]}              | setting 'tuning.kind': expected a text, got a list
          recompute: yes                      | setting 'recompute': expected true or false, got 'yes'
          - 1                                 | line 1: expected a mapping
          'a: b: c'                           | not YAML
          """)
  void saysWhereATextIsWrong(String yaml, String problem) {
    assertThatThrownBy(() -> PlanYaml.read("plan.yaml", yaml.replace("\\n", "\n")))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining(problem);
  }

  @Test
  void contradictionsAreListedAsByTheBuilder() {
    assertThatThrownBy(() -> PlanYaml.read("plan.yaml", "batchSize: 10\naccumulate: 3"))
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("batchSize must be a multiple of accumulate");
  }

  @Test
  void saysWhenAFileIsNotText(@TempDir Path folder) throws Exception {
    Path file = Files.write(folder.resolve("plan.yaml"), new byte[] {'e', (byte) 0xff, ':'});

    assertThatThrownBy(() -> PlanYaml.read(file))
        .isInstanceOf(FormatException.class)
        .hasMessageEndingWith("plan.yaml: not UTF-8 text");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "epochs: *other",
        "epochs: &loop [*loop]",
        "? [1]\n: 2",
        "? {a: 1}\n: 2",
        "epochs: !!java.lang.ProcessBuilder [x]",
        "epochs: \u0000",
        "epochs: ~",
        "<<: {epochs: 1}",
        "{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{{",
        "%YAML 9.9\n---\nepochs: 1",
        "\tepochs: 1",
        "epochs: |\n  1\n  2",
        "epochs: 99999999999999999999",
        "optimizer: {kind: {kind: sgd}}",
        "- epochs: 1",
        "just a text"
      })
  void hostileTextGivesAnErrorOfOurs(String yaml) {
    assertThatThrownBy(() -> PlanYaml.read("plan.yaml", yaml))
        .isInstanceOf(FormatException.class)
        .hasMessageStartingWith("plan.yaml");
  }

  @Test
  void saysWhenThereIsNoFile(@TempDir Path folder) {
    assertThatThrownBy(() -> PlanYaml.read(folder.resolve("none.yaml")))
        .isInstanceOf(NotFoundException.class)
        .hasMessageContaining("none.yaml");
  }

  @Test
  void writesAFile(@TempDir Path folder) {
    PlanYaml.write(folder.resolve("plan.yaml"), unusual());

    assertThat(PlanYaml.read(folder.resolve("plan.yaml"))).isEqualTo(unusual());
  }
}
