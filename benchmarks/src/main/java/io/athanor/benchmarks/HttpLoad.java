package io.athanor.benchmarks;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.backend.Backends;
import io.athanor.api.data.Encoder;
import io.athanor.api.data.FeatureEncoding;
import io.athanor.api.data.TargetEncoder;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.Weights;
import io.athanor.api.model.ModelArtifact;
import io.athanor.api.model.Provenance;
import io.athanor.deploy.Deployments;
import io.athanor.deploy.serve.InProcessDeployment;
import io.athanor.model.Models;
import io.athanor.server.ModelServer;
import io.athanor.tck.fixture.TinyArtifacts;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.StringJoiner;

/**
 * Serves one small model over HTTP until its standard input ends, for a load generator of another
 * process. Arguments: {@code mlp} (30 numbers, 64 and 32 hidden units) or {@code spam} (a text
 * classifier by words), the port, most rows in a batch, and a file for a script that lets wrk send
 * the right request.
 */
public final class HttpLoad {
  private static final int COLUMNS = 30;

  private HttpLoad() {}

  public static void main(String[] arguments) throws IOException {
    if (arguments.length != 4) {
      throw new IllegalArgumentException("expected MODEL PORT BATCH SCRIPT");
    }
    boolean mlp = arguments[0].equals("mlp");
    Files.writeString(Path.of(arguments[3]), script(mlp ? numbers() : "\"You WON a prize!!\""));
    try (Backend backend = Backends.installed().named("djl").open(BackendOptions.defaults());
        InProcessDeployment live =
            Deployments.inProcess()
                .backend(backend)
                .maximumBatch(Integer.parseInt(arguments[2]))
                .deploy("model", mlp ? mlp() : TinyArtifacts.spam());
        ModelServer server = ModelServer.on(Integer.parseInt(arguments[1])).serve(live).start()) {
      System.out.println(server.address() + "/v1/models/model/predict");
      while (System.in.read() >= 0) {
        System.out.println(live.stats());
      }
    }
  }

  private static String script(String input) {
    return "wrk.method = 'POST'\nwrk.headers['Content-Type'] = 'application/json'\nwrk.body = [[{\"input\":"
        + input
        + "}]]\n";
  }

  private static String numbers() {
    StringJoiner cells = new StringJoiner(",", "{", "}");
    for (int i = 0; i < COLUMNS; i++) {
      cells.add("\"c" + i + "\":" + i / 10.0);
    }
    return cells.toString();
  }

  private static ModelArtifact mlp() {
    List<Encoder> encoders = new ArrayList<>();
    for (int i = 0; i < COLUMNS; i++) {
      encoders.add(new Encoder.Standardize("c" + i, 0, 1));
    }
    FeatureEncoding encoding =
        new FeatureEncoding(
            encoders, new TargetEncoder.Label("label", List.of("no", "yes")), Optional.empty());
    Graph graph = Models.mlp(64, 32).graph(encoding.signature());
    return new ModelArtifact(
        "mlp",
        Map.of(),
        graph,
        Weights.initialize(graph, 1),
        encoding,
        Map.of(),
        new Provenance(
            Instant.EPOCH, 1, "{}", List.of(), Optional.empty(), Map.of("weights", "random")));
  }
}
