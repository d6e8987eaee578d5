package io.athanor.eval.report;

import io.athanor.api.data.Task;
import io.athanor.api.eval.EvaluationReport;
import io.athanor.eval.metric.Numbers;

/** What a report is about, in words. */
final class Subjects {
  private Subjects() {}

  static String title(EvaluationReport report) {
    String architecture = report.subject().architecture();
    return (architecture.isEmpty() ? "Model" : architecture)
        + " for '"
        + report.subject().task().target()
        + "'";
  }

  static String line(EvaluationReport report) {
    String task =
        report.subject().task() instanceof Task.Classification c
            ? "Classification into " + c.labels().size() + " labels"
            : "Regression";
    return task
        + ", "
        + report.test().rows()
        + " test rows"
        + report.subject().weights().map(d -> ", weights " + d.brief()).orElse("")
        + ".";
  }

  static String intervals(EvaluationReport report) {
    return "Intervals are "
        + Numbers.percent(report.sampling().confidence())
        + " percentile bootstrap intervals from "
        + report.sampling().resamples()
        + " resamples of the test rows.";
  }
}
