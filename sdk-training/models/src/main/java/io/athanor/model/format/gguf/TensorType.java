package io.athanor.model.format.gguf;

import io.athanor.api.error.FormatException;
import io.athanor.api.error.UnsupportedException;
import java.util.Arrays;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * The ways numbers are stored that can be read. A quantised row is a sequence of blocks that share
 * a scale; the layouts are those of ggml's {@code ggml-common.h}.
 */
enum TensorType {
  F32(0, 1, 4),
  F16(1, 1, 2),
  Q4_0(2, 32, 18),
  Q4_1(3, 32, 20),
  Q5_0(6, 32, 22),
  Q5_1(7, 32, 24),
  Q8_0(8, 32, 34),
  Q4_K(12, 256, 144),
  Q5_K(13, 256, 176),
  Q6_K(14, 256, 210),
  I32(26, 1, 4),
  I64(27, 1, 8),
  BF16(30, 1, 2);

  /** Types that the format knows and this reader does not, for a helpful refusal. */
  private static final Map<Integer, String> UNREADABLE =
      Map.ofEntries(
          Map.entry(9, "Q8_1"),
          Map.entry(10, "Q2_K"),
          Map.entry(11, "Q3_K"),
          Map.entry(15, "Q8_K"),
          Map.entry(16, "IQ2_XXS"),
          Map.entry(17, "IQ2_XS"),
          Map.entry(18, "IQ3_XXS"),
          Map.entry(19, "IQ1_S"),
          Map.entry(20, "IQ4_NL"),
          Map.entry(21, "IQ3_S"),
          Map.entry(22, "IQ2_S"),
          Map.entry(23, "IQ4_XS"),
          Map.entry(24, "I8"),
          Map.entry(25, "I16"),
          Map.entry(28, "F64"),
          Map.entry(29, "IQ1_M"),
          Map.entry(34, "TQ1_0"),
          Map.entry(35, "TQ2_0"),
          Map.entry(39, "MXFP4"));

  private final int id;
  private final int blockElements;
  private final int blockBytes;

  TensorType(int id, int blockElements, int blockBytes) {
    this.id = id;
    this.blockElements = blockElements;
    this.blockBytes = blockBytes;
  }

  static TensorType of(int id, String source, String tensor) {
    for (TensorType type : values()) {
      if (type.id == id) {
        return type;
      }
    }
    String name = UNREADABLE.get(id);
    if (name == null) {
      throw new FormatException(
          source,
          "tensor '"
              + tensor
              + "' has the unknown type "
              + Integer.toUnsignedString(id)
              + "; the file is damaged or written by a newer version of the format");
    }
    throw new UnsupportedException(
        source + ": tensor '" + tensor + "' is stored as " + name,
        "Take a version of the model with only "
            + Arrays.stream(values()).map(Enum::name).collect(Collectors.joining(", "))
            + ", or convert it with llama-quantize");
  }

  int id() {
    return id;
  }

  /** How many numbers share a block; 1 where nothing is shared. */
  int blockElements() {
    return blockElements;
  }

  int blockBytes() {
    return blockBytes;
  }

  boolean quantized() {
    return blockElements > 1;
  }
}
