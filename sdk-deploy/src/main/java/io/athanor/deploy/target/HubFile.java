package io.athanor.deploy.target;

import io.athanor.api.common.Digest;
import io.athanor.api.error.NotFoundException;
import io.athanor.api.error.StorageException;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Stream;

/**
 * A file for a repository.
 *
 * @param path in the repository, with {@code /}
 * @param bytes its size
 * @param sha256 by which large files are known there
 * @param gitBlob by which Git knows a small one
 * @param sample its first 512 bytes in Base64, by which the Hub tells text from other content
 */
record HubFile(String path, Path file, long bytes, Digest sha256, String gitBlob, String sample) {
  private static final int SAMPLE = 512;

  /**
   * The files below a folder, hidden ones left out, in the order of their paths.
   *
   * @throws NotFoundException if there is none
   * @throws StorageException if one cannot be read
   */
  static List<HubFile> below(Path folder) {
    List<HubFile> files = new ArrayList<>();
    try (Stream<Path> walk = Files.walk(folder)) {
      for (Path file : walk.filter(Files::isRegularFile).sorted().toList()) {
        String path = folder.relativize(file).toString().replace('\\', '/');
        if (!path.startsWith(".") && !path.contains("/.")) {
          files.add(of(path, file));
        }
      }
    } catch (IOException | UncheckedIOException e) {
      throw new StorageException(folder.toString(), "cannot be read (" + e + ")", e);
    }
    if (files.isEmpty()) {
      throw new NotFoundException(
          "file below " + folder, List.of(), "Name the folder that holds the model");
    }
    return files;
  }

  private static HubFile of(String path, Path file) throws IOException {
    long bytes = Files.size(file);
    MessageDigest sha256 = Digest.sha256();
    MessageDigest git = sha1();
    git.update(("blob " + bytes + "\0").getBytes(StandardCharsets.US_ASCII));
    byte[] sample;
    try (InputStream in = Files.newInputStream(file)) {
      byte[] buffer = new byte[1 << 16];
      sample = in.readNBytes(SAMPLE);
      sha256.update(sample);
      git.update(sample);
      for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
        sha256.update(buffer, 0, n);
        git.update(buffer, 0, n);
      }
    }
    String blob = HexFormat.of().formatHex(git.digest());
    return new HubFile(
        path, file, bytes, Digest.finish(sha256), blob, Base64.getEncoder().encodeToString(sample));
  }

  private static MessageDigest sha1() {
    try {
      return MessageDigest.getInstance("SHA-1");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("Every Java platform has SHA-1", e);
    }
  }

  byte[] content() {
    try {
      return Files.readAllBytes(file);
    } catch (IOException e) {
      throw new StorageException(file.toString(), "cannot be read (" + e + ")", e);
    }
  }
}
