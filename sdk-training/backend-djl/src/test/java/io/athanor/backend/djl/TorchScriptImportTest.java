package io.athanor.backend.djl;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.backend.CompiledModel;
import io.athanor.api.backend.MicroBatch;
import io.athanor.api.backend.Optimizer;
import io.athanor.api.backend.Precision;
import io.athanor.api.backend.StepSettings;
import io.athanor.api.backend.Support;
import io.athanor.api.backend.TrainableModel;
import io.athanor.api.backend.TrainingMode;
import io.athanor.api.common.Tensor;
import io.athanor.api.data.FeatureEncoding;
import io.athanor.api.data.Row;
import io.athanor.api.error.BackendException;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.NotFoundException;
import io.athanor.api.error.UnsupportedException;
import io.athanor.api.graph.Parameter;
import io.athanor.api.graph.Weights;
import io.athanor.api.model.ArtifactFolder;
import io.athanor.api.model.ModelArtifact;
import io.athanor.api.model.Prediction;
import io.athanor.api.model.Predictor;
import io.athanor.api.model.SafeTensors;
import io.athanor.tck.fixture.TinyArtifacts;
import io.athanor.tck.reference.ReferenceBackendProvider;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** Files and numbers come from PyTorch; the script that made them lies beside them. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class TorchScriptImportTest {
  private static final FeatureEncoding SIZES = TinyArtifacts.sizes().featureEncoding();
  private static final FeatureEncoding SPAM = TinyArtifacts.spam().featureEncoding();

  private final Backend backend =
      new DjlBackend(
          LibTorch.start(), BackendOptions.defaults().withThreads(1), new LeakReporter());
  private final Weights expected =
      Weights.of(SafeTensors.read(file("expected.safetensors")).tensors());

  @AfterAll
  void close() {
    backend.close();
  }

  private static Path file(String name) {
    try {
      return Path.of(
          Objects.requireNonNull(TorchScriptImportTest.class.getResource("/torchscript/" + name))
              .toURI());
    } catch (URISyntaxException e) {
      throw new AssertionError(e);
    }
  }

  private Tensor predict(ModelArtifact model, Map<String, Tensor> inputs) {
    try (CompiledModel compiled = backend.compile(model.graph(), model.weights(), Precision.F32)) {
      return Weights.of(compiled.predict(inputs)).tensor("output");
    }
  }

  private static void assertClose(Tensor actual, Tensor wanted) {
    assertThat(actual.shape()).isEqualTo(wanted.shape());
    assertThat(actual.floats()).hasSameSizeAs(wanted.floats());
    for (int i = 0; i < wanted.elements(); i++) {
      assertThat(actual.floats()[i]).isCloseTo(wanted.floats()[i], within(1e-5f));
    }
  }

  private Map<String, Tensor> vectors() {
    return Map.of(FeatureEncoding.VECTOR, expected.tensor("x"));
  }

  @Test
  void scriptedModulesPredictAsInPyTorch() {
    assertClose(
        predict(TorchScript.read(file("scripted.pt"), SIZES), vectors()), expected.tensor("sizes"));
  }

  @Test
  void tracedModulesPredictAsInPyTorch() {
    ModelArtifact model = TorchScript.read(file("traced.pt"), SPAM);
    Map<String, Tensor> inputs =
        Map.of("body", expected.tensor("ids"), "body.mask", expected.tensor("mask"));

    assertClose(predict(model, inputs), expected.tensor("spam"));
  }

  @Test
  void frozenModulesPredictButHaveNothingToTrain() {
    ModelArtifact model = TorchScript.read(file("frozen.pt"), SIZES);

    assertThat(model.graph().parameters()).isEmpty();
    assertClose(predict(model, vectors()), expected.tensor("sizes"));
    assertThat(backend.check(model.graph(), mode()))
        .isInstanceOfSatisfying(
            Support.Unsupported.class,
            no -> assertThat(no.reason()).contains("has no trained parameter"));
  }

  @Test
  void tensorsBecomeWeightsOfTheSameNames() {
    ModelArtifact model = TorchScript.read(file("scripted.pt"), SIZES);

    assertThat(model.weights().tensors().keySet())
        .containsExactlyInAnyOrder(
            "body.0.weight",
            "body.0.bias",
            "body.1.weight",
            "body.1.bias",
            "body.1.running_mean",
            "body.1.running_var",
            "first.weight",
            "head.weight",
            "head.bias");
    assertThat(model.graph().parameters().stream().filter(p -> !p.trained()).map(Parameter::name))
        .containsExactlyInAnyOrder("body.1.running_mean", "body.1.running_var", "head.bias");
  }

  private static TrainingMode mode() {
    return new TrainingMode(Optimizer.adam(), Precision.F32, 1);
  }

  @Test
  void trainingTakesTheStepsOfPyTorch() {
    ModelArtifact model = TorchScript.read(file("scripted.pt"), SIZES);
    MicroBatch batch =
        new MicroBatch(
            Map.of(
                FeatureEncoding.VECTOR, expected.tensor("x"), "target", expected.tensor("target")),
            5);
    try (TrainableModel training = backend.compile(model.graph(), model.weights(), mode())) {
      for (int step = 0; step < 3; step++) {
        double wanted = expected.tensor("loss." + step).floats()[0];
        assertThat(training.loss(batch)).isCloseTo(wanted, within(1e-5));
        assertThat(training.step(List.of(batch), new StepSettings(0.01, 0)).loss())
            .isCloseTo(wanted, within(1e-5));
      }
      assertClose(
          Weights.of(training.predict(vectors())).tensor("output"), expected.tensor("trained"));
      assertThat(training.weights().tensor("head.bias"))
          .isEqualTo(model.weights().tensor("head.bias"));
    }
  }

  @Test
  void aModelIsWrittenReadAndPredictsRowsLikeAnyOther(@TempDir Path folder) {
    ModelArtifact model = TorchScript.read(file("scripted.pt"), SIZES);

    ArtifactFolder.write(model, folder.resolve("model"));
    ModelArtifact read = ArtifactFolder.read(folder.resolve("model"));

    assertThat(read.graph()).isEqualTo(model.graph());
    assertThat(predict(read, vectors())).isEqualTo(predict(model, vectors()));
    assertThat(read.provenance().environment()).containsKeys("file", "sha256");
    try (Predictor predictor = Predictor.of(read, backend)) {
      Prediction prediction = predictor.predict(Row.of(Map.of("size", 12.0, "colour", "red")));
      assertThat(prediction).isInstanceOf(Prediction.Label.class);
    }
  }

  @Test
  void whatThisLibraryWroteCanComeBack(@TempDir Path folder) {
    ModelArtifact spam = TinyArtifacts.spam();
    TorchScript.write(folder.resolve("spam.pt"), spam);

    ModelArtifact read = TorchScript.read(folder.resolve("spam.pt"), SPAM);

    Map<String, Tensor> inputs =
        Map.of("body", expected.tensor("ids"), "body.mask", expected.tensor("mask"));
    assertThat(read.weights()).isEqualTo(spam.weights());
    assertThat(predict(read, inputs)).isEqualTo(predict(spam, inputs));
    assertThat(read.graph().trainedParameterCount())
        .isEqualTo(spam.graph().trainedParameterCount());
  }

  @Test
  void othersRefuseTheProgram(@TempDir Path folder) {
    ModelArtifact model = TorchScript.read(file("traced.pt"), SPAM);
    try (Backend reference = new ReferenceBackendProvider().open(BackendOptions.defaults())) {
      assertRefused(reference.check(model.graph(), Precision.F32));
      assertRefused(reference.check(model.graph(), mode()));
    }
    assertRefused(backend.checkDecoder(model.graph(), Precision.F32));
    assertThatThrownBy(() -> TorchScript.write(folder.resolve("again.pt"), model))
        .isInstanceOf(UnsupportedException.class)
        .hasMessageContaining("is a program in the form torchscript");
    assertThat(folder).isEmptyDirectory();
  }

  private static void assertRefused(Support support) {
    assertThat(support)
        .isEqualTo(
            new Support.Unsupported(
                "the layer 'program' is a program in the form torchscript",
                "Use the backend of its engine: djl for torchscript"));
  }

  @Test
  void programsThatTakeOtherInputsFailWithWhatLibtorchSays() {
    ModelArtifact model = TorchScript.read(file("traced.pt"), SIZES);

    assertThatThrownBy(() -> predict(model, vectors()))
        .isInstanceOf(BackendException.class)
        .hasMessageContaining("Argument mask not provided");
  }

  @Test
  void modulesInTrainingModeAreRefused() {
    assertThatThrownBy(() -> TorchScript.read(file("training_mode.pt"), SIZES))
        .isInstanceOf(UnsupportedException.class)
        .hasMessageContaining("is in training mode")
        .hasMessageContaining("Call eval() on the module before it is saved");
  }

  @Test
  void filesThatAreNoneOrDamagedAreRefused(@TempDir Path folder) throws Exception {
    byte[] whole = Files.readAllBytes(file("scripted.pt"));
    for (int length : new int[] {0, 1, 100, whole.length / 2, whole.length - 1}) {
      Path cut = Files.write(folder.resolve(length + ".pt"), Arrays.copyOf(whole, length));
      assertThatThrownBy(() -> TorchScript.read(cut, SIZES)).isInstanceOf(FormatException.class);
    }
    assertThatThrownBy(() -> TorchScript.read(folder.resolve("none.pt"), SIZES))
        .isInstanceOf(NotFoundException.class);
  }

  @Test
  void picklesThatAskForCallsGetNone(@TempDir Path folder) throws Exception {
    Path witness = folder.resolve("witness");
    String call = "cos\nsystem\n(X";
    String command = "touch " + witness;
    String pickle = call + (char) command.length() + "\0\0\0" + command + "tR.";

    Path file = archive(folder, Map.of("data.pkl", pickle));

    assertThatThrownBy(() -> TorchScript.read(file, SIZES))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("expected a module");
    assertThat(witness).doesNotExist();
  }

  @Test
  void picklesThatLieAboutTheirContentAreRefused(@TempDir Path folder) throws Exception {
    String module = "c__torch__\nM\n)\u0081}";
    Map<String, String> wrong =
        Map.of(
            "X\u00ff\u00ff\u00ff\u007f",
            "cut off",
            "(((tttttt.",
            "without",
            "h\u0007.",
            "a reference to nothing",
            "}u.",
            "without",
            "cos\nsystem\n)\u0081.",
            "expected a class of TorchScript",
            "c__torch__\nM(Module):\\n  x\n)\u0081.",
            "expected a class of TorchScript",
            module + "X\u0001\0\0\0ah\0sb.",
            "a reference to nothing",
            "i",
            "the operation 105");
    for (Map.Entry<String, String> each : wrong.entrySet()) {
      Path file = archive(folder, Map.of("data.pkl", each.getKey()));
      assertThatThrownBy(() -> TorchScript.read(file, SIZES))
          .as(each.getKey())
          .isInstanceOf(FormatException.class)
          .hasMessageContaining(each.getValue());
    }
  }

  @Test
  void modulesThatHoldThemselvesAreRefused(@TempDir Path folder) throws Exception {
    String module = "c__torch__\nM\n)\u0081q\0}(X\u0001\0\0\0ah\0ub.";
    Path file = archive(folder, Map.of("data.pkl", module));

    assertThatThrownBy(() -> TorchScript.read(file, SIZES))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("at most 64 deep");
  }

  @Test
  void tensorsLargerThanTheFileAreRefused(@TempDir Path folder) throws Exception {
    Pickle pickle = new Pickle().begin("M").text("w");
    pickle.tensor(Tensor.ofFloats(new float[1000], 1000), true).end();
    String object = new String(pickle.finish(), StandardCharsets.ISO_8859_1);
    Path file = archive(folder, Map.of("data.pkl", object, "data/0", "four"));

    assertThatThrownBy(() -> TorchScript.read(file, SIZES))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("expected 4000 bytes, not compressed, for 'w'");
  }

  @Test
  void archivesThatUnpackToMoreThanTheLimitAreRefused(@TempDir Path folder) throws Exception {
    String object = "c__torch__\nM\n)\u0081}b.";
    String code = " ".repeat(ForeignScript.LARGEST);
    Path file = archive(folder, Map.of("data.pkl", object, "code/__torch__.py", code));

    assertThat(Files.size(file)).isLessThan(100_000);
    assertThatThrownBy(() -> TorchScript.read(file, SIZES))
        .isInstanceOf(UnsupportedException.class)
        .hasMessageContaining("more than 8388608 bytes of code");
  }

  private static Path archive(Path folder, Map<String, String> entries) throws IOException {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ZipOutputStream zip = new ZipOutputStream(bytes)) {
      for (Map.Entry<String, String> entry : entries.entrySet()) {
        zip.putNextEntry(new ZipEntry("any/" + entry.getKey()));
        zip.write(entry.getValue().getBytes(StandardCharsets.ISO_8859_1));
        zip.closeEntry();
      }
    }
    return Files.write(folder.resolve("made.pt"), bytes.toByteArray());
  }
}
