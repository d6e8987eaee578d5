package io.athanor.model.format;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;

import io.athanor.api.common.Tensor;
import io.athanor.api.error.AthanorException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Function;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Random damage to one file of a folder: the folder is read, or refused with our own exception. */
class DamagedFoldersTest {
  private static final byte[] JSON = "0123456789{}[],:\"-.eE ".getBytes(StandardCharsets.US_ASCII);
  private static final List<String> TOKENS =
      List.of(
          "null", "true", "-1", "1e999", "[]", "{}", "\"\"", "99999999999999999999", "\"../x\"");

  @TempDir Path temporary;

  @ParameterizedTest
  @CsvSource({
    "hf/llama-sharded, model.safetensors.index.json, 400",
    "hf/llama-sharded, model-00001-of-00002.safetensors, 400",
    "hf/llama-sharded, config.json, 200",
    "hf/llama-sharded, tokenizer_config.json, 200",
    "peft/rslora-llama, adapter_config.json, 400",
    "peft/prompt-llama, adapter_config.json, 200",
    "peft/dora-llama, adapter_model.safetensors, 200",
  })
  void aDamagedFolderIsReadOrRefused(String fixture, String file, int mutations)
      throws IOException {
    damage(fixture, file, mutations, 11);
  }

  @Tag("heavy")
  @ParameterizedTest
  @CsvSource({
    "hf/llama-sharded, model.safetensors.index.json, 20000",
    "hf/llama-sharded, model-00001-of-00002.safetensors, 20000",
    "hf/llama-sharded, config.json, 10000",
    "hf/llama-sharded, tokenizer_config.json, 10000",
    "peft/rslora-llama, adapter_config.json, 20000",
    "peft/prompt-llama, adapter_config.json, 10000",
    "peft/dora-llama, adapter_model.safetensors, 10000",
  })
  void aHundredThousandDamagedFoldersAreReadOrRefused(String fixture, String file, int mutations)
      throws IOException {
    damage(fixture, file, mutations, 12);
  }

  private void damage(String fixture, String file, int mutations, long seed) throws IOException {
    Function<Path, Map<String, Tensor>> reader =
        fixture.startsWith("peft")
            ? folder -> PeftFolder.read(folder).tensors()
            : folder -> HuggingFaceFolder.read(folder).tensors();
    Path folder = Fixtures.copy(fixture, temporary.resolve("damaged"));
    Path target = folder.resolve(file);
    byte[] whole = Files.readAllBytes(target);
    assertThat(reader.apply(folder)).isNotEmpty();
    Random random = new Random(seed);
    int refused = 0;
    for (int i = 0; i < mutations; i++) {
      Files.write(target, mutation(whole, random));
      try {
        reader.apply(folder).values().forEach(DamagedFoldersTest::touch);
      } catch (AthanorException expected) {
        assertThat(expected.getMessage()).isNotBlank();
        refused++;
      } catch (RuntimeException e) {
        int failed = i;
        assertThatCode(
                () -> {
                  throw e;
                })
            .as("mutation " + failed)
            .doesNotThrowAnyException();
      }
    }
    assertThat(refused).isBetween(mutations / 10, mutations);
  }

  /** The first and the last element, so that a mapping beyond the file's end is seen. */
  private static void touch(Tensor tensor) {
    var bytes = tensor.bytes();
    if (bytes.hasRemaining()) {
      assertThat(bytes.get(0) + bytes.get(bytes.limit() - 1)).isBetween(-256, 254);
    }
  }

  private static byte[] mutation(byte[] whole, Random random) {
    byte[] damaged = whole.clone();
    int head = Math.min(damaged.length, 2_000);
    for (int edits = 1 + random.nextInt(3); edits > 0 && damaged.length > 0; edits--) {
      int at = random.nextInt(Math.min(head, damaged.length));
      switch (random.nextInt(6)) {
        case 0 -> damaged[at] = (byte) random.nextInt(256);
        case 1 -> damaged[at] = JSON[random.nextInt(JSON.length)];
        case 2 -> damaged = Arrays.copyOf(damaged, random.nextInt(damaged.length + 20));
        case 3 -> damaged = spliced(damaged, at, at, copied(damaged, random));
        case 4 ->
            damaged =
                spliced(
                    damaged, at, Math.min(damaged.length, at + 1 + random.nextInt(9)), new byte[0]);
        default -> damaged = withOtherValue(damaged, at, random);
      }
    }
    return damaged;
  }

  private static byte[] copied(byte[] from, Random random) {
    int start = random.nextInt(from.length);
    return Arrays.copyOfRange(from, start, Math.min(from.length, start + 1 + random.nextInt(40)));
  }

  /** Puts another JSON value in the place of the one that follows the next colon. */
  private static byte[] withOtherValue(byte[] text, int at, Random random) {
    int colon = at;
    while (colon < text.length && text[colon] != ':') {
      colon++;
    }
    int end = Math.min(colon + 1, text.length);
    while (end < text.length && ",}\n".indexOf(text[end]) < 0) {
      end++;
    }
    byte[] value = TOKENS.get(random.nextInt(TOKENS.size())).getBytes(StandardCharsets.US_ASCII);
    return spliced(text, Math.min(colon + 1, text.length), end, value);
  }

  private static byte[] spliced(byte[] bytes, int from, int to, byte[] between) {
    byte[] result = Arrays.copyOf(bytes, from + between.length + bytes.length - to);
    System.arraycopy(between, 0, result, from, between.length);
    System.arraycopy(bytes, to, result, from + between.length, bytes.length - to);
    return result;
  }
}
