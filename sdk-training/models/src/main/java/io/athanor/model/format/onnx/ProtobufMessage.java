package io.athanor.model.format.onnx;

import io.athanor.api.error.FormatException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;

/**
 * Walks over the fields of one protobuf message. Lengths are compared with the bytes of the message
 * that are left; nothing is copied or allocated for them.
 *
 * @see <a href="https://protobuf.dev/programming-guides/encoding/">The encoding</a>
 */
final class ProtobufMessage {
  private static final int MAX_VARINT = 10;

  private final String source;
  private final ByteBuffer bytes;
  private int field;
  private int wire;
  private long number;
  private ByteBuffer content;

  /**
   * @param bytes the message, from position to limit; not changed
   */
  ProtobufMessage(String source, ByteBuffer bytes) {
    this.source = source;
    this.bytes = bytes.slice().order(ByteOrder.LITTLE_ENDIAN);
    this.content = ByteBuffer.allocate(0);
  }

  /** Moves to the next field. */
  boolean next() {
    if (!bytes.hasRemaining()) {
      return false;
    }
    long tag = varint(bytes);
    if (tag >>> 3 == 0 || tag >>> 3 > Integer.MAX_VALUE) {
      throw fail("a field has the number " + Long.toUnsignedString(tag >>> 3));
    }
    field = (int) (tag >>> 3);
    wire = (int) (tag & 7);
    switch (wire) {
      case 0 -> number = varint(bytes);
      case 1 -> content = take(8);
      case 2 -> content = take(varint(bytes));
      case 5 -> content = take(4);
      default -> throw fail("field " + field + " has the wire type " + wire);
    }
    return true;
  }

  int field() {
    return field;
  }

  long integer() {
    require(0);
    return number;
  }

  float single() {
    require(5);
    return content.getFloat(0);
  }

  ProtobufMessage message() {
    return new ProtobufMessage(source, bytes());
  }

  /** The bytes of this field, little-endian. */
  ByteBuffer bytes() {
    require(2);
    return content.slice().order(ByteOrder.LITTLE_ENDIAN);
  }

  String text() {
    try {
      return StandardCharsets.UTF_8.newDecoder().decode(bytes()).toString();
    } catch (CharacterCodingException e) {
      throw fail("field " + field + " is not UTF-8");
    }
  }

  boolean packed() {
    return wire == 2;
  }

  private void require(int expected) {
    if (wire != expected) {
      throw fail("field " + field + " has the wire type " + wire + ", expected " + expected);
    }
  }

  private ByteBuffer take(long length) {
    if (length < 0 || length > bytes.remaining()) {
      throw fail(
          "field "
              + field
              + " claims "
              + Long.toUnsignedString(length)
              + " bytes, but the message has only "
              + bytes.remaining()
              + " left; the file may be cut off: download it again");
    }
    ByteBuffer taken = bytes.slice(bytes.position(), (int) length).order(ByteOrder.LITTLE_ENDIAN);
    bytes.position(bytes.position() + (int) length);
    return taken;
  }

  /** A number in groups of seven bits. */
  long varint(ByteBuffer from) {
    long value = 0;
    for (int i = 0; i < MAX_VARINT; i++) {
      if (!from.hasRemaining()) {
        throw fail("the file ends inside a number; it is cut off");
      }
      byte part = from.get();
      value |= (part & 0x7fL) << (7 * i);
      if (part >= 0) {
        return value;
      }
    }
    throw fail("a number is longer than " + MAX_VARINT + " bytes; this is not an ONNX file");
  }

  FormatException fail(String problem) {
    return new FormatException(source, problem);
  }
}
