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
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
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
import java.util.Random;
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
  private static final int WARM_UP = 300;
  private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();
  private static final int WEIGHTS = 10_000;
  private static final Instant BEGIN = Instant.parse("2026-01-01T00:00:00Z");

  private final ModelRegistry registry;
  private final Path scratch;
  private final Random random = new Random(1);
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
   * Arguments: a folder, which is filled if it is empty, how often to call each, and, if MLflow
   * shall be measured, its address and the experiment and run that the script printed, as {@code
   * 1/5f0c}.
   */
  public static void main(String[] arguments) throws IOException {
    Path folder = Path.of(arguments[0]);
    int repetitions = Integer.parseInt(arguments[1]);
    Path scratch = smallModel(folder.resolve("model"));
    Path place = folder.resolve("registry");
    try (ModelRegistry registry = Files.exists(place) ? ModelRegistry.open(place) : filled(place)) {
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
    Files.write(folder.resolve("weights.bin"), new byte[WEIGHTS]);
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
        "| operation | p50 ms | p99 ms | processor p50 ms | processor p99 ms"
            + " | MLflow p50 ms | MLflow p99 ms | ratio of p50 |");
    System.out.println("|---|---|---|---|---|---|---|---|");
    line(
        "register two files, new weights of 10 KB",
        repetitions,
        () -> registry.registration(name(next()), changed()).register().number(),
        run.isEmpty() ? Optional.empty() : Optional.of(() -> register(run, uploaded(run))));
    line(
        "register two files that are there already",
        repetitions,
        () -> registry.registration(name(next()), scratch).register().number(),
        run.isEmpty() ? Optional.empty() : Optional.of(() -> register(run, "model")));
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
        "metric at least, half of all or more, newest first",
        repetitions,
        () -> search(Search.all().metricAtLeast("f1", next() / 1000.0 * 0.5)),
        Optional.empty());
    line(
        "two words, about 28 hits",
        repetitions,
        () -> search(Search.all().text("subject" + next() % 500 + " kind" + next() % 7)),
        Optional.empty());
    line(
        "a word that all have",
        repetitions,
        () -> search(Search.all().text("letters")),
        Optional.empty());
    line(
        "everything, newest first, 100 from the 50,000th",
        repetitions,
        () -> search(Search.all().page(50_000 + next(), 100)),
        Optional.empty());
    line(
        "everything by a metric, 100 from the 50,000th",
        repetitions,
        () ->
            search(
                Search.all()
                    .sortBy(new Search.Sort.ByMetric("f1", true))
                    .page(50_000 + next(), 100)),
        Optional.empty());
    line(
        "what every alias meant at a time, 1,000",
        repetitions,
        () -> registry.asOf(Instant.now()).aliases().size(),
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

  /** The small model with other weights. */
  private Path changed() {
    try {
      Files.write(scratch.resolve("weights.bin"), weights());
      return scratch;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private byte[] weights() {
    byte[] weights = new byte[WEIGHTS];
    random.nextBytes(weights);
    return weights;
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

  /** Two files through the server's artifact proxy, as MLflow's client uploads them. */
  private String uploaded(String run) {
    String model = "model-" + calls++;
    String folder = "-artifacts/artifacts/" + run + "/artifacts/" + model + "/";
    put(folder + "config.json", "{\"layers\": 2}".getBytes(StandardCharsets.UTF_8));
    put(folder + "weights.bin", weights());
    return model;
  }

  private void put(String path, byte[] content) {
    URI address = mlflow.orElseThrow().resolve("/api/2.0/mlflow" + path);
    HttpRequest.Builder request =
        HttpRequest.newBuilder(address).PUT(HttpRequest.BodyPublishers.ofByteArray(content));
    if (answer(request).statusCode() != 200) {
      throw new IllegalStateException("not uploaded to " + address);
    }
  }

  /** Of files that were uploaded before. */
  private int register(String run, String model) {
    String body =
        "{\"name\":\""
            + name(next())
            + "\",\"run_id\":\""
            + run.substring(run.indexOf('/') + 1)
            + "\",\"source\":\"mlflow-artifacts:/"
            + run
            + "/artifacts/"
            + model
            + "\"}";
    return send(
        HttpRequest.newBuilder(api(mlflow.orElseThrow(), "model-versions/create"))
            .header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString(body)));
  }

  private static URI api(URI server, String path) {
    return server.resolve("/api/2.0/mlflow/" + path);
  }

  private int send(HttpRequest.Builder request) {
    HttpResponse<String> response = answer(request);
    if (response.statusCode() != 200 || !response.body().contains("\"version\"")) {
      throw new IllegalStateException("expected versions, got " + response.body());
    }
    return response.body().length();
  }

  private HttpResponse<String> answer(HttpRequest.Builder request) {
    try {
      return client.send(request.build(), HttpResponse.BodyHandlers.ofString());
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
    List<Double> processor = new ArrayList<>();
    List<Double> other = new ArrayList<>();
    int least = Integer.MAX_VALUE;
    for (int i = 0; i < repetitions + WARM_UP; i++) {
      long worked = THREADS.getCurrentThreadCpuTime();
      long begin = System.nanoTime();
      least = Math.min(least, ours.get());
      long between = System.nanoTime();
      worked = THREADS.getCurrentThreadCpuTime() - worked;
      least = Math.min(least, theirs.map(Supplier::get).orElse(1));
      long end = System.nanoTime();
      if (i >= WARM_UP) {
        own.add((between - begin) / 1e6);
        processor.add(worked / 1e6);
        other.add((end - between) / 1e6);
      }
    }
    if (least < 1) {
      throw new IllegalStateException(operation + " found nothing");
    }
    double[] a = array(own);
    double[] p = array(processor);
    double[] b = array(other);
    System.out.printf(
        Locale.ROOT,
        "| %s | %.2f | %.2f | %.2f | %.2f |",
        operation,
        Quantiles.of(a, 0.5),
        Quantiles.of(a, 0.99),
        Quantiles.of(p, 0.5),
        Quantiles.of(p, 0.99));
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

  private static double[] array(List<Double> values) {
    return values.stream().mapToDouble(Double::doubleValue).toArray();
  }
}
