package io.athanor.eval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.athanor.api.eval.EvaluationReport;
import io.athanor.eval.report.ReportFolder;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Opens the pages in a real browser, where there is one. */
@Tag("heavy")
@Tag("browser")
class BrowserTest {
  private static final List<Path> BROWSERS =
      List.of(Path.of("/usr/bin/chromium"), Path.of("/usr/bin/google-chrome"));

  static Stream<Arguments> pages() {
    return Stream.of(
        Arguments.of("binary", Examples.binary(), 6),
        Arguments.of("ten-labels", Examples.tenLabels(), 6),
        Arguments.of("regression", Examples.regression(), 2));
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("pages")
  void a_browser_shows_every_plot_and_complains_of_nothing(
      String name, EvaluationReport report, int figures, @TempDir Path folder)
      throws IOException, InterruptedException {
    Path browser =
        BROWSERS.stream().filter(Files::isExecutable).findFirst().orElse(Path.of("none"));
    assumeTrue(Files.isExecutable(browser), "needs Chromium or Chrome in /usr/bin");
    Path saved =
        System.getProperty("athanor.reports") == null
            ? folder
            : Path.of(System.getProperty("athanor.reports"), name);
    Path html = ReportFolder.save(report, saved);
    Path dom = folder.resolve("dom.html");
    Path errors = folder.resolve("errors.txt");
    Process process =
        new ProcessBuilder(
                browser.toString(),
                "--headless",
                "--no-sandbox",
                "--disable-gpu",
                "--enable-logging=stderr",
                "--user-data-dir=" + folder.resolve("profile"),
                "--dump-dom",
                html.toUri().toString())
            .redirectOutput(dom.toFile())
            .redirectError(errors.toFile())
            .start();
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();

    String page = Files.readString(dom, StandardCharsets.UTF_8);
    assertThat(page.split("<figure>", -1)).hasSize(figures + 1);
    assertThat(page).contains("<h2 id=\"metrics\">Metrics</h2>", "<h2 id=\"plots\">Plots</h2>");
    assertThat(page).contains("</main>").doesNotContain("NaN", "Infinity");
    assertThat(Files.readString(errors)).doesNotContain("CONSOLE");
  }
}
