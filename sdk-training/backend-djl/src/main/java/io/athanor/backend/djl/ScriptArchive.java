package io.athanor.backend.djl;

import io.athanor.api.common.Tensor;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.LocalDateTime;
import java.util.Map;
import java.util.TreeMap;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/**
 * The archive {@code torch.jit.load} reads: a zip with the text of classes, a pickle of one object,
 * and the elements of its tensors. Format: PyTorch 2.7, torch/csrc/jit/serialization, produced file
 * format version 10.
 */
final class ScriptArchive {
  static final String CLASSES = "code/__torch__.py";

  private static final String FOLDER = "program/";
  private static final byte[] VERSION = ascii("10\n");
  private static final byte[] LITTLE_ENDIAN = ascii("little");
  private static final byte[] EMPTY_TUPLE = {(byte) 0x80, 2, ')', '.'};
  private static final LocalDateTime NO_TIME = LocalDateTime.of(1980, 1, 1, 0, 0);
  private static final int CHUNK = 1 << 16;

  private ScriptArchive() {}

  /** One whose attributes are empty lists of tensors, which Java binds after loading. */
  static byte[] write(ProgramWriter.Text program) {
    Pickle object = new Pickle().begin(ProgramWriter.CLASS).text("training").flag(true);
    program.attributes().forEach(attribute -> object.text(attribute).noTensors());
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try {
      if (program.foreign().isPresent()) {
        write(bytes, program.text(), object, program.foreign().get());
      } else {
        write(bytes, program.text(), object.end(), Map.of());
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }

  /** The parameters of the foreign program are zeros, to be replaced. */
  private static void write(
      OutputStream out, String classText, Pickle object, ForeignScript foreign) throws IOException {
    Map<String, byte[]> entries = new TreeMap<>(foreign.entries());
    byte[] classes = (foreign.text(CLASSES) + classText).getBytes(StandardCharsets.UTF_8);
    entries.put(CLASSES, classes);
    byte[] module = foreign.entry(ForeignScript.OBJECT);
    entries.put(ForeignScript.OBJECT, object.text("foreign").value(module).end().finish());
    ZipOutputStream zip = new ZipOutputStream(out);
    for (Map.Entry<String, byte[]> entry : entries.entrySet()) {
      zip.putNextEntry(new ZipEntry(FOLDER + entry.getKey()));
      zip.write(entry.getValue());
      zip.closeEntry();
    }
    byte[] zeros = new byte[CHUNK];
    for (ForeignScript.Slot slot : foreign.parameters().values()) {
      zip.putNextEntry(new ZipEntry(FOLDER + ForeignScript.DATA + slot.storage()));
      for (long left = slot.bytes(); left > 0; left -= CHUNK) {
        zip.write(zeros, 0, (int) Math.min(left, CHUNK));
      }
      zip.closeEntry();
    }
    zip.finish();
  }

  /**
   * Writes tensor by tensor.
   *
   * @param classes text of the object's class and of those it uses
   * @param object whole
   * @param extra texts for whoever loads the file, by name
   */
  static void write(OutputStream out, String classes, Pickle object, Map<String, String> extra)
      throws IOException {
    ZipOutputStream zip = new ZipOutputStream(out);
    zip.setMethod(ZipOutputStream.STORED);
    for (Map.Entry<String, String> entry : extra.entrySet()) {
      put(zip, "extra/" + entry.getKey(), entry.getValue().getBytes(StandardCharsets.UTF_8));
    }
    put(zip, "data.pkl", object.finish());
    put(zip, CLASSES, classes.getBytes(StandardCharsets.UTF_8));
    put(zip, "constants.pkl", EMPTY_TUPLE);
    put(zip, "version", VERSION);
    put(zip, "byteorder", LITTLE_ENDIAN);
    int index = 0;
    for (Tensor tensor : object.tensors()) {
      put(zip, "data/" + index++, tensor.bytes());
    }
    zip.finish();
  }

  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }

  private static void put(ZipOutputStream zip, String name, byte[] bytes) throws IOException {
    put(zip, name, ByteBuffer.wrap(bytes));
  }

  private static void put(ZipOutputStream zip, String name, ByteBuffer bytes) throws IOException {
    ZipEntry entry = new ZipEntry(FOLDER + name);
    CRC32 crc = new CRC32();
    crc.update(bytes.duplicate());
    entry.setSize(bytes.remaining());
    entry.setCompressedSize(bytes.remaining());
    entry.setCrc(crc.getValue());
    entry.setTimeLocal(NO_TIME);
    zip.putNextEntry(entry);
    byte[] chunk = new byte[Math.min(CHUNK, bytes.remaining())];
    while (bytes.hasRemaining()) {
      int count = Math.min(chunk.length, bytes.remaining());
      bytes.get(chunk, 0, count);
      zip.write(chunk, 0, count);
    }
    zip.closeEntry();
  }
}
