package io.athanor.registry;

import io.athanor.api.error.AthanorException;
import io.athanor.registry.store.SettingTable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Whether a registry can be worked with. What is wrong with single files or rows only {@link
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

  private static void probe(Path folder) throws IOException {
    Path file = Files.createTempFile(folder, "health", ".tmp");
    Files.delete(file);
  }
}
