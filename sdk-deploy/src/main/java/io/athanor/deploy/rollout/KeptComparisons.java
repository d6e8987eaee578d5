package io.athanor.deploy.rollout;

import io.athanor.api.deploy.RolloutState;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.StorageException;
import java.io.BufferedInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Optional;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The scores of a rollout's compared answers, a line for each pair, after one that names the
 * rollout. They survive the process, and those of the last seconds not always the loss of power.
 * Not thread-safe.
 */
final class KeptComparisons {
  static final long LONGEST = 64L << 20;
  private static final Logger LOG = LoggerFactory.getLogger(KeptComparisons.class);
  private static final String ENDING = ".comparisons";

  private final Path file;
  private final long longest;
  private long bytes;
  private boolean writable = true;

  /** What champion and candidate got for their answers to one request. */
  record Pair(double champion, double candidate) {}

  private KeptComparisons(Path file, long longest, long bytes) {
    this.file = file;
    this.longest = longest;
    this.bytes = bytes;
  }

  /**
   * Opens those of a rollout, in place of those of an earlier one.
   *
   * @param longest bytes that are read and written
   * @param known takes those of processes before this one, oldest first
   * @throws StorageException if they cannot be read, or not be written
   * @throws FormatException if they are damaged; names the line
   */
  static KeptComparisons of(RolloutState rollout, Path folder, long longest, Consumer<Pair> known) {
    Path file = folder.resolve(rollout.model() + "@" + rollout.alias() + ENDING);
    String heading = rollout.candidate() + " " + rollout.begun();
    try {
      Files.createDirectories(folder);
      long whole = Files.exists(file) ? read(file, heading, longest, known) : 0;
      if (whole == 0) {
        Files.writeString(file, heading + "\n");
        whole = Files.size(file);
      } else if (whole < Files.size(file)) {
        try (FileChannel cut = FileChannel.open(file, StandardOpenOption.WRITE)) {
          cut.truncate(whole);
        }
      }
      return new KeptComparisons(file, longest, whole);
    } catch (IOException e) {
      throw new StorageException(
          file.toString(),
          "cannot be used (" + e + "). Check that the folder is writable and the disk not full",
          e);
    }
  }

  /** How many bytes are whole lines of the rollout; 0 if they are another's. */
  private static long read(Path file, String heading, long longest, Consumer<Pair> known)
      throws IOException {
    long size = Files.size(file);
    if (size > longest) {
      throw new FormatException(
          file.toString(), "has " + size + " bytes, at most " + longest + " are read");
    }
    long whole = 0;
    int number = 0;
    ByteArrayOutputStream line = new ByteArrayOutputStream();
    try (InputStream in = new BufferedInputStream(Files.newInputStream(file))) {
      for (int next = in.read(); next >= 0; next = in.read()) {
        if (next != '\n') {
          line.write(next);
          continue;
        }
        String text = line.toString(StandardCharsets.UTF_8);
        number++;
        if (number > 1) {
          known.accept(pair(file, number, text));
        } else if (!text.equals(heading)) {
          return 0;
        }
        whole += line.size() + 1L;
        line.reset();
      }
    }
    return whole;
  }

  private static Pair pair(Path file, int number, String line) {
    return pair(line)
        .orElseThrow(
            () ->
                new FormatException(
                    file.toString(),
                    number,
                    null,
                    "must be two scores from 0 to 1, got '"
                        + line
                        + "'. Delete the file to go on without what was compared"));
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

  /**
   * Adds a pair. Where that fails or there are enough it and what follows is not kept, so that no
   * gap comes about: what came first is evidence for itself.
   */
  void add(double champion, double candidate) {
    String line = champion + " " + candidate + "\n";
    if (writable && bytes + line.length() > longest) {
      writable = false;
      LOG.warn(
          "{} has {} bytes, at most {} are kept; after a restart, comparisons from now on are lost",
          file,
          bytes,
          longest);
    }
    if (writable) {
      try {
        Files.writeString(
            file,
            line,
            StandardCharsets.UTF_8,
            StandardOpenOption.WRITE,
            StandardOpenOption.APPEND);
        bytes += line.length();
      } catch (IOException e) {
        writable = false;
        LOG.warn(
            "{} cannot be written; after a restart, comparisons from now on are lost", file, e);
      }
    }
  }
}
