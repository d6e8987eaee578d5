package io.athanor.eval.report;

import io.athanor.api.error.StorageException;
import io.athanor.api.eval.Details;
import io.athanor.api.eval.Estimate;
import io.athanor.api.eval.EvaluationReport;
import io.athanor.api.eval.GateDecision;
import io.athanor.api.eval.HardRow;
import io.athanor.api.eval.MetricValue;
import io.athanor.eval.metric.Numbers;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Objects;

/**
 * The report as one page that needs nothing else: styles and plots are inline, there is no script,
 * and a content security policy forbids loading anything.
 */
public final class HtmlReport {
  private final EvaluationReport report;
  private final Markup out = new Markup();

  private HtmlReport(EvaluationReport report) {
    this.report = report;
  }

  /** The page. */
  public static String render(EvaluationReport report) {
    return new HtmlReport(report).page();
  }

  private String page() {
    Badge badge = Badge.of(report);
    out.open("html", "lang", "en").open("head");
    out.meta("charset", "utf-8");
    out.meta("name", "viewport", "content", "width=device-width, initial-scale=1");
    out.meta(
        "http-equiv",
        "Content-Security-Policy",
        "content",
        "default-src 'none'; style-src 'unsafe-inline'");
    out.meta("name", "color-scheme", "content", "light dark");
    out.leaf("title", badge.word() + ": " + Subjects.title(report));
    out.style(css()).close().open("body").open("main");
    header(badge);
    gates();
    metrics();
    plots();
    details();
    hardest();
    provenance();
    return out.document();
  }

  private void header(Badge badge) {
    out.open("header").leaf("p", "Evaluation", "class", "eyebrow");
    out.leaf("h1", Subjects.title(report));
    out.leaf("p", Subjects.line(report), "class", "lead");
    out.open("p", "class", "verdict " + badge.css(), "role", "status");
    out.leaf("span", badge.sign(), "class", "sign", "aria-hidden", "true");
    out.leaf("strong", badge.word()).leaf("span", badge.sentence()).close().close();
  }

  private void gates() {
    if (report.decisions().isEmpty()) {
      return;
    }
    section("gates", "Gates");
    out.open("ul", "class", "gates");
    for (GateDecision decision : report.decisions()) {
      Badge badge = Badge.of(decision.kind());
      out.open("li", "class", badge.css());
      out.open("span", "class", "badge").leaf("span", badge.sign(), "aria-hidden", "true");
      out.text(" " + badge.word()).close();
      out.open("div").leaf("h3", decision.gate()).leaf("p", decision.sentence()).close().close();
    }
    out.close().close();
  }

  private void metrics() {
    section("metrics", "Metrics");
    out.leaf("p", Subjects.intervals(report), "class", "note").open("div", "class", "cards");
    for (MetricValue metric : report.metrics()) {
      out.open("article", "class", "card").leaf("h3", metric.title());
      if (metric.estimate().isPresent()) {
        Estimate estimate = metric.estimate().get();
        out.open("p", "class", "value").text(Numbers.brief(estimate.value()));
        if (!metric.unit().isEmpty()) {
          out.leaf("span", " " + metric.unit(), "class", "unit");
        }
        out.close();
        intervalBar(metric, estimate);
        out.leaf(
            "p",
            Numbers.brief(estimate.low()) + " to " + Numbers.brief(estimate.high()),
            "class",
            "interval");
      } else {
        out.leaf("p", "undefined", "class", "value undefined");
      }
      if (!metric.note().isEmpty()) {
        out.leaf("p", metric.note(), "class", "note");
      }
      out.close();
    }
    out.close().close();
  }

  private void intervalBar(MetricValue metric, Estimate estimate) {
    boolean share =
        metric.unit().isEmpty()
            && metric.better() == MetricValue.Better.HIGHER
            && estimate.low() >= 0
            && estimate.high() <= 1;
    if (!share) {
      return;
    }
    double width = Math.max(1, 200 * (estimate.high() - estimate.low()));
    out.open("svg", "class", "range", "viewBox", "0 0 204 10", "aria-hidden", "true");
    out.empty("rect", "class", "track", "x", "2", "y", "4", "width", "200", "height", "2");
    out.empty(
        "rect",
        "class",
        "span",
        "x",
        Plot.n(2 + 200 * estimate.low()),
        "y",
        "3",
        "width",
        Plot.n(width),
        "height",
        "4",
        "rx",
        "2");
    out.empty(
        "circle", "class", "dot", "cx", Plot.n(2 + 200 * estimate.value()), "cy", "5", "r", "4");
    out.close();
  }

