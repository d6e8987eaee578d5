package io.athanor.training.checkpoint;

import io.athanor.api.common.AtomicFolder;
import io.athanor.api.common.Digest;
import io.athanor.api.common.JsonFields;
import io.athanor.api.error.ConflictException;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.StorageException;
import io.athanor.api.error.ValidationException;
import io.athanor.api.model.SafeTensors;
import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The checkpoints of one run, a folder each: {@code state.safetensors}, {@code checkpoint.json} and
 * {@code SHA256SUMS}, which {@code sha256sum -c} understands. A folder is whole or absent, and
 * older ones go only when a newer one is safe on disk. Locked against other runs while open. Not
 * thread-safe.
 */
public final class CheckpointFolder implements AutoCloseable {
  /** Begins the names of facts that may change between lives of a run, at the price of its bits. */
  public static final String ENGINE = "engine.";

  private static final Logger LOG = LoggerFactory.getLogger(CheckpointFolder.class);
  private static final String NAME = "step-[0-9]{12}";
  private static final String TENSORS = "state.safetensors";
  private static final String JSON = "checkpoint.json";
  private static final String SUMS = "SHA256SUMS";
  private static final long LARGEST_JSON = 1L << 30;

  private final Path folder;
  private final FileChannel lockFile;

  private CheckpointFolder(Path folder, FileChannel lockFile) {
    this.folder = folder;
    this.lockFile = lockFile;
  }

