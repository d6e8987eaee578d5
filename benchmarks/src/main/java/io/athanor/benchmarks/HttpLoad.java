package io.athanor.benchmarks;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.TextNode;
import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.backend.Backends;
import io.athanor.api.deploy.Deployment;
import io.athanor.api.model.ArtifactFolder;
import io.athanor.api.model.ModelArtifact;
import io.athanor.deploy.Deployments;
import io.athanor.deploy.input.RowReader;
import io.athanor.server.ModelServer;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * Serves one model over HTTP until its standard input ends, for a load generator of another
 * process. Each line of standard input has the model asked in process for ten seconds, by as many
 * callers as the line says, and prints how many rows it answered in a second.
 *
 * <p>Arguments: {@code athanor} or {@code djl} (the peer: DJL's own predictor behind the same
 * server); the port; a file for a script that lets wrk send the right requests; then either {@code
 * mlp}, a network of 30 numbers, or the folder of a text classifier and a file of texts, one a
 * line.
 */
public final class HttpLoad {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final long MEASURED = 10_000_000_000L;

  private HttpLoad() {}

  public static void main(String[] arguments)
      throws IOException, InterruptedException, ExecutionException {
    if (arguments.length < 4 || arguments.length != (arguments[3].equals("mlp") ? 4 : 5)) {
      throw new IllegalArgumentException(
          "expected (athanor | djl) PORT SCRIPT (mlp | ARTIFACT TEXTS)");
    }
    List<JsonNode> inputs = new ArrayList<>();
    ModelArtifact artifact;
    if (arguments[3].equals("mlp")) {
      artifact = SmallNetwork.artifact();
      inputs.add(JSON.valueToTree(SmallNetwork.row()));
    } else {
      artifact = ArtifactFolder.read(Path.of(arguments[3]));
      Files.readAllLines(Path.of(arguments[4])).forEach(text -> inputs.add(new TextNode(text)));
    }
    Files.writeString(Path.of(arguments[2]), script(inputs));
    try (Backend backend = Backends.installed().named("djl").open(BackendOptions.defaults());
        Deployment live =
            arguments[0].equals("djl")
                ? new DjlDeployment("model", artifact, Files.createTempDirectory("http-load"))
                : Deployments.inProcess().backend(backend).deploy("model", artifact);
        ModelServer server = ModelServer.on(Integer.parseInt(arguments[1])).serve(live).start()) {
      System.out.println(server.address() + "/v1/models/model/predict");
      BufferedReader in =
          new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
      for (String line = in.readLine(); line != null; line = in.readLine()) {
        int callers = Integer.parseInt(line.strip());
        System.out.printf("%d callers: %,d rows/s%n", callers, rate(live, inputs, callers));
      }
    }
  }

  private static String script(List<JsonNode> inputs) throws JsonProcessingException {
    StringBuilder script =
        new StringBuilder(
            "wrk.method = 'POST'\nwrk.headers['Content-Type'] = 'application/json'\nlocal bodies = {\n");
    for (JsonNode input : inputs) {
      String body = JSON.writeValueAsString(JSON.createObjectNode().set("input", input));
      script.append("[====[").append(body).append("]====],\n");
    }
    return script
        .append("}\nlocal next = 0\nlocal requests = {}\n")
        .append("function init(args)\n")
        .append("  for i, b in ipairs(bodies) do requests[i] = wrk.format(nil, nil, nil, b) end\n")
        .append("end\n")
        .append("function request()\n")
        .append("  next = next % #requests + 1\n  return requests[next]\nend\n")
        .toString();
  }

  /** Rows a second, each caller asking one after the other. */
  private static long rate(Deployment live, List<JsonNode> inputs, int callers)
      throws InterruptedException, ExecutionException {
    RowReader reader = new RowReader(live.model().features());
    ExecutorService pool = Executors.newFixedThreadPool(callers);
    try {
      long begin = System.nanoTime();
      List<Future<Long>> running = new ArrayList<>();
      for (int c = 0; c < callers; c++) {
        int first = c;
        running.add(
            pool.submit(
                () -> {
                  long rows = 0;
                  while (System.nanoTime() - begin < MEASURED) {
                    JsonNode input = inputs.get((int) ((first + rows) % inputs.size()));
                    live.predict(reader.read(input));
                    rows++;
                  }
                  return rows;
                }));
      }
      long rows = 0;
      for (Future<Long> one : running) {
        rows += one.get();
      }
      return Math.round(rows * 1e9 / (System.nanoTime() - begin));
    } finally {
      pool.shutdownNow();
    }
  }
}
