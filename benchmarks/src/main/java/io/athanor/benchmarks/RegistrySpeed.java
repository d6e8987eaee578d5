package io.athanor.benchmarks;

import io.athanor.api.common.Digest;
import io.athanor.api.registry.Manifest;
import io.athanor.api.registry.ModelNotes;
import io.athanor.api.registry.ModelVersion;
import io.athanor.api.registry.Principal;
import io.athanor.api.registry.Search;
import io.athanor.api.registry.VersionId;
import io.athanor.registry.ModelRegistry;
import io.athanor.registry.store.SqliteDatabase;
import io.athanor.registry.store.Transactions;
import io.athanor.registry.store.VersionTable;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * Latencies of a registry with 100,000 versions of 1,000 models, beside an MLflow server with the
 * same ones if its address is given; the two take turns, call by call. Prints a Markdown table.
 *
 * <p>The versions are put into the tables many to a transaction, past the public API and without
 * files, which searches do not read; {@code benchmarks/peers/mlflow_registry.py} does the same for
 * MLflow. Registrations are measured through the public API, files included.
 */
public final class RegistrySpeed {
  private static final int MODELS = 1000;
  private static final int EACH = 100;
  private static final int TEAMS = 1000;
  private static final int WARM_UP = 20;
  private static final Instant BEGIN = Instant.parse("2026-01-01T00:00:00Z");

  private final ModelRegistry registry;
  private final Path scratch;
  private final Optional<URI> mlflow;
  private final HttpClient client =
      HttpClient.newBuilder().version(HttpClient.Version.HTTP_1_1).build();
  private int calls;

  private RegistrySpeed(ModelRegistry registry, Path scratch, Optional<URI> mlflow) {
    this.registry = registry;
    this.scratch = scratch;
    this.mlflow = mlflow;
  }

  /**
   * Arguments: an empty folder, how often to call each, and, if MLflow shall be measured, its
   * address and the experiment and run that the script printed, as {@code 1/5f0c}.
   */
  public static void main(String[] arguments) throws IOException {
    Path folder = Path.of(arguments[0]);
    int repetitions = Integer.parseInt(arguments[1]);
    Path scratch = smallModel(folder.resolve("model"));
    try (ModelRegistry registry = filled(folder.resolve("registry"))) {
      Optional<URI> mlflow =
          arguments.length > 2 ? Optional.of(URI.create(arguments[2])) : Optional.empty();
      new RegistrySpeed(registry, scratch, mlflow)
          .measure(repetitions, arguments.length > 3 ? arguments[3] : "");
    }
  }

  /** A folder of two files. */
  static Path smallModel(Path folder) throws IOException {
    Files.createDirectories(folder);
    Files.writeString(folder.resolve("config.json"), "{\"layers\": 2}");
    Files.write(folder.resolve("weights.bin"), new byte[10_000]);
    return folder;
  }

  /** A registry with all the versions, and an alias for each model. */
  static ModelRegistry filled(Path folder) {
    ModelRegistry registry = ModelRegistry.open(folder);
    fill(folder.resolve("registry.db"));
    for (int model = 0; model < MODELS; model++) {
      registry.promote(registry.version(name(model), EACH / 2), "production").apply();
    }
    return registry;
  }

  private static String name(int model) {
    return String.format(Locale.ROOT, "model-%04d", model);
  }

  private static void fill(Path database) {
    try (Transactions transactions =
        new Transactions(new SqliteDatabase(database, Duration.ofSeconds(60)))) {
      VersionTable table = new VersionTable((place, manifest) -> Path.of(place));
      for (int from = 0; from < MODELS; from += 10) {
        int first = from;
        transactions.write(
            session -> {
              for (int model = first; model < first + 10; model++) {
                for (int i = 0; i < EACH; i++) {
                  VersionId id = table.allocate(session, name(model));
                  table.insert(
                      session, version(id, model), "models/base/" + id.name() + "/" + id.number());
                }
              }
              return first;
            });
      }
    }
  }

  private static ModelVersion version(VersionId id, int model) {
    int n = model * EACH + id.number();
    Manifest manifest =
        new Manifest(List.of(new Manifest.Entry("weights.bin", 10_000, Digest.ofText("" + n))));
    return ModelVersion.builder(
            id,
            ModelVersion.Stamp.of(BEGIN.plusSeconds(n), Principal.ofProcess()),
            manifest,
            () -> Path.of(id.name()))
        .notes(
            ModelNotes.none()
                .withDescription("finds subject" + n % 500 + " in letters of kind" + n % 7)
                .withTag("team", "team-" + n % TEAMS))
        .metrics(Map.of("f1", (n * 7919L % 100_000) / 100_000.0))
        .build();
  }

