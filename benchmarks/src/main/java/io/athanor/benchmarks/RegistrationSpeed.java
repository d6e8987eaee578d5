package io.athanor.benchmarks;

import io.athanor.api.registry.ModelVersion;
import io.athanor.registry.ModelRegistry;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.Writer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Random;

/**
 * How long it takes to register a model of two files, 10 KB of them new, and to point an alias to
 * it; beside a peer that does the same, in turn, version by version. The peer is a process that is
 * told {@code FOLDER NAME} on a line and answers with a line when it is done. Prints a Markdown
 * table.
 *
 * <p>Arguments: a folder for the registry, how often, and the peer's command.
 */
public final class RegistrationSpeed {
  private static final int MODELS = 10;
  private static final int WARM_UP = 200;

  private RegistrationSpeed() {}

  /** See the class. */
  public static void main(String[] arguments) throws IOException {
    Path folder = Path.of(arguments[0]).toAbsolutePath();
    int repetitions = Integer.parseInt(arguments[1]);
    Process peer =
        new ProcessBuilder(List.of(arguments).subList(2, arguments.length))
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .start();
    try (ModelRegistry registry = ModelRegistry.open(folder.resolve("registry"));
        Writer questions = peer.outputWriter(StandardCharsets.UTF_8);
        BufferedReader answers = peer.inputReader(StandardCharsets.UTF_8)) {
      measure(
          RegistrySpeed.smallModel(folder.resolve("model")),
          repetitions,
          (name, model) -> {
            ModelVersion version = registry.registration(name, model).register();
            registry.promote(version, "champion").apply();
          },
          (name, model) -> {
            questions.write(model + " " + name + "\n");
            questions.flush();
            if (answers.readLine() == null) {
              throw new IOException("the peer has ended");
            }
          });
    } finally {
      peer.destroy();
    }
  }

  @FunctionalInterface
  private interface Registering {
    void register(String name, Path model) throws IOException;
  }

  private static void measure(Path model, int repetitions, Registering ours, Registering theirs)
      throws IOException {
    Random random = new Random(1);
    List<Double> own = new ArrayList<>();
    List<Double> other = new ArrayList<>();
    for (int i = 0; i < WARM_UP + repetitions; i++) {
      byte[] weights = new byte[10_000];
      random.nextBytes(weights);
      Files.write(model.resolve("weights.bin"), weights);
      String name = "model-" + i % MODELS;
      double mine = millis(ours, name, model);
      double peers = millis(theirs, name, model);
      if (i >= WARM_UP) {
        own.add(mine);
        other.add(peers);
      }
    }
    System.out.println("| | p50 ms | p99 ms |");
    System.out.println("|---|---|---|");
    row("registry", own);
    row("peer", other);
    System.out.printf(
        Locale.ROOT, "%nratio of p50: %.1f%n", quantile(other, 0.5) / quantile(own, 0.5));
  }

  private static double millis(Registering side, String name, Path model) throws IOException {
    long begin = System.nanoTime();
    side.register(name, model);
    return (System.nanoTime() - begin) / 1e6;
  }

  private static void row(String side, List<Double> times) {
    System.out.printf(
        Locale.ROOT, "| %s | %.2f | %.2f |%n", side, quantile(times, 0.5), quantile(times, 0.99));
  }

  private static double quantile(List<Double> times, double share) {
    return Quantiles.of(times.stream().mapToDouble(Double::doubleValue).toArray(), share);
  }
}
