package io.athanor.registry;

import io.athanor.api.common.Digest;
import io.athanor.api.error.AthanorException;
import io.athanor.api.error.NotFoundException;
import io.athanor.registry.store.SettingTable;
import io.athanor.registry.store.StatisticsQuery;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Whether a registry can be worked with: the database, the folder, and the place of the files,
 * which is asked for one of them. What is wrong with single files or rows only {@link
 * ModelRegistry#verify} finds, which reads everything.
 *
 * @param readable whether the database answers
 * @param writable whether a row and a file could be written
 * @param freeBytes of the disk with the registry's folder; 0 where that could not be found out
 * @param problems one sentence each; empty if all is well
 */
public record RegistryHealth(
    boolean readable, boolean writable, long freeBytes, List<String> problems) {
  private static final String SETTING = "health";

  /** A model may need more; with less than this, nothing is sure to work. */
  private static final long LITTLE = 256L << 20;

  public RegistryHealth {
    problems = List.copyOf(problems);
  }

  /** Whether there is nothing wrong. */
  public boolean sound() {
    return problems.isEmpty();
  }

  static RegistryHealth of(ModelRegistry registry) {
    Path folder = registry.files().root();
    List<String> problems = new ArrayList<>();
    boolean readable = attempt("database cannot be read: ", problems, () -> read(registry));
    boolean row =
        readable && attempt("database cannot be written: ", problems, () -> write(registry));
    boolean file = attempt("folder cannot be written: ", problems, () -> probe(folder));
    if (readable) {
      attempt("files cannot be reached: ", problems, () -> reachFiles(registry));
    }
    long free = 0;
    try {
      free = Files.getFileStore(folder).getUsableSpace();
      if (free < LITTLE) {
        problems.add("only " + (free >> 20) + " MiB are free on the disk of " + folder);
      }
    } catch (IOException e) {
      problems.add("free space of " + folder + " is not known (" + e + ")");
    }
    return new RegistryHealth(readable, row && file, free, problems);
  }

  @FunctionalInterface
  private interface Step {
    void run() throws IOException;
  }

  private static boolean attempt(String what, List<String> problems, Step step) {
    try {
      step.run();
      return true;
    } catch (AthanorException | IOException e) {
      problems.add(what + e.getMessage());
      return false;
    }
  }

  private static void read(ModelRegistry registry) {
    registry.transactions().read(session -> new SettingTable().value(session, SETTING));
  }

  private static void write(ModelRegistry registry) {
    registry
        .transactions()
        .write(
            session -> {
              new SettingTable().set(session, SETTING, registry.now().toString());
              return true;
            });
  }

  /** Asks for one content, as a store or folder that is not mounted looks like an empty one. */
  private static void reachFiles(ModelRegistry registry) {
    Optional<Digest> wanted = registry.transactions().read(StatisticsQuery::anyContent);
    boolean there = registry.files().has(wanted.orElse(Digest.ofText("")));
    if (!there && wanted.isPresent() && isUsed(registry, wanted.get())) {
      throw new NotFoundException(
          "content " + wanted.get(),
          List.of(),
          "A version has it. Is the place of the files mounted, and the right one?");
    }
  }

  private static boolean isUsed(ModelRegistry registry, Digest content) {
    return registry.transactions().read(session -> registry.versionTable().uses(session, content));
  }

  private static void probe(Path folder) throws IOException {
    Path file = Files.createTempFile(folder, "health", ".tmp");
    Files.delete(file);
  }
}