  private void measure(int repetitions, String run) {
    System.out.println(
        "| operation | p50 ms | p99 ms | MLflow p50 ms | MLflow p99 ms | ratio of p50 |");
    System.out.println("|---|---|---|---|---|---|");
    line(
        "register a model of two files",
        repetitions,
        () -> registry.registration(name(next()), scratch).register().number(),
        run.isEmpty() ? Optional.empty() : Optional.of(() -> register(run)));
    line(
        "read an alias",
        repetitions,
        () -> registry.alias(name(next()), "production").number(),
        get(() -> "registered-models/alias?alias=production&name=" + name(next())));
    line(
        "one version",
        repetitions,
        () -> registry.version(name(next()), 7).number(),
        get(() -> "model-versions/get?version=7&name=" + name(next())));
    line(
        "versions of a model, 100",
        repetitions,
        () -> search(Search.namePrefix(name(next()))),
        get(() -> found("name='" + name(next()) + "'")));
    line(
        "names that begin with a text, 1,000 hits, first 100",
        repetitions,
        () -> search(Search.namePrefix(name(next()).substring(0, 9))),
        get(() -> found("name LIKE '" + name(next()).substring(0, 9) + "%'")));
    line(
        "a tag, 100 hits",
        repetitions,
        () -> search(Search.all().tag("team", "team-" + next())),
        get(() -> found("tag.`team`='team-" + next() + "'")));
    line(
        "metric in a range, sorted by it, 1,000 hits, first 100",
        repetitions,
        () -> search(ranked(next() / 1000.0 * 0.9)),
        Optional.empty());
    line(
        "two words, about 28 hits",
        repetitions,
        () -> search(Search.all().text("subject" + next() % 500 + " kind" + next() % 7)),
        Optional.empty());
    line(
        "everything, newest first, 100 from the 50,000th",
        repetitions,
        () -> search(Search.all().page(50_000, 100)),
        Optional.empty());
    line(
        "what an alias meant at a time",
        repetitions,
        () -> registry.aliasAt(name(next()), "production", Instant.now()).orElseThrow().number(),
        Optional.empty());
  }

  private static Search ranked(double low) {
    return Search.all()
        .metricBetween("f1", low, low + 0.01)
        .sortBy(new Search.Sort.ByMetric("f1", true));
  }

  private int next() {
    return (calls++ * 317 + 11) % MODELS;
  }

  private int search(Search search) {
    return registry.search(search).versions().size();
  }

  private static String found(String filter) {
    return "model-versions/search?max_results=100&filter="
        + URLEncoder.encode(filter, StandardCharsets.UTF_8);
  }

  private Optional<Supplier<Integer>> get(Supplier<String> path) {
    return mlflow.map(server -> () -> send(HttpRequest.newBuilder(api(server, path.get())).GET()));
  }

  /** Without files: MLflow's client uploads those before. */
  private int register(String run) {
    String body =
        "{\"name\":\""
            + name(next())
            + "\",\"run_id\":\""
            + run.substring(run.indexOf('/') + 1)
            + "\",\"source\":\"mlflow-artifacts:/"
            + run
            + "/artifacts/model\"}";
    return send(
        HttpRequest.newBuilder(api(mlflow.orElseThrow(), "model-versions/create"))
            .header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString(body)));
  }

  private static URI api(URI server, String path) {
    return server.resolve("/api/2.0/mlflow/" + path);
  }

  private int send(HttpRequest.Builder request) {
    try {
      HttpResponse<String> response =
          client.send(request.build(), HttpResponse.BodyHandlers.ofString());
      if (response.statusCode() != 200 || !response.body().contains("\"version\"")) {
        throw new IllegalStateException("expected versions, got " + response.body());
      }
      return response.body().length();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      throw new IllegalStateException("interrupted", e);
    }
  }

  private static void line(
      String operation,
      int repetitions,
      Supplier<Integer> ours,
      Optional<Supplier<Integer>> theirs) {
    List<Double> own = new ArrayList<>();
    List<Double> other = new ArrayList<>();
    int least = Integer.MAX_VALUE;
    for (int i = 0; i < repetitions + WARM_UP; i++) {
      long begin = System.nanoTime();
      least = Math.min(least, ours.get());
      long between = System.nanoTime();
      least = Math.min(least, theirs.map(Supplier::get).orElse(1));
      long end = System.nanoTime();
      if (i >= WARM_UP) {
        own.add((between - begin) / 1e6);
        other.add((end - between) / 1e6);
      }
    }
    if (least < 1) {
      throw new IllegalStateException(operation + " found nothing");
    }
    double[] a = own.stream().mapToDouble(Double::doubleValue).toArray();
    double[] b = other.stream().mapToDouble(Double::doubleValue).toArray();
    System.out.printf(
        Locale.ROOT,
        "| %s | %.2f | %.2f |",
        operation,
        Quantiles.of(a, 0.5),
        Quantiles.of(a, 0.99));
    System.out.println(
        theirs.isEmpty()
            ? " - | - | - |"
            : String.format(
                Locale.ROOT,
                " %.1f | %.1f | %.0fx |",
                Quantiles.of(b, 0.5),
                Quantiles.of(b, 0.99),
                Quantiles.of(b, 0.5) / Quantiles.of(a, 0.5)));
  }
}
