package io.athanor.registry.mlflow;

import io.athanor.api.common.JsonFields;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.StorageException;
import io.athanor.api.error.UnsupportedException;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;

/** Files that a server keeps for its users. Thread-safe. */
final class Artifacts {
  private static final String PATH = "/api/2.0/mlflow-artifacts/artifacts";
  private static final int MOST_FILES = 10_000;
  private static final int DEEPEST = 20;
  private static final int LONGEST_NAME = 255;

  private final Rest rest;
  private final URI server;

  Artifacts(Rest rest, URI server) {
    this.rest = rest;
    this.server = server;
  }

  /**
   * The path below the server's artifacts that an address means.
   *
   * @throws UnsupportedException if the files are elsewhere
   * @throws FormatException if it is no address
   */
  String path(String address) {
    URI uri;
    try {
      uri = URI.create(address);
    } catch (IllegalArgumentException e) {
      throw new FormatException(server.toString(), "not the address of artifacts: " + address, e);
    }
    boolean here =
        uri.getAuthority() == null || uri.getAuthority().equalsIgnoreCase(server.getAuthority());
    if (!"mlflow-artifacts".equals(uri.getScheme()) || !here || uri.getPath() == null) {
      throw new UnsupportedException(
          "artifacts at " + address + ", which the server at " + server + " does not serve",
          "Start the MLflow server with --serve-artifacts and an --artifacts-destination, or fetch"
              + " the files yourself and register their folder");
    }
    List<String> names =
        Arrays.stream(uri.getPath().split("/", -1)).filter(name -> !name.isEmpty()).toList();
    names.forEach(this::requirePlain);
    return String.join("/", names);
  }

  /** Stores a file. */
  void upload(String path, Path file) {
    rest.put(at(path), file);
  }

  private static String at(String path) {
    return PATH
        + "/"
        + Arrays.stream(path.split("/", -1)).map(Rest::encode).collect(Collectors.joining("/"));
  }

  /** One file. */
  private record Remote(String path, Optional<Long> bytes) {}

  /**
   * Fetches every file below a path.
   *
   * @param folder absent; it is whole when this returns
   * @param mostBytes of all files together
   */
  void download(String path, Path folder, long mostBytes) {
    List<Remote> files = new ArrayList<>();
    list(path, "", 0, files);
    if (files.isEmpty()) {
      throw new FormatException(server + " " + path, "no files; expected those of a model");
    }
    long left = mostBytes;
    for (Remote file : files) {
      Path target = folder.resolve(file.path());
      try {
        Files.createDirectories(target.getParent() == null ? folder : target.getParent());
      } catch (IOException e) {
        throw new StorageException(target.toString(), "cannot be written (" + e + ")", e);
      }
      long bytes = rest.download(at(path + "/" + file.path()), target, left);
      if (file.bytes().isPresent() && file.bytes().get() != bytes) {
        throw new FormatException(
            server + " " + path + "/" + file.path(),
            "expected " + file.bytes().get() + " bytes as the server listed, got " + bytes);
      }
      left -= bytes;
    }
  }

  private void list(String path, String below, int depth, List<Remote> files) {
    if (depth > DEEPEST) {
      throw new FormatException(server + " " + path, "folders nest deeper than " + DEEPEST);
    }
    JsonFields listing =
        rest.get(PATH, Map.of("path", below.isEmpty() ? path : path + "/" + below)).fields();
    if (!listing.has("files")) {
      return;
    }
    Set<String> names = new HashSet<>();
    for (JsonFields entry : listing.objects("files", MOST_FILES, file -> file)) {
      String name = entry.text("path");
      requirePlain(name);
      if (!names.add(name.toLowerCase(Locale.ROOT))) {
        throw new FormatException(
            server + " " + path, "'" + name + "' is there twice, but for capital letters");
      }
      String whole = below.isEmpty() ? name : below + "/" + name;
      if (entry.has("is_dir") && entry.flag("is_dir")) {
        list(path, whole, depth + 1, files);
      } else {
        files.add(
            new Remote(
                whole, entry.has("file_size") ? Optional.of(size(entry)) : Optional.empty()));
      }
      if (files.size() > MOST_FILES) {
        throw new FormatException(server + " " + path, "more than " + MOST_FILES + " files");
      }
    }
  }

  /** MLflow writes 64-bit numbers as numbers here and as texts elsewhere. */
  private static long size(JsonFields entry) {
    return entry.integer("file_size");
  }

  private void requirePlain(String name) {
    if (name.isEmpty()
        || name.length() > LONGEST_NAME
        || name.equals(".")
        || name.equals("..")
        || name.chars().anyMatch(c -> c == '/' || c == '\\' || Character.isISOControl(c))) {
      throw new FormatException(
          server.toString(),
          "not a plain file name, refused: '" + name.replaceAll("\\p{Cntrl}", "?") + "'");
    }
  }
}
