package io.athanor.model.format.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.NotFoundException;
import io.athanor.api.error.UnsupportedException;
import io.athanor.api.model.SafeTensors;
import io.athanor.model.format.PretrainedModel;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OnnxModelTest {
  @TempDir Path folder;

  static Path fixture(String name) {
    try {
      return Path.of(OnnxModelTest.class.getResource("/onnx/" + name).toURI());
    } catch (URISyntaxException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void weightsAreThoseOfTransformers() {
    PretrainedModel model = OnnxModel.read(fixture("bert.onnx"));

    assertThat(model.tensors()).hasSize(39);
    assertThat(model.tensors()).isEqualTo(SafeTensors.read(fixture("bert.safetensors")).tensors());
    assertThat(model.tokenizer()).isEmpty();
  }

  @Test
  void theConfigurationIsThatOfTransformers() throws IOException {
    JsonNode expected = new ObjectMapper().readTree(Files.readString(fixture("bert.json")));

    JsonNode config = new ObjectMapper().valueToTree(OnnxModel.read(fixture("bert.onnx")).config());

    assertThat(config.size()).isGreaterThan(10);
    for (var entry : config.properties()) {
      if (!entry.getKey().equals("architectures")) {
        assertThat(entry.getValue()).as(entry.getKey()).isEqualTo(expected.get(entry.getKey()));
      }
    }
  }

  @Test
  void aTokenizerBesideItBringsTheSpecialTokens() throws IOException {
    Path tokenizer =
        Files.writeString(
            folder.resolve("tokenizer.json"),
            "{\"added_tokens\":[{\"content\":\"[CLS]\"},{\"content\":\"[PAD]\"}]}");

    PretrainedModel model = OnnxModel.read(fixture("bert.onnx"), tokenizer);

    assertThat(model.tokenizer()).contains(Files.readString(tokenizer));
    assertThat(model.specialTokens())
        .containsOnlyKeys("cls_token", "pad_token")
        .containsEntry("cls_token", "[CLS]");
  }

  @Test
  void whatIsNoOnnxModelIsRefused() throws IOException {
    Path file = folder.resolve("m.onnx");
    assertThatThrownBy(() -> OnnxModel.read(file))
        .isInstanceOf(NotFoundException.class)
        .hasMessageContaining("m.onnx");
    Files.write(file, new byte[0]);
    assertThatThrownBy(() -> OnnxModel.read(file))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("no graph");
    byte[] whole = Files.readAllBytes(fixture("bert.onnx"));
    Files.write(file, Arrays.copyOf(whole, whole.length / 2));
    assertThatThrownBy(() -> OnnxModel.read(file))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("cut off");
  }

  @Test
  void externalAndQuantisedWeightsAreRefusedWithARemedy() throws IOException {
    Path file = folder.resolve("m.onnx");
    byte[] external = message(7, message(5, message(8, utf("w")), varint(2, 1), varint(14, 1)));
    Files.write(file, external);
    assertThatThrownBy(() -> OnnxModel.read(file))
        .isInstanceOf(UnsupportedException.class)
        .hasMessageContaining("'w' has its numbers in another file")
        .hasMessageContaining("one file");
    Files.write(file, message(7, message(5, message(8, utf("w")), varint(2, 3))));
    assertThatThrownBy(() -> OnnxModel.read(file))
        .isInstanceOf(UnsupportedException.class)
        .hasMessageContaining("the ONNX element type 3");
  }

  @Test
  void numbersInListsAreRead() throws IOException {
    byte[] floats = {0, 0, (byte) 0x80, 0x3f, 0, 0, 0, 0x40};
    byte[] integers = {3, (byte) 0xac, 2};
    Path file = folder.resolve("m.onnx");
    Files.write(
        file,
        message(
            7,
            message(5, varint(1, 2), varint(2, 1), message(4, floats), message(8, utf("f"))),
            message(5, varint(1, 2), varint(2, 7), message(7, integers), message(8, utf("i")))));

    OnnxGraph graph = OnnxGraph.read(file);

    assertThat(graph.initializers().get("f").floats()).containsExactly(1, 2);
    assertThat(graph.initializers().get("i").longs()).containsExactly(3, 300);
  }

  private static byte[] utf(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  private static byte[] varint(int field, int value) {
    return new byte[] {(byte) (field << 3), (byte) value};
  }

  private static byte[] message(int field, byte[]... parts) {
    ByteArrayOutputStream content = new ByteArrayOutputStream();
    for (byte[] part : parts) {
      content.writeBytes(part);
    }
    ByteArrayOutputStream whole = new ByteArrayOutputStream();
    whole.write(field << 3 | 2);
    whole.write(content.size());
    whole.writeBytes(content.toByteArray());
    return whole.toByteArray();
  }
}
