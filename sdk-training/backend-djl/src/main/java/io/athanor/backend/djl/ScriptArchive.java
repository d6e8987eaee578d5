package io.athanor.backend.djl;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/**
 * The archive {@code torch.jit.load} reads: a zip with the class text and a pickle of one object.
 * All attributes are empty lists of tensors, which Java binds after loading. Format: PyTorch 2.7,
 * torch/csrc/jit/serialization, produced file format version 10.
 */
final class ScriptArchive {
  private static final String VERSION = "10\n";
  private static final byte[] EMPTY_TUPLE = {(byte) 0x80, 2, ')', '.'};

  private ScriptArchive() {}

  /**
   * @param className name of the class in the text
   * @param listAttributes names of its attributes of type {@code List[Tensor]}
   */
  static byte[] write(String className, String classText, List<String> listAttributes) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ZipOutputStream zip = new ZipOutputStream(bytes)) {
      zip.setMethod(ZipOutputStream.STORED);
      put(zip, "program/data.pkl", object(className, listAttributes));
      put(zip, "program/code/__torch__.py", classText.getBytes(StandardCharsets.UTF_8));
      put(zip, "program/constants.pkl", EMPTY_TUPLE);
      put(zip, "program/version", VERSION.getBytes(StandardCharsets.UTF_8));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return bytes.toByteArray();
  }

  /** Pickle protocol 2: a new object whose state maps attribute names to values. */
  private static byte[] object(String className, List<String> listAttributes) throws IOException {
    ByteArrayOutputStream pickle = new ByteArrayOutputStream();
    pickle.write(0x80);
    pickle.write(2);
    global(pickle, "__torch__", className);
    pickle.write(')');
    pickle.write(0x81);
    pickle.write('}');
    pickle.write('(');
    text(pickle, "training");
    pickle.write(0x88);
    for (String attribute : listAttributes) {
      text(pickle, attribute);
      global(pickle, "torch.jit._pickle", "build_tensorlist");
      pickle.write(']');
      pickle.write(0x85);
      pickle.write('R');
    }
    pickle.write('u');
    pickle.write('b');
    pickle.write('.');
    return pickle.toByteArray();
  }

  private static void global(OutputStream pickle, String module, String name) throws IOException {
    pickle.write(("c" + module + "\n" + name + "\n").getBytes(StandardCharsets.UTF_8));
  }

  private static void text(OutputStream pickle, String text) throws IOException {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    pickle.write('X');
    for (int i = 0; i < 4; i++) {
      pickle.write(bytes.length >> (8 * i) & 255);
    }
    pickle.write(bytes);
  }

  private static void put(ZipOutputStream zip, String name, byte[] bytes) throws IOException {
    ZipEntry entry = new ZipEntry(name);
    CRC32 crc = new CRC32();
    crc.update(bytes);
    entry.setSize(bytes.length);
    entry.setCompressedSize(bytes.length);
    entry.setCrc(crc.getValue());
    zip.putNextEntry(entry);
    zip.write(bytes);
    zip.closeEntry();
  }
}