  /**
   * Opens a folder, creating it if need be, and clears away what a killed process left half
   * written.
   *
   * @throws ConflictException if another run uses it
   * @throws StorageException if it cannot be created, read or written
   */
  public static CheckpointFolder open(Path folder) {
    try {
      Files.createDirectories(folder);
      FileChannel lockFile =
          FileChannel.open(
              folder.resolve(".lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
      try {
        if (lock(lockFile) == null) {
          throw new ConflictException(
              folder + ": another run writes its checkpoints here; choose another folder", true);
        }
        clearTemporary(folder);
      } catch (IOException | RuntimeException e) {
        lockFile.close();
        throw e;
      }
      return new CheckpointFolder(folder, lockFile);
    } catch (IOException e) {
      throw new StorageException(
          folder.toString(),
          "checkpoints cannot be kept here (" + e + "). Choose a folder that can be written",
          e);
    }
  }

  private static @Nullable FileLock lock(FileChannel file) throws IOException {
    try {
      return file.tryLock();
    } catch (OverlappingFileLockException e) {
      return null;
    }
  }

  private static void clearTemporary(Path folder) throws IOException {
    List<Path> leftovers;
    try (Stream<Path> entries = Files.list(folder)) {
      leftovers = entries.filter(p -> name(p).matches("\\." + NAME + ".*")).toList();
    }
    for (Path leftover : leftovers) {
      AtomicFolder.delete(leftover);
    }
  }

  /**
   * The newest checkpoint that is whole; damaged ones are skipped with a warning.
   *
   * @param identity what must be as it was for the run to go on bit by bit
   * @return empty if there is none at all
   * @throws ValidationException if it belongs to another run; lists every difference
   * @throws FormatException if there are some and all are damaged
   * @throws StorageException if they cannot be read
   */
  public Optional<Checkpoint> newest(Map<String, String> identity) {
    List<String> damages = new ArrayList<>();
    for (Path candidate : all()) {
      try {
        return Optional.of(read(candidate, identity));
      } catch (FormatException e) {
        LOG.warn("Skipping a damaged checkpoint: {}", e.getMessage());
        damages.add(e.getMessage());
      }
    }
    if (!damages.isEmpty()) {
      throw new FormatException(
          folder.toString(),
          "none of the "
              + damages.size()
              + " checkpoints is whole: "
              + String.join("; ", damages)
              + ". Restore the folder, or delete it to start anew");
    }
    return Optional.empty();
  }

  private Checkpoint read(Path from, Map<String, String> identity) {
    verify(from);
    JsonFields fields = JsonFields.parse(from.resolve(JSON).toString(), text(from.resolve(JSON)));
    requireSame(from, CheckpointJson.identity(fields), identity);
    return CheckpointJson.read(fields, SafeTensors.readTensors(from.resolve(TENSORS)));
  }

  private static void verify(Path from) {
    StringBuilder actual = new StringBuilder();
    try {
      for (String name : List.of(TENSORS, JSON)) {
        Path file = from.resolve(name);
        if (!Files.isRegularFile(file)) {
          throw new FormatException(from.toString(), "the file " + name + " is missing");
        }
        actual.append(Digest.ofFile(file).hex()).append("  ").append(name).append('\n');
      }
    } catch (IOException e) {
      throw new StorageException(from.toString(), "cannot be read (" + e + ")", e);
    }
    if (!Files.isRegularFile(from.resolve(SUMS))) {
      throw new FormatException(from.toString(), "the file " + SUMS + " is missing");
    }
    if (!text(from.resolve(SUMS)).contentEquals(actual)) {
      throw new FormatException(
          from.toString(), "the content does not have the digests that " + SUMS + " lists");
    }
  }

  private static String text(Path file) {
    try {
      if (Files.size(file) > LARGEST_JSON) {
        throw new FormatException(file.toString(), "larger than " + LARGEST_JSON + " bytes");
      }
      return Files.readString(file);
    } catch (CharacterCodingException e) {
      throw new FormatException(file.toString(), "not UTF-8 text", e);
    } catch (IOException e) {
      throw new StorageException(file.toString(), "cannot be read (" + e + ")", e);
    }
  }

  private static void requireSame(
      Path from, Map<String, String> saved, Map<String, String> current) {
    List<String> differences = new ArrayList<>();
    List<String> ofEngine = new ArrayList<>();
    TreeSet<String> names = new TreeSet<>(saved.keySet());
    names.addAll(current.keySet());
    for (String name : names) {
      String was = saved.getOrDefault(name, "absent");
      String is = current.getOrDefault(name, "absent");
      if (was.equals(is)) {
        continue;
      }
      (name.startsWith(ENGINE) ? ofEngine : differences)
          .add(name + " was " + was + " and is " + is);
    }
    if (!differences.isEmpty()) {
      differences.add(
          "give the run what it had to go on, or another folder (or delete "
              + from.getParent()
              + ") to start anew");
      throw new ValidationException("resume from " + from, differences);
    }
    if (!ofEngine.isEmpty()) {
      LOG.warn(
          "{}: {}; the run goes on from the same weights and optimizer state, but not bit by bit:"
              + " rounding differs, and on another backend also what dropout leaves out",
          from,
          String.join("; ", ofEngine));
    }
  }

  /**
   * Writes a checkpoint, and then deletes the oldest ones.
   *
   * @param keep how many stay
   * @return where it lies
   * @throws StorageException if it cannot be written; older ones are untouched
   */
  public Path save(Checkpoint checkpoint, Map<String, String> identity, int keep) {
    Path target = folder.resolve(String.format(Locale.ROOT, "step-%012d", checkpoint.step()));
    CheckpointJson content = CheckpointJson.write(checkpoint, identity);
    delete(target);
    AtomicFolder.write(
        target,
        temporary -> {
          SafeTensors.write(temporary.resolve(TENSORS), content.tensors(), Map.of());
          Files.writeString(temporary.resolve(JSON), content.json().toString());
          String sums = "";
          for (String name : List.of(TENSORS, JSON)) {
            sums += Digest.ofFile(temporary.resolve(name)).hex() + "  " + name + "\n";
          }
          Files.writeString(temporary.resolve(SUMS), sums);
        });
    // A newer one is damaged, or the run would have gone on from it: it must not count as kept.
    all().stream()
        .filter(other -> name(other).compareTo(name(target)) <= 0)
        .skip(keep)
        .forEach(this::delete);
    return target;
  }

  private static String name(Path path) {
    return path.getFileName().toString();
  }

  /** The checkpoints' folders, newest first. */
  private List<Path> all() {
    try (Stream<Path> entries = Files.list(folder)) {
      return entries.filter(p -> name(p).matches(NAME)).sorted(Comparator.reverseOrder()).toList();
    } catch (IOException e) {
      throw new StorageException(folder.toString(), "cannot be read (" + e + ")", e);
    }
  }

  /** Takes the name away first, so that a half-deleted folder is never taken for a checkpoint. */
  private void delete(Path checkpoint) {
    if (!Files.exists(checkpoint)) {
      return;
    }
    Path unnamed = checkpoint.resolveSibling("." + name(checkpoint) + AtomicFolder.TEMPORARY);
    try {
      AtomicFolder.delete(unnamed);
      Files.move(checkpoint, unnamed, StandardCopyOption.ATOMIC_MOVE);
      AtomicFolder.delete(unnamed);
    } catch (IOException e) {
      LOG.warn("Cannot delete the old checkpoint {}: {}", checkpoint, e.toString());
    }
  }

  /** Lets other runs use the folder; twice is fine. */
  @Override
  public void close() {
    try {
      lockFile.close();
    } catch (IOException e) {
      LOG.warn("Cannot release the lock of {}: {}", folder, e.toString());
    }
  }
}
