package io.athanor.backend.dl4j.network;

import io.athanor.api.error.FormatException;
import io.athanor.api.error.NotFoundException;
import io.athanor.api.error.StorageException;
import java.io.BufferedInputStream;
import java.io.Closeable;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.zip.ZipEntry;
import java.util.zip.ZipException;
import java.util.zip.ZipFile;

/**
 * The file of DL4J's {@code ModelSerializer}. Only its configuration and its coefficients are read:
 * a normalizer or preprocessor in it may be a serialised Java object, which nobody should wake.
 */
final class NetworkZip implements Closeable {
  private static final String CONFIGURATION = "configuration.json";
  private static final String COEFFICIENTS = "coefficients.bin";
  private static final int LARGEST_CONFIGURATION = 16 << 20;

  private final String source;
  private final ZipFile zip;

  private NetworkZip(String source, ZipFile zip) {
    this.source = source;
    this.zip = zip;
  }

  static NetworkZip open(Path file) {
    String source = file.toString();
    if (!Files.isRegularFile(file)) {
      throw missing(file);
    }
    try {
      return new NetworkZip(source, new ZipFile(file.toFile()));
    } catch (NoSuchFileException e) {
      throw missing(file);
    } catch (ZipException e) {
      throw new FormatException(
          source,
          "expected the zip that ModelSerializer.writeModel writes ("
              + e.getMessage()
              + "); save or copy the network again",
          e);
    } catch (IOException e) {
      throw unreadable(source, e);
    }
  }

  private static NotFoundException missing(Path file) {
    return new NotFoundException("file " + file, List.of(), "Check the path");
  }

  static StorageException unreadable(String source, IOException e) {
    return new StorageException(source, "cannot be read (" + e + ")", e);
  }

  String source() {
    return source;
  }

  boolean has(String entry) {
    return zip.getEntry(entry) != null;
  }

  String configuration() throws IOException {
    try (InputStream in = zip.getInputStream(entry(CONFIGURATION))) {
      byte[] bytes = in.readNBytes(LARGEST_CONFIGURATION + 1);
      if (bytes.length > LARGEST_CONFIGURATION) {
        throw new FormatException(
            source,
            CONFIGURATION + " has more than " + LARGEST_CONFIGURATION + " bytes; no network has");
      }
      return new String(bytes, StandardCharsets.UTF_8);
    }
  }

  /** The coefficients, to be read while this is open. */
  Coefficients coefficients() throws IOException {
    ZipEntry entry = entry(COEFFICIENTS);
    InputStream in = new BufferedInputStream(zip.getInputStream(entry), 1 << 16);
    return new Coefficients(
        source + ", " + COEFFICIENTS, in, Math.min(entry.getCompressedSize(), fileSize()));
  }

  private long fileSize() throws IOException {
    return Files.size(Path.of(zip.getName()));
  }

  private ZipEntry entry(String name) {
    ZipEntry entry = zip.getEntry(name);
    if (entry == null) {
      List<String> found =
          Collections.list(zip.entries()).stream().limit(10).map(ZipEntry::getName).toList();
      throw new FormatException(
          source,
          "expected the entries "
              + CONFIGURATION
              + " and "
              + COEFFICIENTS
              + ", got "
              + found
              + "; save the network by ModelSerializer.writeModel");
    }
    return entry;
  }

  @Override
  public void close() throws IOException {
    zip.close();
  }
}