  private void plots() {
    section("plots", "Plots");
    out.open("div", "class", "plots");
    Charts charts = new Charts(out);
    charts.history(report.history());
    if (report.details() instanceof Details.Classification details) {
      new ConfusionChart(out, details.confusion()).draw();
      charts.calibration(details.calibration());
      if (!details.roc().isEmpty()) {
        charts.roc(details.roc());
      }
      if (!details.precisionRecall().isEmpty()) {
        charts.precisionRecall(details.precisionRecall());
      }
    } else if (report.details() instanceof Details.Regression details) {
      charts.scatter(details);
      charts.residuals(details);
    }
    out.close().close();
  }

  private void details() {
    if (!(report.details() instanceof Details.Classification details)) {
      return;
    }
    section("labels", "Labels");
    table("Each label against the rest, with intervals", "Label");
    heads("Precision", "Recall", "F1", "Actual", "Predicted");
    for (Details.ClassScore score : details.classes()) {
      out.open("tr").leaf("th", score.label(), "scope", "row");
      cell(score.precision());
      cell(score.recall());
      cell(score.f1());
      out.leaf("td", String.valueOf(score.support()), "class", "number");
      out.leaf("td", String.valueOf(score.predicted()), "class", "number").close();
    }
    out.close().close().close().close();
  }

  private void cell(Estimate estimate) {
    out.open("td", "class", "number").text(Numbers.brief(estimate.value()) + " ");
    out.leaf(
            "span",
            Numbers.brief(estimate.low()) + " to " + Numbers.brief(estimate.high()),
            "class",
            "interval")
        .close();
  }

  private void hardest() {
    if (report.hardest().isEmpty()) {
      return;
    }
    boolean labels = report.details() instanceof Details.Classification;
    section("hardest", labels ? "Confidently wrong" : "Largest errors");
    out.leaf(
        "p",
        "Rows are numbered from 0 in the test set. Their content is left out, since it may be"
            + " private.",
        "class",
        "note");
    table(labels ? "Wrong rows, most confident first" : "Rows, largest error first", "Row");
    heads("Actual", "Predicted", labels ? "Confidence" : "Error");
    for (HardRow row : report.hardest()) {
      out.open("tr").leaf("th", String.valueOf(row.row()), "scope", "row");
      out.leaf("td", row.actual(), "class", "number")
          .leaf("td", row.predicted(), "class", "number");
      out.leaf("td", Numbers.brief(row.score()), "class", "number").close();
    }
    out.close().close().close().close();
  }

  private void provenance() {
    section("provenance", "Provenance");
    Map<String, String> facts = new LinkedHashMap<>();
    report.subject().weights().ifPresent(digest -> facts.put("model weights", digest.toString()));
    facts.put("test rows", report.test().fingerprint().toString());
    facts.put("evaluated", report.created().toString());
    facts.put("seed", String.valueOf(report.sampling().seed()));
    facts.putAll(report.environment());
    out.open("dl", "class", "facts");
    facts.forEach((name, value) -> out.leaf("dt", name).leaf("dd", value));
    out.close().close();
  }

  /** Opens a section; the caller closes it. */
  private void section(String id, String title) {
    out.open("section", "aria-labelledby", id).leaf("h2", title, "id", id);
  }

  /** Opens a table up to its first head; {@link #heads} goes on. */
  private void table(String caption, String firstHead) {
    out.open("div", "class", "scroll", "tabindex", "0", "role", "region", "aria-label", caption);
    out.open("table").leaf("caption", caption).open("thead").open("tr");
    out.leaf("th", firstHead, "scope", "col");
  }

  private void heads(String... heads) {
    for (String head : heads) {
      out.leaf("th", head, "scope", "col", "class", "number");
    }
    out.close().close().open("tbody");
  }

  private static String css() {
    try (InputStream in = HtmlReport.class.getResourceAsStream("report.css")) {
      return new String(Objects.requireNonNull(in).readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new StorageException(
          "report.css", "the library's own style sheet cannot be read (" + e + ")", e);
    }
  }
}
