package io.athanor.deploy.rollout;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.athanor.api.common.AtomicFile;
import io.athanor.api.common.JsonFields;
import io.athanor.api.deploy.RolloutPhase;
import io.athanor.api.deploy.RolloutState;
import io.athanor.api.deploy.RolloutStore;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.StorageException;
import io.athanor.api.registry.Principal;
import io.athanor.api.registry.VersionId;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;

/**
 * Rollouts in a folder, for hosts without a registry: a file for each model and alias, a line of
 * JSON for each change there ever was. Lines are only added, and forced to disk. Any number of
 * processes of one machine may use the folder. Thread-safe.
 */
public final class FileRollouts implements RolloutStore {
  private static final String ENDING = ".jsonl";
  private static final long LONGEST = 64L << 20;
  private static final Object IN_THIS_PROCESS = new Object();

  private final Path folder;

  private FileRollouts(Path folder) {
    this.folder = folder;
  }

  /**
   * A folder of rollouts; it is made with the first.
   *
   * @param folder on a local disk
   */
  public static FileRollouts in(Path folder) {
    return new FileRollouts(folder.toAbsolutePath().normalize());
  }

  @Override
  public Optional<RolloutState> read(String model, String alias) {
    List<RolloutState> all = history(model, alias);
    return all.isEmpty() ? Optional.empty() : Optional.of(all.get(all.size() - 1));
  }

  /**
   * Every state there was, oldest first.
   *
   * @throws StorageException if the file cannot be read
   * @throws FormatException if it is damaged; names the line
   */
  public List<RolloutState> history(String model, String alias) {
    Path file = file(model, alias);
    return Files.exists(file) ? parse(file, content(file)) : List.of();
  }

  @Override
  public List<RolloutState> all() {
    if (!Files.isDirectory(folder)) {
      return List.of();
    }
    List<Path> files;
    try (Stream<Path> inside = Files.list(folder)) {
      files = inside.filter(file -> file.toString().endsWith(ENDING)).sorted().toList();
    } catch (IOException e) {
      throw new StorageException(folder.toString(), "cannot be listed (" + e + ")", e);
    }
    List<RolloutState> last = new ArrayList<>();
    for (Path file : files) {
      List<RolloutState> states = parse(file, content(file));
      if (!states.isEmpty()) {
        last.add(states.get(states.size() - 1));
      }
    }
    return List.copyOf(last);
  }

  @Override
  public RolloutState write(RolloutState next) {
    Path file = file(next.model(), next.alias());
    synchronized (IN_THIS_PROCESS) {
      try {
        Files.createDirectories(folder);
        try (FileChannel channel =
            FileChannel.open(
                file,
                StandardOpenOption.CREATE,
                StandardOpenOption.READ,
                StandardOpenOption.WRITE)) {
          channel.lock();
          String before = content(file);
          List<RolloutState> states = parse(file, before);
          next.requireFollows(
              states.isEmpty() ? Optional.empty() : Optional.of(states.get(states.size() - 1)));
          append(channel, wholeLines(before), line(next));
          return next;
        }
      } catch (IOException e) {
        throw new StorageException(
            file.toString(),
            "cannot be written ("
                + e
                + "). Check that the folder is writable and the disk not full",
            e);
      }
    }
  }

  /** Overwrites what a killed process may have left of a line. */
  private void append(FileChannel channel, String kept, String line) throws IOException {
    long end = kept.getBytes(StandardCharsets.UTF_8).length;
    channel.truncate(end);
    channel.position(end);
    ByteBuffer bytes = ByteBuffer.wrap(line.getBytes(StandardCharsets.UTF_8));
    while (bytes.hasRemaining()) {
      channel.write(bytes);
    }
    channel.force(true);
    if (end == 0) {
      AtomicFile.forceFolder(folder);
    }
  }

  private Path file(String model, String alias) {
    return folder.resolve(
        VersionId.requireName("model", model)
            + "@"
            + VersionId.requireName("alias", alias)
            + ENDING);
  }

  private static String content(Path file) {
    try {
      if (Files.size(file) > LONGEST) {
        throw new FormatException(
            file.toString(),
            "has " + Files.size(file) + " bytes, at most " + LONGEST + " are read");
      }
      return Files.readString(file);
    } catch (CharacterCodingException e) {
      throw new FormatException(file.toString(), "is not UTF-8", e);
    } catch (IOException e) {
      throw new StorageException(file.toString(), "cannot be read (" + e + ")", e);
    }
  }

  private static String wholeLines(String content) {
    return content.substring(0, content.lastIndexOf('\n') + 1);
  }

  private static List<RolloutState> parse(Path file, String content) {
    List<RolloutState> states = new ArrayList<>();
    wholeLines(content)
        .lines()
        .forEach(line -> states.add(state(file + " line " + (states.size() + 1), line)));
    return states;
  }

  private static String line(RolloutState state) {
    return JsonNodeFactory.instance
            .objectNode()
            .put("revision", state.revision())
            .put("model", state.model())
            .put("alias", state.alias())
            .put("champion", state.champion())
            .put("candidate", state.candidate())
            .put("phase", JsonFields.lower(state.phase()))
            .put("step", state.step())
            .put("begun", state.begun().toString())
            .put("changed", state.changed().toString())
            .put("by", state.by().name())
            .put("reason", state.reason())
            .put("strategy", state.strategy())
        + "\n";
  }

  private static RolloutState state(String source, String line) {
    JsonFields json = JsonFields.parse(source, line);
    return json.checked(
        () ->
            new RolloutState(
                json.text("model"),
                json.text("alias"),
                json.text("champion"),
                json.text("candidate"),
                json.text("strategy"),
                json.choice("phase", RolloutPhase.class),
                json.smallInteger("step"),
                json.instant("begun"),
                json.instant("changed"),
                new Principal(json.text("by")),
                json.text("reason"),
                json.integer("revision")));
  }
}
