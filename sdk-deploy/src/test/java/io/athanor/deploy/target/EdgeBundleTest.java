package io.athanor.deploy.target;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.common.Digest;
import io.athanor.api.common.JsonFields;
import io.athanor.api.data.Pixels;
import io.athanor.api.data.Row;
import io.athanor.api.deploy.Deployment;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.ValidationException;
import io.athanor.api.model.Export;
import io.athanor.api.model.ModelArtifact;
import io.athanor.deploy.serve.InProcess;
import io.athanor.model.format.onnx.OnnxPrecision;
import io.athanor.tck.fixture.TinyArtifacts;
import io.athanor.tck.reference.ReferenceBackendProvider;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Read and run by a device that has ONNX Runtime and the files. */
@Timeout(60)
class EdgeBundleTest {
  private static final List<Row> MAILS =
      List.of(Row.of("body", "you won a prize"), Row.of("body", "see you at noon"));

  @TempDir Path home;

  private static GoldenTranscript<Deployment> golden(ModelArtifact model, List<Row> rows) {
    try (Backend backend = new ReferenceBackendProvider().open(BackendOptions.defaults());
        Deployment here = new InProcess().backend(backend).deploy("model", model)) {
      return GoldenTranscript.ofRows(here, rows);
    }
  }

  @Test
  void aDeviceSaysWhatTheModelSaysHereInEightBits() {
    Path folder = home.resolve("spam");
    EdgeBundle bundle =
        EdgeBundle.folder()
            .checkedBy(
                golden(TinyArtifacts.spam(), MAILS).tolerance(0.02).readBy(OnnxDeployment::new));

    Export.of(TinyArtifacts.spam()).to(folder, bundle.format()).write();

    JsonFields manifest = EdgeBundle.verify(folder);
    assertThat(manifest.text("precision")).isEqualTo("int8");
    assertThat(manifest.texts("labels", 9)).containsExactly("ham", "spam");
    assertThat(manifest.node("inputs").toString())
        .isEqualTo(
            "[{\"name\":\"body\",\"type\":\"i64\",\"shape\":[\"batch\",\"sequence\"]},"
                + "{\"name\":\"body.mask\",\"type\":\"f32\",\"shape\":[\"batch\",\"sequence\"]}]");
    assertThat(manifest.node("outputs").toString())
        .isEqualTo("[{\"name\":\"output\",\"type\":\"f32\",\"shape\":[\"batch\",2]}]");
    assertThat(manifest.object("memory").integer("tokens")).isEqualTo(64);
    assertThat(manifest.object("memory").integer("activationBytes")).isPositive();
    assertThat(folder)
        .isDirectoryContaining("glob:**/tokenizer.json")
        .isDirectoryContaining("glob:**/labels.txt");
  }

  @Test
  void numbersAndPicturesInSinglePrecision() {
    Row size = Row.of(Map.of("size", 12, "colour", "red"));
    Row scan = Row.of("scan", Pixels.of(2, 2, 1, new byte[] {0, 1, (byte) 200, (byte) 255}));
    Map<ModelArtifact, Row> cases =
        Map.of(
            TinyArtifacts.sizes(), size,
            TinyArtifacts.scans(), scan,
            TinyArtifacts.prices(), Row.of("area", 70));
    cases.forEach(
        (model, row) -> {
          Path folder = home.resolve(model.architecture() + model.task().target());
          EdgeBundle exact = EdgeBundle.folder().precision(OnnxPrecision.F32).rows(4);
          Export.of(model).to(folder, exact.format()).write();
          golden(model, List.of(row)).readBy(OnnxDeployment::new).accept(folder);
        });
  }

  @Test
  void whatDoesNotSayTheSameIsNotWritten() {
    Path folder = home.resolve("spam");
    EdgeBundle strict =
        EdgeBundle.folder()
            .checkedBy(
                golden(TinyArtifacts.prices(), List.of(Row.of("area", 70)))
                    .readBy(OnnxDeployment::new));

    assertThatThrownBy(() -> Export.of(TinyArtifacts.spam()).to(folder, strict.format()).write())
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining(
            "question 1 of 1, {area=70.0}: expected Quantity[value=310.0], got Label[label=ham");
    assertThat(home).isEmptyDirectory();
  }

  @Test
  void theZipHasTheSameFilesAndTheSameBytesEachTime() throws IOException {
    Path first = home.resolve("first.zip");
    Path second = home.resolve("second.zip");
    Export.of(TinyArtifacts.spam())
        .to(first, EdgeBundle.zip().format())
        .to(second, EdgeBundle.zip().format())
        .write();

    assertThat(Digest.ofFile(second)).isEqualTo(Digest.ofFile(first));
    Path folder = Files.createDirectory(home.resolve("unpacked"));
    try (InputStream in = Files.newInputStream(first);
        ZipInputStream zip = new ZipInputStream(in)) {
      for (ZipEntry entry = zip.getNextEntry(); entry != null; entry = zip.getNextEntry()) {
        Files.copy(zip, folder.resolve(entry.getName()));
      }
    }
    golden(TinyArtifacts.spam(), MAILS).tolerance(0.02).readBy(OnnxDeployment::new).accept(folder);
  }

  @Test
  void damageIsNoticed() throws IOException {
    Path folder = home.resolve("spam");
    Export.of(TinyArtifacts.spam()).to(folder, EdgeBundle.folder().format()).write();
    Path extra = Files.writeString(folder.resolve("extra.txt"), "x");
    assertThatThrownBy(() -> EdgeBundle.verify(folder))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("'extra.txt' should not be there");
    Files.delete(extra);
    byte[] model = Files.readAllBytes(folder.resolve("model.onnx"));
    model[model.length / 2] ^= 1;
    Files.write(folder.resolve("model.onnx"), model);
    assertThatThrownBy(() -> EdgeBundle.verify(folder))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("'model.onnx' is not what was written; copy the bundle again");
    Files.delete(folder.resolve("model.onnx"));
    assertThatThrownBy(() -> EdgeBundle.verify(folder))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("missing are [model.onnx]");
    assertThatThrownBy(() -> EdgeBundle.verify(home))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("expected a bundle with a manifest.json");
  }
}
