package io.athanor.model.format.onnx;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;

/**
 * Writes the fields of one protobuf message into memory.
 *
 * @see <a href="https://protobuf.dev/programming-guides/encoding/">The encoding</a>
 */
final class ProtobufOutput {
  private static final int VARINT = 0;
  private static final int LENGTH = 2;
  private static final int FOUR_BYTES = 5;

  private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

  ProtobufOutput number(int field, long value) {
    tag(field, VARINT);
    varint(value);
    return this;
  }

  ProtobufOutput single(int field, float value) {
    tag(field, FOUR_BYTES);
    int bits = Float.floatToIntBits(value);
    for (int shift = 0; shift < Integer.SIZE; shift += Byte.SIZE) {
      bytes.write(bits >>> shift);
    }
    return this;
  }

  ProtobufOutput text(int field, String value) {
    return content(field, value.getBytes(StandardCharsets.UTF_8));
  }

  ProtobufOutput message(int field, ProtobufOutput value) {
    return content(field, value.toBytes());
  }

  ProtobufOutput bytes(int field, ByteBuffer value) {
    byte[] content = new byte[value.remaining()];
    value.get(content);
    return content(field, content);
  }

  /** Announces content that the caller puts behind this message. */
  ProtobufOutput announce(int field, long length) {
    tag(field, LENGTH);
    varint(length);
    return this;
  }

  byte[] toBytes() {
    return bytes.toByteArray();
  }

  private ProtobufOutput content(int field, byte[] value) {
    announce(field, value.length);
    bytes.writeBytes(value);
    return this;
  }

  private void tag(int field, int wire) {
    varint((long) field << 3 | wire);
  }

  private void varint(long value) {
    long rest = value;
    while ((rest & ~0x7fL) != 0) {
      bytes.write((int) (rest & 0x7f) | 0x80);
      rest >>>= 7;
    }
    bytes.write((int) rest);
  }
}
