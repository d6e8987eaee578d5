package io.athanor.backend.dl4j.network;

import io.athanor.api.error.FormatException;
import io.athanor.api.error.UnsupportedException;
import java.io.DataInputStream;
import java.io.EOFException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UTFDataFormatException;
import java.nio.ByteBuffer;
import java.nio.DoubleBuffer;
import java.util.Set;

/**
 * All numbers of a network, one after the other, as {@code Nd4j.write} puts them: a vector of the
 * shape and one of the elements, each with how it was allocated, its length, its type, and its
 * elements with the most significant byte first.
 */
final class Coefficients {
  /** Deflate makes numbers of trained networks little smaller; more than this is an attack. */
  private static final long MOST_INFLATION = 100;

  private static final long SMALL = 64L << 20;

  private static final int LONGEST_SHAPE = 80;
  private static final int CHUNK = 1 << 16;

  /** Allocations of old versions, which write a length in 4 bytes. */
  private static final Set<String> OLD = Set.of("DIRECT", "HEAP", "JAVACPP");

  private static final Set<String> NEW = Set.of("LONG_SHAPE", "MIXED_DATA_TYPES");

  private final String source;
  private final DataInputStream in;
  private final boolean doubles;
  private final long total;
  private long taken;

  /**
   * @param packed the compressed size, which bounds what is allocated
   */
  Coefficients(String source, InputStream stream, long packed) throws IOException {
    this.source = source;
    this.in = new DataInputStream(stream);
    Header shape = header();
    int width = shape.type.equals("LONG") ? Long.BYTES : Integer.BYTES;
    if (!Set.of("LONG", "INT").contains(shape.type) || shape.length > LONGEST_SHAPE) {
      throw unreadable("a shape of " + shape.length + " elements of type " + shape.type);
    }
    read((int) shape.length * width);
    Header data = header();
    if (!Set.of("FLOAT", "DOUBLE").contains(data.type)) {
      throw new UnsupportedException(
          source + ": parameters of type " + data.type,
          "Convert the network in DL4J by convertDataType(DataType.FLOAT) and save it again");
    }
    this.doubles = data.type.equals("DOUBLE");
    this.total = data.length;
    long bytes = Math.multiplyExact(total, doubles ? (long) Double.BYTES : Float.BYTES);
    if (bytes > SMALL && bytes / MOST_INFLATION > packed) {
      throw new FormatException(
          source,
          total + " parameters in " + packed + " bytes; no trained network is that compressible");
    }
  }

  private record Header(long length, String type) {}

  private Header header() throws IOException {
    try {
      String allocation = in.readUTF();
      if (!OLD.contains(allocation) && !NEW.contains(allocation)) {
        throw unreadable("the allocation '" + brief(allocation) + "'");
      }
      long length = OLD.contains(allocation) ? in.readInt() : in.readLong();
      String type = in.readUTF();
      if (length < 0 || length > Long.MAX_VALUE / Double.BYTES) {
        throw unreadable("a length of " + length);
      }
      return new Header(length, brief(type));
    } catch (UTFDataFormatException e) {
      throw unreadable("bytes that are no text");
    } catch (EOFException e) {
      throw truncated();
    }
  }

  private static String brief(String text) {
    return text.length() > 40 ? text.substring(0, 40) + ".." : text;
  }

  private FormatException unreadable(String got) {
    return new FormatException(
        source, "expected what ModelSerializer.writeModel writes, got " + got + "; save it again");
  }

  private FormatException truncated() {
    return new FormatException(
        source, "it ends too early; it was cut off: save or copy the network again");
  }

  /** How many there are. */
  long total() {
    return total;
  }

  /** The next numbers, those of a layer. */
  float[] take(String layer, int count) throws IOException {
    if (count > total - taken) {
      throw new FormatException(
          source,
          "the configuration gives "
              + layer
              + " "
              + count
              + " parameters, but of "
              + total
              + " only "
              + (total - taken)
              + " are left; configuration and coefficients are not of one network");
    }
    taken += count;
    float[] values = new float[count];
    for (int at = 0; at < values.length; ) {
      int n = Math.min(values.length - at, CHUNK);
      ByteBuffer bytes = read(n * (doubles ? Double.BYTES : Float.BYTES));
      if (doubles) {
        DoubleBuffer wide = bytes.asDoubleBuffer();
        for (int i = 0; i < n; i++) {
          values[at + i] = (float) wide.get(i);
        }
      } else {
        bytes.asFloatBuffer().get(values, at, n);
      }
      at += n;
    }
    return values;
  }

  private ByteBuffer read(int bytes) throws IOException {
    byte[] read = in.readNBytes(bytes);
    if (read.length < bytes) {
      throw truncated();
    }
    return ByteBuffer.wrap(read);
  }

  /** Checks that every number belonged to a layer. */
  void requireNoMore() {
    if (taken < total) {
      throw new FormatException(
          source,
          "the configuration has "
              + taken
              + " parameters, the coefficients "
              + total
              + "; they are not of one network");
    }
  }
}
