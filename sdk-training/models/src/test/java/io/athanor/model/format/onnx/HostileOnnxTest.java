package io.athanor.model.format.onnx;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.fail;

import io.athanor.api.error.AthanorException;
import io.athanor.model.format.PretrainedModel;
import io.athanor.model.format.gguf.Mutation;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HostileOnnxTest {
  @TempDir Path folder;

  @Test
  void twoThousandMutationsGiveOnlyOurExceptions() throws IOException {
    mutate(2_000, 1);
  }

  @Test
  @Tag("heavy")
  void aHundredThousandMutationsGiveOnlyOurExceptions() throws IOException {
    mutate(100_000, 2);
  }

  private void mutate(int times, long seed) throws IOException {
    Random random = new Random(seed);
    byte[] original = Files.readAllBytes(OnnxModelTest.fixture("bert.onnx"));
    Path file = folder.resolve("m.onnx");
    int refused = 0;
    for (int i = 0; i < times; i++) {
      Files.write(file, Mutation.mutate(original, random));
      try {
        PretrainedModel read = OnnxModel.read(file);
        read.tensors().values().forEach(tensor -> assertThat(tensor.bytes()).isNotNull());
      } catch (AthanorException e) {
        assertThat(e.getMessage()).contains("m.onnx");
        refused++;
      } catch (RuntimeException | Error e) {
        fail("mutation " + i + " of seed " + seed, e);
      }
    }
    assertThat(refused).isGreaterThan(times / 10);
  }
}
