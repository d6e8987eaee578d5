package io.athanor.registry;

import io.athanor.api.error.ConflictException;
import io.athanor.api.error.NotFoundException;
import io.athanor.api.registry.ModelVersion;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;

/** The main class of child processes that work on a registry. */
final class RegistryProcess {
  private RegistryProcess() {}

  /**
   * Starts a child: {@code churn STORE FOLDER SEED} until killed, with a line after the first
   * round, or {@code race STORE FOLDER COUNT}.
   */
  static Process start(String job, TestStore store, Path folder, long number) throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("-XX:TieredStopAtLevel=1");
    command.addAll(store.systemProperties());
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.addAll(
        List.of(
            RegistryProcess.class.getName(),
            job,
            store.name(),
            folder.toString(),
            Long.toString(number)));
    return new ProcessBuilder(command).redirectErrorStream(true).start();
  }

  /** Reads what a child prints up to a line, or to the end if that line never comes. */
  static String outputUpTo(String line, Process process) throws IOException {
    StringBuilder output = new StringBuilder();
    for (int c = process.getInputStream().read(); c >= 0; c = process.getInputStream().read()) {
      output.append((char) c);
      if (output.toString().endsWith(line)) {
        break;
      }
    }
    return output.toString();
  }

  static String rest(Process process) throws IOException {
    return new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
  }

  public static void main(String[] arguments) throws IOException {
    TestStore store = TestStore.valueOf(arguments[1]);
    Path folder = Path.of(arguments[2]);
    long number = Long.parseLong(arguments[3]);
    Path scratch = Files.createTempDirectory("registry-process");
    try (ModelRegistry registry = store.in(folder).open()) {
      if (arguments[0].equals("churn")) {
        churn(registry, scratch, new Random(number));
      } else {
        race(registry, scratch, number);
      }
    }
  }

  private static void churn(ModelRegistry registry, Path scratch, Random random) {
    for (long round = 0; ; round++) {
      if (round == 1) {
        System.out.println("has registered");
      }
      String name = random.nextBoolean() ? "left" : "right";
      ModelVersion version = register(registry, scratch, name, "content " + random.nextInt(5));
      registry.promote(version, "latest").apply();
      if (random.nextInt(3) > 0) {
        List<ModelVersion> all = registry.versions(name);
        ModelVersion victim = all.get(random.nextInt(all.size()));
        if (registry.delete(victim).plan().possible()) {
          registry.delete(victim).apply();
        }
      }
      if (random.nextInt(5) == 0) {
        registry.collectGarbage();
      }
    }
  }

  private static void race(ModelRegistry registry, Path scratch, long count) {
    for (long i = 0; i < count; i++) {
      ModelVersion version = register(registry, scratch, "shared", "same for all");
      while (true) {
        try {
          registry.promote(version, "latest").apply();
          break;
        } catch (ConflictException e) {
          if (!e.retryable()) {
            throw e;
          }
        }
      }
      ModelVersion lost = register(registry, scratch, "passing", "same for all");
      try {
        registry.delete(lost).apply();
      } catch (NotFoundException e) {
        throw new AssertionError("nobody else deletes " + lost, e);
      }
    }
  }

  private static ModelVersion register(
      ModelRegistry registry, Path scratch, String name, String content) {
    return registry.registration(name, TestModels.folder(scratch, content)).register();
  }
}
