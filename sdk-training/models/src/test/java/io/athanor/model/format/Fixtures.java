package io.athanor.model.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.athanor.api.common.DType;
import io.athanor.api.common.Tensor;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;

/** The folders that transformers and PEFT have written, made by {@code hf/make_fixtures.py}. */
final class Fixtures {
  private Fixtures() {}

  static Path folder(String name) {
    try {
      return Path.of(Fixtures.class.getResource("/hf/expected.json").toURI())
          .getParent()
          .resolveSibling(name);
    } catch (URISyntaxException e) {
      throw new IllegalStateException(e);
    }
  }

  /** A copy that may be damaged. */
  static Path copy(String name, Path into) {
    try (Stream<Path> files = Files.list(folder(name))) {
      Files.createDirectories(into);
      for (Path file : files.toList()) {
        Files.copy(file, into.resolve(file.getFileName()));
      }
      return into;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** What Python saw in a folder: name to type, shape and checksums. */
  static JsonNode expected(String name) {
    try {
      return new ObjectMapper().readTree(folder("hf/expected.json").toFile()).get(name);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Compares tensors with what Python saw; names are those of the file. */
  static void assertSame(Map<String, Tensor> tensors, JsonNode expected) {
    assertThat(tensors.keySet())
        .containsExactlyInAnyOrderElementsOf((Iterable<String>) () -> expected.fieldNames());
    tensors.forEach(
        (name, tensor) -> {
          JsonNode sums = expected.get(name);
          DType type =
              Map.of("float32", DType.F32, "float16", DType.F16, "bfloat16", DType.BF16)
                  .get(sums.get("dtype").textValue());
          assertThat(tensor.dtype()).as(name).isEqualTo(type);
          long[] shape = tensor.shape();
          assertThat(sums.get("shape")).as(name).hasSize(shape.length);
          for (int i = 0; i < shape.length; i++) {
            assertThat(sums.get("shape").get(i).longValue()).as(name).isEqualTo(shape[i]);
          }
          double sum = 0;
          double weighted = 0;
          float[] values = FloatConversion.convert(tensor, DType.F32).floats();
          for (int i = 0; i < values.length; i++) {
            sum += values[i];
            weighted += values[i] * (i + 1.0);
          }
          assertThat(sum).as(name).isCloseTo(sums.get("sum").doubleValue(), within(1e-9));
          assertThat(weighted).as(name).isCloseTo(sums.get("weighted").doubleValue(), within(1e-6));
        });
  }

  /** The names of the files in a folder, sorted. */
  static List<String> names(Path folder) {
    try (Stream<Path> files = Files.list(folder)) {
      return files.map(file -> file.getFileName().toString()).sorted().toList();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
