package io.athanor.model.format.gguf;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.fail;

import io.athanor.api.error.AthanorException;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.UnsupportedException;
import io.athanor.model.format.PretrainedModel;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class HostileGgufTest {
  @TempDir Path folder;

  /** A file of one tensor, with one thing wrong. */
  private static final class Crafted {
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

    Crafted number(long value, int size) {
      bytes.write(
          ByteBuffer.allocate(8).order(ByteOrder.LITTLE_ENDIAN).putLong(value).array(), 0, size);
      return this;
    }

    Crafted text(String text) {
      byte[] utf = text.getBytes(StandardCharsets.UTF_8);
      number(utf.length, 8);
      bytes.writeBytes(utf);
      return this;
    }

    static Crafted header(long version, long tensors, long entries) {
      return new Crafted()
          .number(GgufFile.MAGIC, 4)
          .number(version, 4)
          .number(tensors, 8)
          .number(entries, 8);
    }

    Crafted tensor(String name, long type, long offset, long... sizes) {
      text(name).number(sizes.length, 4);
      for (long size : sizes) {
        number(size, 8);
      }
      return number(type, 4).number(offset, 8);
    }

    Crafted data(int count) {
      while (bytes.size() % 32 != 0) {
        bytes.write(0);
      }
      bytes.writeBytes(new byte[count]);
      return this;
    }
  }

  private void assertRefused(Crafted crafted, Class<? extends Exception> type, String message)
      throws IOException {
    Path file = Files.write(folder.resolve("m.gguf"), crafted.bytes.toByteArray());
    assertThatThrownBy(() -> GgufFile.read(file))
        .isInstanceOf(type)
        .hasMessageContaining("m.gguf")
        .hasMessageContaining(message);
  }

  private void assertMalformed(Crafted crafted, String message) throws IOException {
    assertRefused(crafted, FormatException.class, message);
  }

  @Test
  void aWellFormedFileOfThatKindIsRead() throws IOException {
    Crafted good = Crafted.header(3, 2, 0).tensor("a", 0, 0, 4, 2).tensor("b", 0, 32, 1).data(36);
    Path file = Files.write(folder.resolve("m.gguf"), good.bytes.toByteArray());

    GgufFile read = GgufFile.read(file);

    assertThat(read.tensors()).containsOnlyKeys("a", "b");
    assertThat(read.tensor(read.tensors().get("a")).shape()).containsExactly(2, 4);
  }

  @Test
  void lyingHeadersAreRefused() throws IOException {
    assertMalformed(new Crafted().number(0x46554746, 4).number(3, 4), "not a GGUF file");
    assertMalformed(Crafted.header(0, 0, 0), "version is 0");
    assertRefused(Crafted.header(1, 0, 0), UnsupportedException.class, "version 1");
    assertRefused(Crafted.header(0x03000000, 0, 0), UnsupportedException.class, "big-endian");
    assertMalformed(Crafted.header(3, Long.MAX_VALUE, 0), "the number of tensors is");
    assertMalformed(Crafted.header(3, -1, 0), "the number of tensors is 18446744073709551615");
    assertMalformed(Crafted.header(3, 0, 1L << 40), "the number of metadata entries");
    assertMalformed(
        Crafted.header(3, 0, 1).number(1L << 33, 8).data(32), "the length of metadata key 0");
    assertMalformed(
        Crafted.header(3, 0, 1).text("k").number(13, 4).number(0, 8), "unknown value type 13");
    assertMalformed(
        Crafted.header(3, 0, 1).text("k").number(9, 4).number(4, 4).number(1L << 30, 8).data(64),
        "the number of elements of 'k' is 1073741824");
    assertMalformed(
        Crafted.header(3, 0, 1).text("k").number(7, 4).number(2, 1).data(8), "must be 0 or 1");
    assertMalformed(
        Crafted.header(3, 0, 2).text("k").number(7, 4).number(1, 1).text("k").number(7, 4).data(8),
        "'k' twice");
    Crafted deep = Crafted.header(3, 0, 1).text("k").number(9, 4);
    for (int i = 0; i < 6; i++) {
      deep.number(9, 4).number(1, 8);
    }
    assertMalformed(deep.data(32), "deeper than 4");
    assertMalformed(
        Crafted.header(3, 0, 1).text("general.alignment").number(4, 4).number(12, 4).data(8),
        "a power of two");
  }

  @Test
  void lyingTensorsAreRefused() throws IOException {
    assertMalformed(
        Crafted.header(3, 2, 0).tensor("a", 0, 0, 4).tensor("a", 0, 32, 4).data(64),
        "listed twice");
    assertMalformed(
        Crafted.header(3, 2, 0).tensor("a", 0, 0, 12).tensor("b", 0, 32, 4).data(64),
        "overlaps tensor 'a'");
    assertMalformed(
        Crafted.header(3, 1, 0).tensor("a", 0, 8, 4).data(64), "must be a multiple of 32");
    assertMalformed(Crafted.header(3, 1, 0).tensor("a", 0, 0, 17).data(64), "needs 68 bytes");
    assertMalformed(Crafted.header(3, 1, 0).tensor("a", 0, 1L << 62, 4).data(64), "may be cut off");
    assertMalformed(
        Crafted.header(3, 1, 0).tensor("a", 0, 0, 1L << 40, 1L << 40).data(64), "too large");
    assertMalformed(Crafted.header(3, 1, 0).tensor("a", 0, 0, 0).data(64), "at least 1, got 0");
    assertMalformed(
        Crafted.header(3, 1, 0).tensor("a", 8, 0, 33).data(64), "do not divide into Q8_0");
    assertMalformed(
        Crafted.header(3, 1, 0).tensor("a", 0, 0, 1, 1, 1, 1, 1).data(64), "at most 4 axes");
    assertMalformed(Crafted.header(3, 1, 0).tensor("a", 77, 0, 4).data(64), "unknown type 77");
    assertRefused(
        Crafted.header(3, 1, 0).tensor("a", 20, 0, 32).data(64),
        UnsupportedException.class,
        "stored as IQ4_NL");
  }

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
    String[] names = {"llama.gguf", "gpt2.gguf", "gemma2.gguf", "types.gguf"};
    byte[][] originals = new byte[names.length][];
    for (int i = 0; i < names.length; i++) {
      originals[i] = Files.readAllBytes(Fixtures.path(names[i]));
    }
    Path file = folder.resolve("m.gguf");
    int refused = 0;
    for (int i = 0; i < times; i++) {
      byte[] bytes = Mutation.mutate(originals[i % originals.length], random);
      Files.write(file, bytes);
      try {
        if (i % originals.length == 3) {
          GgufFile read = GgufFile.read(file);
          read.tensors().values().stream().skip(i % 20).limit(3).forEach(read::tensor);
        } else {
          PretrainedModel read = Gguf.read(file);
          read.tensors().keySet().stream().skip(i % 20).limit(3).forEach(read.tensors()::get);
        }
      } catch (AthanorException e) {
        assertThat(e.getMessage()).contains("m.gguf");
        refused++;
      } catch (RuntimeException | Error e) {
        fail("mutation " + i + " of seed " + seed, e);
      }
    }
    assertThat(refused).isGreaterThan(times / 10);
  }
}
