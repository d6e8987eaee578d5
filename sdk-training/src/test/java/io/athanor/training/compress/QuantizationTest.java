package io.athanor.training.compress;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.data.Offset.offset;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.common.DType;
import io.athanor.api.common.Tensor;
import io.athanor.api.data.Row;
import io.athanor.api.error.UnsupportedException;
import io.athanor.api.error.ValidationException;
import io.athanor.api.graph.GraphJson;
import io.athanor.api.graph.Parameter;
import io.athanor.api.graph.QuantizedOp;
import io.athanor.api.graph.Weights;
import io.athanor.api.model.ArtifactFolder;
import io.athanor.api.model.ModelArtifact;
import io.athanor.api.model.Prediction;
import io.athanor.api.model.Predictor;
import io.athanor.tck.reference.ReferenceBackendProvider;
import io.athanor.training.Training;
import io.athanor.training.fixture.TinyData;
import io.athanor.training.fixture.TinyModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class QuantizationTest {
  private final Backend backend = new ReferenceBackendProvider().open(BackendOptions.defaults());
  private final TinyData data = TinyData.circle(40, 10, 5);

  private ModelArtifact model(int hidden) {
    return Training.of(new TinyModel(hidden, 0), data)
        .backend(backend)
        .batchSize(40)
        .epochs(1)
        .learningRate(0.01)
        .seed(7)
        .run()
        .model();
  }

  @Test
  void everyRowIsRoundedInStepsOfItsOwn() {
    ModelArtifact model = model(2048);

    ModelArtifact small = Quantization.int8().of(model);

    assertThat(small.graph().nodes())
        .filteredOn(node -> node.op() instanceof QuantizedOp)
        .extracting(node -> node.name())
        .containsExactly("hidden", "head");
    int checked = 0;
    for (String name : new String[] {"hidden.weight", "head.weight"}) {
      Tensor whole = model.weights().tensor(name);
      Tensor steps = small.weights().tensor(name);
      float[] scales = small.weights().tensor(name + "_scale").floats();
      assertThat(steps.dtype()).isEqualTo(DType.I8);
      int width = (int) whole.size(1);
      for (int i = 0; i < whole.elements(); i++) {
        float step = scales[i / width];
        double value = step * steps.bytes().get(i);
        assertThat(value).isCloseTo(whole.floats()[i], offset(step * 0.5001));
        checked++;
        if (checked % 97 != 0) {
          i += 13;
        }
      }
    }
    assertThat(checked).isGreaterThan(500);
    assertThat(small.metrics()).isEmpty();
    assertThat(small.provenance().base()).contains(model.weightsDigest());
    assertThat(small.config()).containsKey("compression");
  }

  @Test
  void predictsAsBeforeButForTheRounding() {
    ModelArtifact model = model(2048);
    ModelArtifact small = Quantization.int8().of(model);

    try (Predictor before = Predictor.of(model, backend);
        Predictor after = Predictor.of(small, backend)) {
      for (double x : new double[] {-1.5, 0, 0.4}) {
        Row row = Row.of(Map.of("x", x, "y", 0.3));
        Prediction.Label was = (Prediction.Label) before.predict(row);
        Prediction.Label is = (Prediction.Label) after.predict(row);
        assertThat(is.label()).isEqualTo(was.label());
        assertThat(is.confidence()).isCloseTo(was.confidence(), offset(0.02));
      }
    }
  }

  @Test
  void foldersAreSmallerAndComeBackAsTheyWere(@TempDir Path folder) throws IOException {
    ModelArtifact model = model(16384);
    ModelArtifact small = Quantization.int8().of(model);
    ArtifactFolder.write(model, folder.resolve("whole"));
    ArtifactFolder.write(small, folder.resolve("small"));

    ModelArtifact read = ArtifactFolder.read(folder.resolve("small"));

    assertThat(read.graph()).isEqualTo(small.graph());
    assertThat(read.weights()).isEqualTo(small.weights());
    assertThat(GraphJson.write(small.graph()).toString()).contains("\"type\":\"i8\"");
    long whole = Files.size(folder.resolve("whole/model.safetensors"));
    long rounded = Files.size(folder.resolve("small/model.safetensors"));
    // Rows of two numbers only: a scale and a bias for each weigh as much as the rest.
    assertThat(rounded).isLessThan(whole * 7 / 10);
  }

  @Test
  void layersToKeepStayAsTheyAre() {
    ModelArtifact model = model(2048);

    ModelArtifact small = Quantization.int8().keep("head").of(model);

    assertThat(small.weights().tensor("head.weight"))
        .isEqualTo(model.weights().tensor("head.weight"));
    assertThat(small.graph().parameters())
        .filteredOn(parameter -> parameter.type() == DType.I8)
        .extracting(Parameter::name)
        .containsExactly("hidden.weight");
  }

  @Test
  void whatCannotBeRoundedIsRefused() {
    ModelArtifact model = model(2048);
    assertThatThrownBy(() -> Quantization.int8().of(model(8)))
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("nothing to round")
        .hasMessageContaining("4096");
    assertThatThrownBy(() -> Quantization.int8().keep("tail").of(model))
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("'tail'")
        .hasMessageContaining("hidden, head");
    assertThatThrownBy(() -> Quantization.int8().of(Quantization.int8().of(model)))
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("8 bits already");
    float[] broken = model.weights().tensor("head.weight").floats();
    broken[7] = Float.NaN;
    Tensor nan = Tensor.ofFloats(broken, 2, 2048);
    ModelArtifact sick = with(model, Map.of("head.weight", nan));
    assertThatThrownBy(() -> Quantization.int8().of(sick))
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("head.weight")
        .hasMessageContaining("NaN");
  }

  private static ModelArtifact with(ModelArtifact model, Map<String, Tensor> tensors) {
    return new ModelArtifact(
        model.architecture(),
        model.config(),
        model.graph(),
        model.weights().with(Weights.of(tensors)),
        model.encoding(),
        model.metrics(),
        model.provenance());
  }

  @Test
  void roundedModelsAreNotTrained() {
    ModelArtifact small = Quantization.int8().of(model(2048));

    assertThatThrownBy(() -> Training.of(small, data).backend(backend).start())
        .isInstanceOf(UnsupportedException.class)
        .hasMessageContaining("'hidden'")
        .hasMessageContaining("Train the model as it was before");
  }
}
