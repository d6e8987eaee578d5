package io.athanor.samples.spring;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.athanor.api.deploy.Deployment;
import io.athanor.api.error.NotFoundException;
import io.athanor.registry.ModelRegistry;
import io.athanor.tck.fixture.TinyArtifacts;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.springframework.boot.SpringApplication;
import org.springframework.boot.web.servlet.context.ServletWebServerApplicationContext;

class MailApplicationTest {
  @TempDir Path folder;

  private ServletWebServerApplicationContext start() {
    return (ServletWebServerApplicationContext)
        SpringApplication.run(
            MailApplication.class, "--models=" + folder, "--server.port=0", "--debug=false");
  }

  private static String ask(int port, String mail) throws Exception {
    HttpRequest request =
        HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + port + "/mails"))
            .header("Content-Type", "text/plain")
            .POST(HttpRequest.BodyPublishers.ofString(mail))
            .build();
    return HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString()).body();
  }

  @Test
  void applicationSortsMailsWithTheModelInProductionAndClosesItAtTheEnd() throws Exception {
    try (ModelRegistry registry = ModelRegistry.open(folder)) {
      registry.register("spam-filter", TinyArtifacts.spam());
      registry.promote(registry.version("spam-filter", 1), "production").apply();
    }
    Deployment live;
    try (ServletWebServerApplicationContext application = start()) {
      live = application.getBean(Deployment.class);
      int port = application.getWebServer().getPort();
      assertThat(ask(port, "winner winner prize"))
          .contains("\"folder\":\"spam\"", "\"model\":\"spam-filter:1\"", "\"confidence\":0.99");
      assertThat(ask(port, "see you at the meeting")).contains("\"folder\":\"ham\"");
    }
    assertThat(live.stats().answered()).isEqualTo(2);
    assertThatThrownBy(() -> live.predict("too late")).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void applicationDoesNotStartWithoutAModelInProduction() {
    assertThatThrownBy(this::start).hasRootCauseInstanceOf(NotFoundException.class);
  }
}
