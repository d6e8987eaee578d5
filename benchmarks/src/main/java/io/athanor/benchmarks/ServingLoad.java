package io.athanor.benchmarks;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.backend.Backends;
import io.athanor.api.model.ModelArtifact;
import io.athanor.deploy.Deployments;
import io.athanor.deploy.serve.InProcessDeployment;
import io.athanor.server.ModelServer;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * Requests a second and latency of a small network (30 numbers, 64 and 32 hidden units) served in
 * process and over HTTP on the loopback address, with one and with sixteen callers, with batches of
 * up to 32 and of 1. Prints a Markdown table. The clients run in the same process and share its
 * processors.
 */
public final class ServingLoad {
  private static final Duration WARM_UP = Duration.ofSeconds(3);
  private static final Duration MEASURED = Duration.ofSeconds(5);
  private static final Map<String, Double> ROW = SmallNetwork.row();

  private ServingLoad() {}

  public static void main(String[] arguments) throws InterruptedException, ExecutionException {
    ModelArtifact model = SmallNetwork.artifact();
    System.out.println("| path | callers | batches | requests/s | p50 ms | p99 ms | mean batch |");
    System.out.println("| --- | --- | --- | --- | --- | --- | --- |");
    try (Backend backend = Backends.installed().named("djl").open(BackendOptions.defaults())) {
      for (int maximumBatch : new int[] {32, 1}) {
        for (int callers : new int[] {1, 16}) {
          try (InProcessDeployment live = deploy(backend, model, maximumBatch)) {
            report("in process", callers, maximumBatch, live, () -> live.predict(ROW).label());
          }
          try (InProcessDeployment live = deploy(backend, model, maximumBatch);
              ModelServer server = ModelServer.on(0).serve(live).start()) {
            HttpClient client = HttpClient.newHttpClient();
            HttpRequest request = request(server.address());
            report("HTTP", callers, maximumBatch, live, () -> post(client, request));
          }
        }
      }
    }
  }

  private static InProcessDeployment deploy(Backend backend, ModelArtifact model, int batch) {
    return Deployments.inProcess().backend(backend).maximumBatch(batch).deploy("mlp", model);
  }

  private static void report(
      String path, int callers, int batch, InProcessDeployment live, Callable<String> call)
      throws InterruptedException, ExecutionException {
    load(callers, WARM_UP, call);
    long rows = live.stats().answered();
    long batches = live.stats().batches();
    long[] nanos = load(callers, MEASURED, call);
    Arrays.sort(nanos);
    System.out.printf(
        Locale.ROOT,
        "| %s | %d | up to %d | %,d | %.3f | %.3f | %.1f |%n",
        path,
        callers,
        batch,
        Math.round(nanos.length / (MEASURED.toNanos() / 1e9)),
        nanos[nanos.length / 2] / 1e6,
        nanos[nanos.length * 99 / 100] / 1e6,
        (live.stats().answered() - rows) / (double) (live.stats().batches() - batches));
  }

  /** The latency of every call that callers made in a time, each one call after the other. */
  private static long[] load(int callers, Duration time, Callable<String> call)
      throws InterruptedException, ExecutionException {
    ExecutorService pool = Executors.newFixedThreadPool(callers);
    try {
      long end = System.nanoTime() + time.toNanos();
      List<Future<List<Long>>> running = new ArrayList<>();
      for (int c = 0; c < callers; c++) {
        running.add(
            pool.submit(
                () -> {
                  List<Long> nanos = new ArrayList<>();
                  for (long begin = System.nanoTime(); begin < end; begin = System.nanoTime()) {
                    call.call();
                    nanos.add(System.nanoTime() - begin);
                  }
                  return nanos;
                }));
      }
      List<Long> all = new ArrayList<>();
      for (Future<List<Long>> one : running) {
        all.addAll(one.get());
      }
      return all.stream().mapToLong(Long::longValue).toArray();
    } finally {
      pool.shutdownNow();
    }
  }

  private static HttpRequest request(URI server) {
    StringBuilder cells = new StringBuilder();
    ROW.forEach(
        (column, value) ->
            cells
                .append(cells.length() == 0 ? "" : ",")
                .append('"')
                .append(column)
                .append("\":")
                .append(value));
    return HttpRequest.newBuilder(server.resolve("/v1/models/mlp/predict"))
        .version(HttpClient.Version.HTTP_1_1)
        .header("Content-Type", "application/json")
        .POST(HttpRequest.BodyPublishers.ofString("{\"input\":{" + cells + "}}"))
        .build();
  }

  private static String post(HttpClient client, HttpRequest request) throws Exception {
    HttpResponse<String> response = client.send(request, HttpResponse.BodyHandlers.ofString());
    if (response.statusCode() != 200) {
      throw new IllegalStateException("expected 200, got " + response.body());
    }
    return response.body();
  }
}
