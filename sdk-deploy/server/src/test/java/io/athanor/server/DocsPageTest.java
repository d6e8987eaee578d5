package io.athanor.server;

import static io.athanor.server.Client.json;
import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import io.athanor.registry.ModelRegistry;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Opens the page of routes in a real browser, where there is one. */
@Tag("heavy")
@Tag("browser")
@Timeout(value = 4, unit = TimeUnit.MINUTES)
class DocsPageTest {
  private static final List<Path> BROWSERS =
      List.of(Path.of("/usr/bin/chromium"), Path.of("/usr/bin/google-chrome"));
  private static final Pattern ROUTE =
      Pattern.compile("<span class=\"method method-\\w+\">(\\w+)</span><code>([^<]+)</code>");

  @TempDir Path folder;

  @Test
  void aBrowserShowsEveryRouteComplainsOfNothingAndAsksNobodyElse() throws Exception {
    Path browser =
        BROWSERS.stream().filter(Files::isExecutable).findFirst().orElse(Path.of("none"));
    assumeTrue(Files.isExecutable(browser), "needs Chromium or Chrome in /usr/bin");
    Path dom = folder.resolve("dom.html");
    Path errors = folder.resolve("errors.txt");
    Path network = folder.resolve("network.json");
    Set<String> routes;
    URI address;
    try (ModelRegistry registry = ModelRegistry.open(folder.resolve("registry"));
        ModelServer server = ModelServer.on(0).registry(registry).start()) {
      address = server.address();
      routes = Documented.operations(json(new Client(address).get("/openapi.json")));
      Process process =
          new ProcessBuilder(
                  browser.toString(),
                  "--headless",
                  "--no-sandbox",
                  "--disable-gpu",
                  "--enable-logging=stderr",
                  "--user-data-dir=" + folder.resolve("profile"),
                  "--log-net-log=" + network,
                  "--virtual-time-budget=20000",
                  "--dump-dom",
                  address.resolve("/docs").toString())
              .redirectOutput(dom.toFile())
              .redirectError(errors.toFile())
              .start();
      assertThat(process.waitFor(2, TimeUnit.MINUTES)).isTrue();
    }

    Set<String> shown =
        ROUTE
            .matcher(Files.readString(dom))
            .results()
            .map(DocsPageTest::operation)
            .collect(Collectors.toCollection(TreeSet::new));
    assertThat(shown).isEqualTo(routes).hasSizeGreaterThan(25);
    assertThat(Files.readString(errors)).doesNotContain("CONSOLE");
    // The browser has business of its own; what counts is what it did because of the page.
    Set<String> fetched = new TreeSet<>();
    for (JsonNode event : json(Files.readString(network)).get("events")) {
      if (event.at("/params/initiator").asText().equals(address.toString())) {
        fetched.add(event.at("/params/url").asText());
      }
    }
    assertThat(fetched)
        .contains(address + "/docs/docs.js", address + "/docs/docs.css", address + "/openapi.json")
        .allSatisfy(url -> assertThat(url).startsWith(address + "/"));
  }

  private static String operation(MatchResult route) {
    return route.group(1).toLowerCase(Locale.ROOT) + " " + route.group(2);
  }
}
