package io.athanor.training;

import static io.athanor.api.training.Patience.patience;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.backend.CompiledModel;
import io.athanor.api.backend.Precision;
import io.athanor.api.common.Tensor;
import io.athanor.api.data.BatchOrder;
import io.athanor.api.data.Batches;
import io.athanor.api.data.DataProvenance;
import io.athanor.api.data.Encoding;
import io.athanor.api.data.LanguageEncoding;
import io.athanor.api.data.Signature;
import io.athanor.api.data.Task;
import io.athanor.api.data.Tokenizer;
import io.athanor.api.data.TrainingData;
import io.athanor.api.data.WordTokenizer;
import io.athanor.api.error.TrainingException;
import io.athanor.api.error.UnsupportedException;
import io.athanor.api.error.ValidationException;
import io.athanor.api.event.TrainingEvent;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.Weights;
import io.athanor.api.model.Architecture;
import io.athanor.api.model.ModelArtifact;
import io.athanor.api.model.SafeTensors;
import io.athanor.api.training.Lora;
import io.athanor.api.training.TrainingResult;
import io.athanor.tck.fixture.TinyGraphs;
import io.athanor.tck.reference.ReferenceBackendProvider;
import io.athanor.training.fixture.TinyLanguageModel;
import io.athanor.training.fixture.TinyText;
import io.athanor.training.tuning.PackedGraph;
import io.athanor.training.tuning.References;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class LanguageTrainingTest {
  private final Backend backend = new ReferenceBackendProvider().open(BackendOptions.defaults());
  private final TinyText text = TinyText.counting(24, 1, 3);

  private Training training(TrainingData data) {
    return Training.of(new TinyLanguageModel(true), data)
        .backend(backend)
        .batchSize(8)
        .epochs(4)
        .learningRate(0.02)
        .seed(5);
  }

  @Test
  void perplexityIsTheExponentialOfTheLossOfAToken() {
    TrainingResult result =
        training(text).stopEarly("validation.perplexity", patience(3)).recompute().run();

    Map<String, Double> metrics = result.model().metrics();
    assertThat(metrics.get("validation.perplexity"))
        .isCloseTo(Math.exp(metrics.get("validation.loss")), within(1e-9))
        .isLessThan(text.tokenizer().vocabularySize() - 2.0);
    assertThat(metrics).doesNotContainKey("validation.accuracy");
    assertThat(result.model().provenance().plan()).contains("\"recompute\":true");
  }

  @Test
  void saysWhatATaskDoesNotMeasure() {
    assertThatThrownBy(() -> training(text).monitor("validation.accuracy").start())
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining(
            "'validation.accuracy' is monitored and the task is generation, which has none");
  }

  /** Every row of a pack is scored as if it stood alone. */
  @Test
  void packingChangesTheRowsAndNotTheMeaning() {
    double alone =
        training(text).epochs(1).learningRate(1e-12).run().model().metrics().get("validation.loss");
    TrainingResult packed = training(text.withPacking()).epochs(1).learningRate(1e-12).run();

    assertThat(packed.model().metrics().get("validation.loss")).isCloseTo(alone, within(1e-6));
    assertThat(packed.model().graph().inputs()).hasSize(2);
    assertThat(training(text.withPacking()).run().model().metrics().get("validation.loss"))
        .isLessThan(alone - 0.1);
  }

  @Test
  void whatCannotBePackedIsSaid() {
    assertThatThrownBy(() -> PackedGraph.of(TinyGraphs.textEncoder(0)))
        .isInstanceOf(UnsupportedException.class)
        .hasMessageContaining("has no input 'tokens' to pack");
    Graph learned = new TinyLanguageModel(false).graph(text.encoding().signature());
    assertThat(PackedGraph.of(learned).inputs().stream().map(i -> i.name()))
        .containsExactly("tokens", "target", "tokens.positions", "tokens.segments");
  }

  /** One text to learn and another to measure by. */
  private record Measured(TinyText text, TinyText other) implements TrainingData {
    @Override
    public Encoding encoding() {
      return text.encoding();
    }

    @Override
    public Batches train() {
      return text.train();
    }

    @Override
    public Optional<Batches> validation() {
      return Optional.of(other.train());
    }

    @Override
    public DataProvenance provenance() {
      return text.provenance();
    }
  }

  @Test
  void refusesTextOfWhichNoTokenIsScored() {
    TinyText letters = TinyText.ofSingleLetters(24);

    assertThatThrownBy(training(new Measured(letters, text))::run)
        .isInstanceOf(TrainingException.class)
        .hasMessage(
            "Step 1: none of the 8 rows of this batch has a target that counts in the loss, so"
                + " there is nothing to learn from. Check the target column and how targets are"
                + " masked");
    assertThatThrownBy(training(new Measured(text, letters))::run)
        .isInstanceOf(TrainingException.class)
        .hasMessage(
            "Step 3: none of the 24 validation rows has a target that counts in the loss, so"
                + " nothing can be measured. Check the target column and how targets are masked");
  }

  /** The model reads with the tokenizer its weights were trained with. */
  private record Pretrained(Architecture made, Tokenizer own) implements Architecture {
    @Override
    public String name() {
      return made.name();
    }

    @Override
    public Map<String, Object> config() {
      return made.config();
    }

    @Override
    public Graph graph(Signature signature) {
      return made.graph(signature);
    }

    @Override
    public Optional<LanguageEncoding> reading() {
      return Optional.of(
          new LanguageEncoding(
              new Task.Generation("text"), own, 100, List.of(), Optional.empty(), Map.of()));
    }
  }

  @Test
  void dataAreReadByTheTokenizerOfTheWeights() {
    Tokenizer own = WordTokenizer.fit(List.of("l k j i h g f e d c b a"), 30, 1);
    Pretrained pretrained = new Pretrained(new TinyLanguageModel(true), own);

    ModelArtifact model = Training.of(pretrained, text).backend(backend).epochs(1).run().model();

    assertThat(model.encoding().tokenizer()).contains(own);
    Graph graph = pretrained.graph(model.encoding().signature());
    assertThat(model.provenance().base()).contains(pretrained.weights(graph, 0).digest());
    assertThat(training(text).run().model().provenance().base()).isEmpty();
  }

  @Test
  void checkpointsHoldOnlyWhatIsLearnedAndGoOnBitByBit(@TempDir Path folder) {
    ModelArtifact base = training(text).run().model();
    Lora lora = Lora.rank(2).targets("q_proj").dropout(0.1);
    TinyText other = TinyText.counting(24, 2, 9);
    TrainingResult whole = further(base, other).tuning(lora).run();

    AtomicReference<TrainingRun> run = new AtomicReference<>();
    run.set(
        further(base, other)
            .tuning(lora)
            .checkpoints(folder)
            .checkpointEvery(1)
            .listener(
                event -> {
                  if (event.kind() == TrainingEvent.Kind.STEP_COMPLETED && event.step() == 5) {
                    while (run.get() == null) {
                      Thread.onSpinWait();
                    }
                    run.get().cancel();
                  }
                })
            .start());
    run.get().await();
    Path state = folder.resolve("step-000000000005").resolve("state.safetensors");
    assertThat(SafeTensors.read(state).tensors().keySet())
        .hasSize(4 * (1 + 1 + 2))
        .allMatch(name -> name.contains(".q_proj.lora_"));
    TrainingResult resumed =
        further(base, other).tuning(lora).checkpoints(folder).checkpointEvery(1).run();

    assertThat(resumed.model().weightsDigest()).isEqualTo(whole.model().weightsDigest());
    assertThat(resumed.history()).isEqualTo(whole.history());
    ModelArtifact otherBase = training(text).seed(6).run().model();
    assertThatThrownBy(() -> further(otherBase, other).tuning(lora).checkpoints(folder).start())
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("model.first-weights was sha256:");
  }

  private Training further(ModelArtifact base, TinyText data) {
    return Training.of(base, data)
        .backend(backend)
        .batchSize(8)
        .epochs(3)
        .evaluateEvery(2)
        .learningRate(0.02)
        .seed(5);
  }

  @Test
  void preferencesAreLearnedAgainstTheModelBefore() {
    TinyText pairs = text.task(new Task.PreferenceRanking("chosen", 0.5));
    Graph graph = new TinyLanguageModel(true).graph(pairs.encoding().signature());
    Weights first = new TinyLanguageModel(true).weights(graph, 5);

    TrainingResult result = training(pairs).tuning(Lora.rank(4)).epochs(8).evaluateEvery(1).run();

    List<Double> losses =
        result.history().evaluations().stream()
            .map(evaluation -> evaluation.metrics().get("train.loss"))
            .toList();
    assertThat(losses.get(0)).isCloseTo(Math.log(2), within(1e-6));
    assertThat(result.model().metrics().get("validation.loss")).isLessThan(0.5);
    assertThat(result.model().graph().hasInput("reference")).isTrue();

    References references = References.of(graph, first, backend, pairs.train(), 4);
    Graph alone = new TinyLanguageModel(true).graph(text.encoding().signature());
    try (Batches.Stream stream =
            references.attachedTo(pairs.train()).open(BatchOrder.shuffled(8, 1, 2));
        CompiledModel model = backend.compile(alone.forPrediction(), first, Precision.F32)) {
      Map<String, Tensor> batch = stream.next().tensors();
      float[] attached = Weights.of(batch).tensor("reference").floats();
      float[] expected =
          likelihoods(
              Weights.of(model.predict(batch)).tensor("output"),
              Weights.of(batch).tensor("target").longs());
      assertThat(attached).hasSize(8);
      for (int row = 0; row < 8; row++) {
        assertThat(attached[row]).isCloseTo(expected[row], within(1e-4f));
      }
    }
  }

  /** Sums of the logarithms of softmax at the targets. */
  private static float[] likelihoods(Tensor logits, long[] targets) {
    int vocabulary = (int) logits.size(2);
    int width = (int) logits.size(1);
    float[] values = logits.floats();
    float[] sums = new float[(int) logits.size(0)];
    for (int at = 0; at < targets.length; at++) {
      if (targets[at] == -100) {
        continue;
      }
      double all = 0;
      for (int i = 0; i < vocabulary; i++) {
        all += Math.exp(values[at * vocabulary + i]);
      }
      sums[at / width] += values[at * vocabulary + (int) targets[at]] - Math.log(all);
    }
    return sums;
  }
}
