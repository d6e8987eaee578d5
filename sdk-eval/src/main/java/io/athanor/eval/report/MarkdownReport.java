package io.athanor.eval.report;

import io.athanor.api.eval.Details;
import io.athanor.api.eval.Estimate;
import io.athanor.api.eval.EvaluationReport;
import io.athanor.api.eval.GateDecision;
import io.athanor.api.eval.HardRow;
import io.athanor.api.eval.MetricValue;
import io.athanor.eval.metric.Numbers;

/** The report as Markdown, for terminals, merge requests and model cards. */
public final class MarkdownReport {
  private static final int MOST_LABELS = 12;

  private final EvaluationReport report;
  private final StringBuilder out = new StringBuilder();

  private MarkdownReport(EvaluationReport report) {
    this.report = report;
  }

  /** The text. */
  public static String render(EvaluationReport report) {
    return new MarkdownReport(report).text();
  }

  private String text() {
    Badge badge = Badge.of(report);
    out.append("# Evaluation: ").append(escape(Subjects.title(report))).append("\n\n");
    out.append("**").append(badge.word()).append(".** ").append(badge.sentence()).append(' ');
    out.append(escape(Subjects.line(report))).append('\n');
    if (!report.decisions().isEmpty()) {
      out.append("\n## Gates\n\n");
      for (GateDecision decision : report.decisions()) {
        out.append("- **").append(Badge.of(decision.kind()).word()).append("** ");
        out.append(escape(decision.gate())).append(". ").append(escape(decision.sentence()));
        out.append('\n');
      }
    }
    out.append("\n## Metrics\n\n").append(Subjects.intervals(report)).append("\n\n");
    row("Metric", "Value", "Low", "High", "Note");
    row("---", "---:", "---:", "---:", "---");
    for (MetricValue metric : report.metrics()) {
      String unit = metric.unit().isEmpty() ? "" : " " + metric.unit();
      row(
          escape(metric.title()),
          metric.estimate().map(e -> Numbers.brief(e.value()) + unit).orElse("undefined"),
          metric.estimate().map(e -> Numbers.brief(e.low())).orElse(""),
          metric.estimate().map(e -> Numbers.brief(e.high())).orElse(""),
          escape(metric.note()));
    }
    if (report.details() instanceof Details.Classification details) {
      labels(details);
    }
    hardest();
    out.append("\n## Provenance\n\n");
    report.subject().weights().ifPresent(digest -> fact("model weights", digest.toString()));
    fact("test rows", report.test().fingerprint().toString());
    fact("evaluated", report.created().toString());
    fact("seed", String.valueOf(report.sampling().seed()));
    report.environment().forEach(this::fact);
    return out.toString();
  }

  private void labels(Details.Classification details) {
    out.append("\n## Labels\n\n");
    row("Label", "Precision", "Recall", "F1", "Actual", "Predicted");
    row("---", "---:", "---:", "---:", "---:", "---:");
    for (Details.ClassScore score : details.classes()) {
      row(
          escape(score.label()),
          interval(score.precision()),
          interval(score.recall()),
          interval(score.f1()),
          String.valueOf(score.support()),
          String.valueOf(score.predicted()));
    }
    Details.ConfusionMatrix matrix = details.confusion();
    int size = matrix.labels().size();
    if (size > MOST_LABELS) {
      return;
    }
    out.append("\n## Confusion matrix\n\nRows are actual labels, columns predicted ones.\n\n");
    String[] cells = new String[size + 1];
    String[] rule = new String[size + 1];
    cells[0] = "";
    rule[0] = "---";
    for (int p = 0; p < size; p++) {
      cells[p + 1] = escape(matrix.labels().get(p));
      rule[p + 1] = "---:";
    }
    row(cells);
    row(rule);
    for (int a = 0; a < size; a++) {
      cells[0] = escape(matrix.labels().get(a));
      for (int p = 0; p < size; p++) {
        cells[p + 1] = String.valueOf(matrix.count(a, p));
      }
      row(cells);
    }
  }

  private void hardest() {
    if (report.hardest().isEmpty()) {
      return;
    }
    boolean labels = report.details() instanceof Details.Classification;
    out.append(labels ? "\n## Confidently wrong\n\n" : "\n## Largest errors\n\n");
    row("Row (from 0)", "Actual", "Predicted", labels ? "Confidence" : "Error");
    row("---:", "---", "---", "---:");
    for (HardRow row : report.hardest()) {
      row(
          String.valueOf(row.row()),
          escape(row.actual()),
          escape(row.predicted()),
          Numbers.brief(row.score()));
    }
  }

  private static String interval(Estimate e) {
    return Numbers.brief(e.value())
        + " ("
        + Numbers.brief(e.low())
        + " to "
        + Numbers.brief(e.high())
        + ")";
  }

  private void fact(String name, String value) {
    out.append("- ").append(escape(name)).append(": ").append(escape(value)).append('\n');
  }

  private void row(String... cells) {
    out.append("| ").append(String.join(" | ", cells)).append(" |\n");
  }

  private static String escape(String text) {
    StringBuilder safe = new StringBuilder();
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '<') {
        safe.append("&lt;");
      } else if (c < ' ') {
        safe.append(' ');
      } else {
        safe.append("\\|*`[]".indexOf(c) >= 0 ? "\\" : "").append(c);
      }
    }
    return safe.toString();
  }
}
