package io.athanor.api.model;

import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.athanor.api.common.DType;
import io.athanor.api.common.Tensor;
import io.athanor.api.error.FormatException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * What the header of a safetensors file says, checked against itself.
 *
 * @param entries where each tensor lies
 * @param metadata the texts under {@code __metadata__}
 */
record SafeTensorsHeader(Map<String, Entry> entries, Map<String, String> metadata) {
  private static final String METADATA = "__metadata__";
  private static final int MAX_RANK = 64;

  /** The data begins at a multiple of this, so that mapped tensors can be used where they lie. */
  private static final int ALIGNMENT = 64;

  /** The format's further element types, with the bytes of an element. */
  private static final Map<String, Integer> OTHER_TYPES =
      Map.ofEntries(
          Map.entry("BOOL", 1),
          Map.entry("U8", 1),
          Map.entry("F8_E4M3", 1),
          Map.entry("F8_E5M2", 1),
          Map.entry("F8_E8M0", 1),
          Map.entry("I16", 2),
          Map.entry("U16", 2),
          Map.entry("I32", 4),
          Map.entry("U32", 4),
          Map.entry("F64", 8),
          Map.entry("U64", 8),
          Map.entry("C64", 8));

  private static final ObjectReader READER =
      JsonMapper.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build()
          .reader();

  /**
   * A tensor's place.
   *
   * @param type the format's name of the element type
   * @param from offset of the first byte after the header
   * @param to offset behind the last byte
   */
  record Entry(String type, List<Long> shape, long from, long to) {
    /** The element type here; empty if there is none. */
    Optional<DType> dtype() {
      return SafeTensorsHeader.dtype(type);
    }
  }

  private static Optional<DType> dtype(String type) {
    return Arrays.stream(DType.values()).filter(d -> d.name().equals(type)).findFirst();
  }

