package io.athanor.samples.mail;

import static io.athanor.eval.Metrics.accuracy;
import static io.athanor.eval.Metrics.calibrationError;
import static io.athanor.eval.Metrics.f1;
import static io.athanor.eval.Metrics.latency;
import static io.athanor.eval.Metrics.logLoss;
import static io.athanor.eval.Metrics.noWorseThan;
import static io.athanor.eval.Metrics.prAuc;
import static io.athanor.eval.Metrics.precision;
import static io.athanor.eval.Metrics.recall;
import static io.athanor.eval.Metrics.rocAuc;
import static io.athanor.eval.Metrics.throughput;

import io.athanor.api.eval.EvaluationReport;
import io.athanor.api.model.ModelArtifact;
import io.athanor.api.registry.ModelVersion;
import io.athanor.api.training.TrainingResult;
import io.athanor.data.Split;
import io.athanor.deploy.Deployments;
import io.athanor.eval.Calibration;
import io.athanor.eval.Evaluation;
import io.athanor.eval.report.ReportFolder;
import io.athanor.registry.ModelRegistry;
import io.athanor.server.ModelServer;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import java.util.Optional;

/**
 * What a trained spam filter goes through, whatever it is made of: calibrated, evaluated against a
 * threshold and the champion in production, registered, promoted, served over HTTP and asked.
 */
final class Release {
  private static final String NAME = "spam-filter";

  private Release() {}

  /** Leaves the registry's folder {@code models} and the {@code report} in the output folder. */
  static void run(TrainingResult result, Split mail, Path output)
      throws IOException, InterruptedException {
    ModelArtifact model = Calibration.of(result.model(), mail.validationRows()).fit();

    try (ModelRegistry registry = ModelRegistry.open(output.resolve("models"))) {
      EvaluationReport report =
          Evaluation.of(model, mail.test())
              .metrics(
                  accuracy(),
                  f1().of("spam"),
                  precision().of("spam"),
                  recall().of("spam"),
                  rocAuc(),
                  prAuc(),
                  logLoss(),
                  calibrationError(),
                  latency(99),
                  throughput())
              .gate(f1().of("spam").atLeast(0.93), noWorseThan(champion(registry)))
              .history(result.history())
              .run();
      Path html = ReportFolder.save(report, output.resolve("report"));
      report.decisions().forEach(decision -> System.out.println(decision.sentence()));

      ModelVersion version = registry.register(NAME, model, report);
      if (!report.passed()) {
        System.out.println(version.id() + " stays out of production; see " + html);
        return;
      }
      System.out.println(registry.promote(version, "production").plan());
      registry.promote(version, "production").apply();
      serve(version);
      System.out.println("Report: " + html.toUri());
    }
  }

  private static Optional<ModelArtifact> champion(ModelRegistry registry) {
    if (!registry.models().contains(NAME) || !registry.aliases(NAME).containsKey("production")) {
      return Optional.empty();
    }
    return Optional.of(registry.alias(NAME, "production").artifact());
  }

  private static void serve(ModelVersion version) throws IOException, InterruptedException {
    try (var live = Deployments.inProcess().deploy(version);
        var server = ModelServer.on(0).serve(live).start()) {
      URI predict = server.address().resolve("/v1/models/" + NAME + "/predict");
      HttpClient client = HttpClient.newHttpClient();
      for (String text :
          new String[] {
            "You WON a prize!! Click here to claim your free cash now, 100% guaranteed",
            "Re: the patch from yesterday: the build passes, but the second test looks odd to me"
          }) {
        HttpRequest request =
            HttpRequest.newBuilder(predict)
                .header("Content-Type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString("{\"input\": \"" + text + "\"}"))
                .build();
        HttpResponse<String> answer = client.send(request, HttpResponse.BodyHandlers.ofString());
        System.out.println("POST " + predict.getPath() + "  " + text);
        System.out.println("  " + answer.statusCode() + " " + answer.body());
      }
    }
  }
}
