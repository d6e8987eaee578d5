package io.athanor.eval;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.athanor.api.error.FormatException;
import io.athanor.api.error.NotFoundException;
import io.athanor.api.error.StorageException;
import io.athanor.api.eval.EvaluationReport;
import io.athanor.api.eval.ReportJson;
import io.athanor.eval.report.HtmlReport;
import io.athanor.eval.report.MarkdownReport;
import io.athanor.eval.report.ReportFolder;
import io.athanor.tck.fixture.RandomOutcomes;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class ReportTest {
  static Stream<EvaluationReport> reports() {
    return Stream.of(Examples.binary(), Examples.tenLabels(), Examples.regression());
  }

  @ParameterizedTest
  @MethodSource("reports")
  void a_report_survives_json(EvaluationReport report) {
    String json = ReportJson.write(report).toString();
    EvaluationReport read = ReportJson.read("report.json", json);
    assertThat(read.metrics()).isEqualTo(report.metrics());
    assertThat(read.decisions()).isEqualTo(report.decisions());
    assertThat(read.details()).isEqualTo(report.details());
    assertThat(read.hardest()).isEqualTo(report.hardest());
    assertThat(read.history()).isEqualTo(report.history());
    assertThat(read.environment()).isEqualTo(report.environment());
    assertThat(read.subject()).isEqualTo(report.subject());
    assertThat(read.test()).isEqualTo(report.test());
    assertThat(read.sampling()).isEqualTo(report.sampling());
    assertThat(read.created()).isEqualTo(report.created());
    assertThat(ReportJson.write(read)).isEqualTo(ReportJson.write(report));
  }

  @Test
  void a_stored_report_serves_as_champion(@TempDir Path folder) {
    ReportFolder.save(Examples.binary(), folder);
    EvaluationReport again =
        Examples.of(RandomOutcomes.labels(List.of("ham", "spam"), 800, 2.2, 1))
            .gate(Metrics.noWorseThan(ReportFolder.load(folder)))
            .run();
    assertThat(again.passed()).isTrue();
  }

  @Test
  void damaged_json_is_refused_with_the_place() {
    String json = ReportJson.write(Examples.regression()).toString();
    assertThatThrownBy(() -> ReportJson.read("r.json", json.substring(0, json.length() / 2)))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("r.json: not JSON");
    assertThatThrownBy(() -> ReportJson.read("r.json", "{\"format\": 99}"))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("expected format 1, got 99");
    assertThatThrownBy(() -> ReportJson.read("r.json", "[]"))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("expected an object, got array");
    assertThatThrownBy(
            () -> ReportJson.read("r.json", json.replace("\"rows\":300", "\"rows\":299")))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("must be 2392 bytes, got 2400");
    assertThatThrownBy(() -> ReportJson.read("r.json", json.replace("\"sampling\"", "\"x\"")))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("missing field 'sampling'");
    assertThatThrownBy(() -> ReportJson.read("r.json", json.replaceFirst("\\{", "{\"format\":1,")))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("Duplicate field 'format'");
  }

  @Test
  void a_field_of_a_later_version_is_ignored() {
    String json = ReportJson.write(Examples.regression()).put("later", true).toString();
    assertThat(ReportJson.read("r.json", json).passed()).isTrue();
  }

  @Test
  void hostile_labels_stay_text_in_the_page() {
    List<String> labels = List.of("<script>alert(1)</script>", "\"><img src=x onerror=y>'&");
    EvaluationReport report =
        Evaluation.of("<b>", RandomOutcomes.labels(labels, 60, 1, 1), Examples.FINGERPRINT)
            .history(Examples.history())
            .gate(Metrics.f1().of(labels.get(0)).atLeast(0.99))
            .run();
    String html = HtmlReport.render(report);
    assertThat(html)
        .doesNotContain("<script", "<img", "<b>")
        .contains("&lt;script&gt;alert(1)&lt;/script&gt;")
        .contains("&quot;&gt;&lt;img src=x onerror=y&gt;&#39;&amp;");
    String markdown = MarkdownReport.render(report);
    assertThat(markdown).doesNotContain("<script", "<img", "<b>");
  }

  @ParameterizedTest
  @MethodSource("reports")
  void the_page_needs_nothing_from_elsewhere(EvaluationReport report) {
    String html = HtmlReport.render(report);
    assertThat(html)
        .startsWith("<!DOCTYPE html>")
        .contains("default-src 'none'".replace("'", "&#39;"))
        .doesNotContain("http://", "https://", " src=", "url(", "@import", "NaN", "Infinity");
    assertThat(html.split("<svg ", -1).length - 1)
        .as("every plot is described or decorative")
        .isEqualTo(
            html.split("role=\"img\"", -1).length + html.split("class=\"range\"", -1).length - 2)
        .isGreaterThan(2);
  }

  @Test
  void many_labels_give_a_list_of_confusions_and_bounded_curves() {
    List<String> labels = Stream.iterate(0, i -> i + 1).limit(60).map(i -> "label " + i).toList();
    String html = HtmlReport.render(Examples.of(RandomOutcomes.labels(labels, 600, 2, 3)).run());
    assertThat(html).contains("60 labels are too many to draw", "The 10 labels of the smallest");
  }

  @Test
  void markdown_tells_verdict_gates_and_metrics() {
    assertThat(MarkdownReport.render(Examples.regression()))
        .contains("# Evaluation: Model for 'price'")
        .contains("**Passed.** 2 of 2 gates passed.")
        .contains("| Mean absolute error | ")
        .contains("## Largest errors");
  }

  @Test
  void a_folder_that_cannot_be_written_or_holds_no_report_says_so(@TempDir Path folder)
      throws IOException {
    Path file = Files.writeString(folder.resolve("file"), "");
    assertThatThrownBy(() -> ReportFolder.save(Examples.regression(), file))
        .isInstanceOf(StorageException.class)
        .hasMessageContaining("cannot be written");
    assertThatThrownBy(() -> ReportFolder.load(folder))
        .isInstanceOf(NotFoundException.class)
        .hasMessageContaining("report.json");
  }
}
