package io.athanor.api.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.fail;

import io.athanor.api.common.DType;
import io.athanor.api.common.Tensor;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.NotFoundException;
import io.athanor.api.error.StorageException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SafeTensorsTest {
  @TempDir Path folder;
  private Path file;

  @BeforeEach
  void choosePath() {
    file = folder.resolve("model.safetensors");
  }

  private static Map<String, Tensor> everyType() {
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    tensors.put("linear.weight", Tensor.ofFloats(new float[] {1, -2, Float.NaN, 0, 5, 6}, 2, 3));
    tensors.put("half", Tensor.of(DType.F16, ByteBuffer.wrap(new byte[] {1, 2, 3, 4, 5, 6}), 3));
    tensors.put("brain", Tensor.of(DType.BF16, ByteBuffer.wrap(new byte[] {7, 8}), 1, 1));
    tensors.put("ids", Tensor.ofLongs(new long[] {Long.MIN_VALUE, 7}, 2));
    tensors.put("scalar", Tensor.scalar(3));
    tensors.put("nothing", Tensor.ofFloats(new float[0], 0, 4));
    return tensors;
  }

  /** A file from a header and this many bytes of data, which count up from 0. */
  private void fixture(String header, int data) throws IOException {
    fixture(header.getBytes(StandardCharsets.UTF_8), header.length(), data);
  }

  private void fixture(byte[] header, long claim, int data) throws IOException {
    ByteBuffer bytes = ByteBuffer.allocate(8 + header.length + data).order(ByteOrder.LITTLE_ENDIAN);
    bytes.putLong(claim).put(header);
    for (int i = 0; i < data; i++) {
      bytes.put((byte) i);
    }
    Files.write(file, bytes.array());
  }

  @Test
  void everyTypeAndTheMetadataComeBackAsTheyWere() {
    Map<String, String> metadata = Map.of("format", "pt", "é", "ü\n\"");
    SafeTensors.write(file, everyType(), metadata);

    SafeTensors read = SafeTensors.read(file);

    assertThat(read.tensors()).isEqualTo(everyType());
    assertThat(read.tensors().keySet()).containsExactlyElementsOf(everyType().keySet());
    assertThat(read.metadata()).isEqualTo(metadata);
  }

  @Test
  void aFileBuiltByHandIsRead() throws IOException {
    fixture(
        "{\"b\":{\"dtype\":\"I64\",\"shape\":[1],\"data_offsets\":[4,12]},"
            + "\"__metadata__\":{\"k\":\"v\"},"
            + "\"a\":{\"dtype\":\"F32\",\"shape\":[],\"data_offsets\":[0,4]}}",
        12);

    SafeTensors read = SafeTensors.read(file);

    assertThat(read.tensors().get("a").floats()).containsExactly(Float.intBitsToFloat(0x03020100));
    assertThat(read.tensors().get("b").longs()).containsExactly(0x0b0a090807060504L);
    assertThat(read.metadata()).containsExactly(Map.entry("k", "v"));
  }

  @Test
  void theWrittenBytesAreThoseOfTheFormat() throws IOException {
    SafeTensors.write(file, Map.of("a", Tensor.ofFloats(new float[] {1}, 1)), Map.of());

    byte[] bytes = Files.readAllBytes(file);
    String header = "{\"a\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[0,4]}}";
    assertThat(bytes[0]).isEqualTo((byte) 56);
    assertThat(header).hasSizeLessThanOrEqualTo(56);
    assertThat(new String(bytes, 8, 56, StandardCharsets.UTF_8))
        .isEqualTo(header + " ".repeat(56 - header.length()));
    assertThat(Arrays.copyOfRange(bytes, 64, 68)).containsExactly(0, 0, 0x80, 0x3f);
    assertThat(bytes).hasSize(68);
  }

  @Test
  void theDataBeginsAtAMultipleOf64Bytes() throws IOException {
    for (int length = 1; length <= 130; length++) {
      SafeTensors.write(file, Map.of("a".repeat(length), Tensor.scalar(1)), Map.of());

      byte[] bytes = Files.readAllBytes(file);
      assertThat((bytes.length - 4) % 64).isZero();
      assertThat(SafeTensors.read(file).tensors()).containsOnlyKeys("a".repeat(length));
    }
  }

  @Test
  void theSameTensorsGiveTheSameBytes() throws IOException {
    SafeTensors.write(file, everyType(), Map.of("a", "b"));
    Path again = folder.resolve("again.safetensors");
    SafeTensors.write(again, everyType(), Map.of("a", "b"));

    assertThat(Files.mismatch(file, again)).isEqualTo(-1);
  }

  @Test
  void tensorsOfAReplacedFileKeepTheirContent() {
    SafeTensors.write(file, everyType(), Map.of());
    SafeTensors before = SafeTensors.read(file);

    SafeTensors.write(file, Map.of("other", Tensor.scalar(1)), Map.of());

    assertThat(before.tensors()).isEqualTo(everyType());
    assertThat(SafeTensors.read(file).tensors()).containsOnlyKeys("other");
  }

  @Test
  void tensorsOfOtherTypesAreListedAndTheOthersRead() throws IOException {
    fixture(
        "{\"mask\":{\"dtype\":\"BOOL\",\"shape\":[3],\"data_offsets\":[0,3]},"
            + "\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[3,11]},"
            + "\"b\":{\"dtype\":\"F64\",\"shape\":[],\"data_offsets\":[11,19]}}",
        19);

    SafeTensors read = SafeTensors.read(file);

    assertThat(read.tensors()).containsOnlyKeys("a");
    assertThat(read.others())
        .containsExactly(
            Map.entry("mask", new SafeTensors.Other("BOOL", 3)),
            Map.entry("b", new SafeTensors.Other("F64", 8)));
    assertThatThrownBy(() -> SafeTensors.readTensors(file))
        .isInstanceOf(FormatException.class)
        .hasMessageStartingWith(file + ": tensor 'mask' must have one of the element types [F32,")
        .hasMessageContaining("got BOOL; the file is of another program or a newer version");
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "\"dtype\":\"F32\" | \"dtype\":\"F7\" | must be one of [F32, F16, BF16, I64, I8], got \"F7\"",
        "\"dtype\":\"F32\", | | must be one of [F32, F16, BF16, I64, I8], got nothing",
        "\"shape\":[2] | \"shape\":[3] | F32[3] needs 12 bytes, data_offsets [0, 8] give 8",
        "\"shape\":[2] | \"shape\":[-2] | 'shape' must hold integers of at least 0, got -2",
        "\"shape\":[2] | \"shape\":[2.0] | 'shape' must hold integers of at least 0, got 2.0",
        "\"shape\":[2] | \"shape\":[4611686018427387904,4] | shape is too large",
        "\"F32\",\"shape\":[2] | \"U16\",\"shape\":[2] | U16[2] needs 4 bytes, data_offsets [0, 8]",
        "\"shape\":[2] | \"shape\":2 | 'shape' must be a list, got 2",
        "[0,8] | [8,0] | data_offsets must be [from, to], got [8, 0]",
        "[0,8] | [-8,0] | 'data_offsets' must hold integers of at least 0, got -8",
        "[0,8] | [0] | data_offsets must be [from, to], got [0]",
        "[0,8] | [4,12] | leaves a hole before it: expected it to begin at 0, got 4",
        "[8,16] | [4,12] | tensor 'b': overlaps the tensor before it: expected it to begin at 8",
        "[8,16] | [0,8] | overlaps the tensor before it",
        "[8,16] | [12,20] | tensor 'b': leaves a hole before it",
        "\"b\": | \"a\": | Duplicate",
        "[0,8] | [0,8],\"extra\":1 | expected dtype, shape and data_offsets",
        "{\"k\":\"v\"} | {\"k\":1} | __metadata__.k must be a text, got 1",
        "{\"k\":\"v\"} | [] | __metadata__ must be an object",
        "{\"a\" | [{\"a\" | the header is not JSON",
      })
  void aWrongHeaderIsRefused(String from, String to, String message) throws IOException {
    String sound =
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]},\"b\":{\"dtype\":\"I64\","
            + "\"shape\":[1],\"data_offsets\":[8,16]},\"__metadata__\":{\"k\":\"v\"}}";
    fixture(sound, 16);
    assertThat(SafeTensors.read(file).tensors()).hasSize(2);
    assertThat(sound).contains(from);
    String wrong =
        to == null ? sound.replace(from, "") : sound.replaceFirst(quote(from), quoteTo(to));

    fixture(wrong, 16);

    assertThatThrownBy(() -> SafeTensors.read(file))
        .isInstanceOf(FormatException.class)
        .hasMessageStartingWith(file.toString())
        .hasMessageContaining(message);
  }

  private static String quote(String text) {
    return java.util.regex.Pattern.quote(text);
  }

  private static String quoteTo(String text) {
    return java.util.regex.Matcher.quoteReplacement(text);
  }

  @Test
  void aClaimOfTenGigabytesIsRefusedBeforeAnythingIsAllocated() throws IOException {
    fixture(
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[2684354560],\"data_offsets\":[0,10737418240]}}", 16);
    assertThatThrownBy(() -> SafeTensors.read(file))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining(
            "tensor 'a': ends at byte 10737418240 of the data, but the file has only 16");

    fixture("{}".getBytes(StandardCharsets.UTF_8), 10L << 30, 0);
    assertThatThrownBy(() -> SafeTensors.read(file))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("the header claims 10737418240 bytes, expected 2 to 2;");

    fixture("{}".getBytes(StandardCharsets.UTF_8), -1, 0);
    assertThatThrownBy(() -> SafeTensors.read(file))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("the header claims 18446744073709551615 bytes");
  }

  @Test
  void trailingBytesAreRefused() throws IOException {
    fixture("{\"a\":{\"dtype\":\"F32\",\"shape\":[2],\"data_offsets\":[0,8]}}", 9);

    assertThatThrownBy(() -> SafeTensors.read(file))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("the tensors end at byte 8 of the data, but the file has 9");
  }

  @Test
  void aFileCutOffAnywhereIsRefused() throws IOException {
    SafeTensors.write(file, everyType(), Map.of("a", "b"));
    byte[] whole = Files.readAllBytes(file);
    for (int length = 0; length < whole.length; length++) {
      Path cut = folder.resolve("cut");
      Files.write(cut, Arrays.copyOf(whole, length));
      assertThatThrownBy(() -> SafeTensors.read(cut)).isInstanceOf(FormatException.class);
    }
    assertThat(whole.length).isGreaterThan(400);
  }

  @Test
  void aHeaderThatIsNotUtf8IsRefused() throws IOException {
    fixture(new byte[] {'{', '"', (byte) 0xc3, '(', '"', ':', '1', '}'}, 8, 0);

    assertThatThrownBy(() -> SafeTensors.read(file))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("the header is not UTF-8");
  }

  @Test
  void aTensorOfTwoGibibytesIsRefused() throws IOException {
    String header =
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[536870912],\"data_offsets\":[0,2147483648]}}";
    fixture(header, 0);
    try (var sparse = new java.io.RandomAccessFile(file.toFile(), "rw")) {
      sparse.setLength(8 + header.length() + (2L << 30));
    }

    assertThatThrownBy(() -> SafeTensors.read(file))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("tensor 'a' has 2147483648 bytes, and one tensor holds less than 2");
  }

  @Test
  void aMissingFileAndAFolderAreNamed() {
    assertThatThrownBy(() -> SafeTensors.read(file))
        .isInstanceOf(NotFoundException.class)
        .hasMessageContaining(file.toString());
    assertThatThrownBy(() -> SafeTensors.read(folder))
        .isInstanceOf(StorageException.class)
        .hasMessageContaining("cannot be read");
  }

  @Test
  void theMetadataKeyIsNoNameForATensor() {
    assertThatThrownBy(
            () -> SafeTensors.write(file, Map.of("__metadata__", Tensor.scalar(1)), Map.of()))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("tensors must not hold the name __metadata__");
    assertThat(file).doesNotExist();
  }

  @Test
  void damagedFilesGiveAFileOrAFormatException() throws IOException {
    readDamaged(2_000, 3);
  }

  @Test
  @Tag("heavy")
  void twentyThousandDamagedFilesGiveAFileOrAFormatException() throws IOException {
    readDamaged(20_000, 5);
  }

  private void readDamaged(int files, long seed) throws IOException {
    SafeTensors.write(file, everyType(), Map.of("format", "pt"));
    byte[] whole = Files.readAllBytes(file);
    int header = whole[0] & 0xff | (whole[1] & 0xff) << 8;
    Random random = new Random(seed);
    int refused = 0;
    for (int i = 0; i < files; i++) {
      byte[] damaged = whole.clone();
      for (int edits = 1 + random.nextInt(3); edits > 0; edits--) {
        int at = random.nextInt(8 + header);
        damaged[at] =
            random.nextBoolean()
                ? (byte) random.nextInt(256)
                : (byte) "0123456789{}[],:\"-".charAt(random.nextInt(18));
      }
      if (random.nextInt(10) == 0) {
        damaged = Arrays.copyOf(damaged, random.nextInt(damaged.length + 20));
      }
      Files.write(file, damaged);
      try {
        SafeTensors.read(file).tensors().values().forEach(Tensor::bytes);
      } catch (FormatException expected) {
        refused++;
      } catch (RuntimeException e) {
        fail("Mutation " + i + " gave " + e, e);
      }
    }
    assertThat(refused).isBetween(files / 2, files - 1);
  }
}
