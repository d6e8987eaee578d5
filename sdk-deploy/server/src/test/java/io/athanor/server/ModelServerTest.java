package io.athanor.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.deploy.Deployments;
import io.athanor.deploy.serve.InProcessDeployment;
import io.athanor.tck.fixture.TinyArtifacts;
import io.athanor.tck.reference.ReferenceBackendProvider;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import org.junit.jupiter.api.Test;

class ModelServerTest {
  @Test
  void predictsOverHttp() throws Exception {
    try (Backend backend = new ReferenceBackendProvider().open(BackendOptions.defaults());
        InProcessDeployment spam =
            Deployments.inProcess().backend(backend).deploy("spam-filter", TinyArtifacts.spam());
        ModelServer server = ModelServer.on(0).serve(spam).start()) {
      URI at = server.address().resolve("/v1/models/spam-filter/predict");
      HttpResponse<String> response =
          HttpClient.newHttpClient()
              .send(
                  HttpRequest.newBuilder(at)
                      .header("Content-Type", "application/json")
                      .POST(
                          HttpRequest.BodyPublishers.ofString("{\"input\": \"You WON a prize!!\"}"))
                      .build(),
                  HttpResponse.BodyHandlers.ofString());
      assertThat(response.statusCode()).isEqualTo(200);
      JsonNode answer = new ObjectMapper().readTree(response.body());
      assertThat(answer.get("label").textValue()).isEqualTo("spam");
    }
  }
}