  /**
   * Reads a header and checks it completely.
   *
   * @param data number of bytes after the header
   * @throws FormatException if it is malformed, or does not describe exactly these bytes
   */
  static SafeTensorsHeader parse(String source, ByteBuffer bytes, long data) {
    JsonNode root = json(source, bytes);
    if (!root.isObject()) {
      throw new FormatException(source, "the header must be a JSON object, got " + brief(root));
    }
    Map<String, Entry> entries = new LinkedHashMap<>();
    Map<String, String> metadata = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> field : root.properties()) {
      if (field.getKey().equals(METADATA)) {
        metadata.putAll(metadata(source, field.getValue()));
      } else {
        entries.put(field.getKey(), entry(source, field.getKey(), field.getValue()));
      }
    }
    checkCover(source, entries, data);
    return new SafeTensorsHeader(entries, metadata);
  }

  private static JsonNode json(String source, ByteBuffer bytes) {
    String text;
    try {
      text = StandardCharsets.UTF_8.newDecoder().decode(bytes).toString();
    } catch (CharacterCodingException e) {
      throw new FormatException(source, "the header is not UTF-8", e);
    }
    try {
      return READER.readTree(text);
    } catch (IOException e) {
      throw new FormatException(source, "the header is not JSON: " + e.getMessage(), e);
    }
  }

  private static Map<String, String> metadata(String source, JsonNode node) {
    Map<String, String> texts = new LinkedHashMap<>();
    if (!node.isObject()) {
      throw new FormatException(source, METADATA + " must be an object, got " + brief(node));
    }
    for (Map.Entry<String, JsonNode> field : node.properties()) {
      if (!field.getValue().isTextual()) {
        throw new FormatException(
            source,
            METADATA + "." + field.getKey() + " must be a text, got " + brief(field.getValue()));
      }
      texts.put(field.getKey(), field.getValue().textValue());
    }
    return texts;
  }

  private static Entry entry(String source, String name, JsonNode node) {
    String type = node.path("dtype").asText();
    Integer elementBytes = dtype(type).map(DType::bytes).orElseGet(() -> OTHER_TYPES.get(type));
    if (elementBytes == null) {
      throw fail(
          source,
          name,
          "element type must be one of "
              + Arrays.toString(DType.values())
              + ", got "
              + brief(node.path("dtype"))
              + ". Convert the file to one of them");
    }
    long[] shape = longs(source, name, "shape", node.path("shape"));
    long[] offsets = longs(source, name, "data_offsets", node.path("data_offsets"));
    if (node.size() != 3) {
      throw fail(source, name, "expected dtype, shape and data_offsets, got " + brief(node));
    }
    if (shape.length > MAX_RANK) {
      throw fail(source, name, "expected at most " + MAX_RANK + " axes, got " + shape.length);
    }
    if (offsets.length != 2 || offsets[0] > offsets[1]) {
      throw fail(source, name, "data_offsets must be [from, to], got " + Arrays.toString(offsets));
    }
    long expected;
    try {
      expected = Math.multiplyExact(Tensor.elements(shape), (long) elementBytes);
    } catch (IllegalArgumentException | ArithmeticException e) {
      throw fail(source, name, String.valueOf(e.getMessage()));
    }
    if (offsets[1] - offsets[0] != expected) {
      throw fail(
          source,
          name,
          type
              + Arrays.toString(shape)
              + " needs "
              + expected
              + " bytes, data_offsets "
              + Arrays.toString(offsets)
              + " give "
              + (offsets[1] - offsets[0]));
    }
    return new Entry(type, Arrays.stream(shape).boxed().toList(), offsets[0], offsets[1]);
  }

  /** Numbers that are integers and not negative. */
  private static long[] longs(String source, String name, String field, JsonNode node) {
    if (!node.isArray()) {
      throw fail(source, name, "'" + field + "' must be a list, got " + brief(node));
    }
    long[] values = new long[node.size()];
    for (int i = 0; i < values.length; i++) {
      JsonNode item = node.get(i);
      if (!item.isIntegralNumber() || !item.canConvertToLong() || item.longValue() < 0) {
        throw fail(
            source, name, "'" + field + "' must hold integers of at least 0, got " + brief(item));
      }
      values[i] = item.longValue();
    }
    return values;
  }

  /** The tensors must cover the data from end to end, without overlap and without a hole. */
  private static void checkCover(String source, Map<String, Entry> entries, long data) {
    List<Map.Entry<String, Entry>> ordered = new ArrayList<>(entries.entrySet());
    ordered.sort(
        Comparator.comparingLong((Map.Entry<String, Entry> e) -> e.getValue().from())
            .thenComparingLong(e -> e.getValue().to()));
    long end = 0;
    for (Map.Entry<String, Entry> next : ordered) {
      Entry entry = next.getValue();
      if (entry.from() != end) {
        throw fail(
            source,
            next.getKey(),
            (entry.from() < end ? "overlaps the tensor before it" : "leaves a hole before it")
                + ": expected it to begin at "
                + end
                + ", got "
                + entry.from());
      }
      if (entry.to() > data) {
        throw fail(
            source,
            next.getKey(),
            "ends at byte "
                + entry.to()
                + " of the data, but the file has only "
                + data
                + "; it may be cut off");
      }
      end = entry.to();
    }
    if (end != data) {
      throw new FormatException(
          source, "the tensors end at byte " + end + " of the data, but the file has " + data);
    }
  }

  /** The header for tensors written one after the other, padded so that data begins aligned. */
  static byte[] bytes(Map<String, Tensor> tensors, Map<String, String> metadata) {
    ObjectNode root = JsonNodeFactory.instance.objectNode();
    if (!metadata.isEmpty()) {
      metadata.forEach(root.putObject(METADATA)::put);
    }
    long offset = 0;
    for (Map.Entry<String, Tensor> item : tensors.entrySet()) {
      Tensor tensor = item.getValue();
      if (item.getKey().equals(METADATA)) {
        throw new IllegalArgumentException("tensors must not hold the name " + METADATA);
      }
      ObjectNode entry = root.putObject(item.getKey()).put("dtype", tensor.dtype().name());
      ArrayNode shape = entry.putArray("shape");
      Arrays.stream(tensor.shape()).forEach(shape::add);
      long end = offset + tensor.bytes().remaining();
      entry.putArray("data_offsets").add(offset).add(end);
      offset = end;
    }
    byte[] json = root.toString().getBytes(StandardCharsets.UTF_8);
    int unpadded = Long.BYTES + json.length;
    byte[] padded =
        Arrays.copyOf(json, (unpadded + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT - Long.BYTES);
    Arrays.fill(padded, json.length, padded.length, (byte) ' ');
    return padded;
  }

  private static FormatException fail(String source, String name, String problem) {
    return new FormatException(source, "tensor '" + name + "': " + problem);
  }

  private static String brief(JsonNode node) {
    String text = node.isMissingNode() ? "nothing" : node.toString();
    return text.length() > 80 ? text.substring(0, 80) + ".." : text;
  }
}
