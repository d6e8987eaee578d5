package io.athanor.deploy.rollout;

import io.athanor.api.deploy.RolloutState;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.StorageException;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The scores of a rollout's compared answers, a line for each pair, after one that names the
 * rollout. They survive the process, and those of the last seconds not always the loss of power.
 * Not thread-safe.
 */
final class KeptComparisons {
  private static final Logger LOG = LoggerFactory.getLogger(KeptComparisons.class);
  private static final String ENDING = ".comparisons";
  private static final long LONGEST = 64L << 20;

  private final Path file;
  private final List<Pair> before;
  private boolean writable = true;

  /** What champion and candidate got for their answers to one request. */
  record Pair(double champion, double candidate) {}

  private KeptComparisons(Path file, List<Pair> before) {
    this.file = file;
    this.before = before;
  }

  /**
   * Opens those of a rollout, in place of those of an earlier one.
   *
   * @throws StorageException if they cannot be read, or not be written
   * @throws FormatException if they are damaged; names the line
   */
  static KeptComparisons of(RolloutState rollout, Path folder) {
    Path file = folder.resolve(rollout.model() + "@" + rollout.alias() + ENDING);
    String heading = rollout.candidate() + " " + rollout.begun();
    try {
      Files.createDirectories(folder);
      String content = Files.exists(file) ? content(file) : "";
      String whole = content.substring(0, content.lastIndexOf('\n') + 1);
      List<String> lines = whole.lines().toList();
      boolean same = !lines.isEmpty() && lines.get(0).equals(heading);
      List<Pair> before = same ? pairs(file, lines) : List.of();
      if (!same || whole.length() < content.length()) {
        Files.writeString(file, same ? whole : heading + "\n");
      }
      return new KeptComparisons(file, before);
    } catch (CharacterCodingException e) {
      throw new FormatException(file.toString(), "is not UTF-8", e);
    } catch (IOException e) {
      throw new StorageException(
          file.toString(),
          "cannot be used (" + e + "). Check that the folder is writable and the disk not full",
          e);
    }
  }

  private static String content(Path file) throws IOException {
    long size = Files.size(file);
    if (size > LONGEST) {
      throw new FormatException(
          file.toString(), "has " + size + " bytes, at most " + LONGEST + " are read");
    }
    return Files.readString(file);
  }

  private static List<Pair> pairs(Path file, List<String> lines) {
    List<Pair> pairs = new ArrayList<>(lines.size());
    for (int i = 1; i < lines.size(); i++) {
      int number = i + 1;
      String line = lines.get(i);
      pairs.add(
          pair(line)
              .orElseThrow(
                  () ->
                      new FormatException(
                          file.toString(),
                          number,
                          null,
                          "must be two scores from 0 to 1, got '"
                              + line
                              + "'. Delete the file to go on without what was compared")));
    }
    return pairs;
  }

  private static Optional<Pair> pair(String line) {
    String[] scores = line.split(" ", -1);
    if (scores.length != 2) {
      return Optional.empty();
    }
    try {
      double champion = Double.parseDouble(scores[0]);
      double candidate = Double.parseDouble(scores[1]);
      return Optional.of(new Pair(champion, candidate))
          .filter(pair -> QualityGuard.isScore(champion) && QualityGuard.isScore(candidate));
    } catch (NumberFormatException e) {
      return Optional.empty();
    }
  }

  /** Those of processes before this one, oldest first. */
  List<Pair> before() {
    return before;
  }

  /** Adds a pair. Where that fails it and what follows is not kept, so that no gap comes about. */
  void add(double champion, double candidate) {
    if (writable) {
      try {
        Files.writeString(
            file,
            champion + " " + candidate + "\n",
            StandardCharsets.UTF_8,
            StandardOpenOption.WRITE,
            StandardOpenOption.APPEND);
      } catch (IOException e) {
        writable = false;
        LOG.warn(
            "{} cannot be written; after a restart, comparisons from now on are lost", file, e);
      }
    }
  }
}
