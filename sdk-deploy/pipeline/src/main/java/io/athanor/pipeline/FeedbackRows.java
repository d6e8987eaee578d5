package io.athanor.pipeline;

import io.athanor.api.data.Row;
import io.athanor.data.source.Records;
import io.athanor.deploy.monitor.FeedbackEntry;
import io.athanor.deploy.monitor.FeedbackLog;
import io.athanor.deploy.monitor.Opinion;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Feedback as rows to learn from. */
public final class FeedbackRows {
  private FeedbackRows() {}

  /**
   * The rows that were asked, each with what is right in a column of its own: the correction, or
   * the accepted answer. The latest opinion of an answer counts. Answers that were only rejected or
   * rated are left out, since nobody knows what would be right. Holds all rows in memory.
   *
   * <pre>{@code
   * Dataset.from(FeedbackRows.of(log, "label")).text("body").label("label")
   * TextDataset.completions(FeedbackRows.of(log, "right"), Traits.TEXT, "right")
   * }</pre>
   *
   * @param target the column that gets what is right
   * @throws io.athanor.api.error.FormatException if the log is damaged; names the line
   * @throws io.athanor.api.error.StorageException if it cannot be read
   */
  public static Records of(FeedbackLog log, String target) {
    Map<String, FeedbackEntry> latest = new LinkedHashMap<>();
    log.forEach(
        entry -> {
          if (!(entry.opinion() instanceof Opinion.Rated)) {
            latest.put(entry.answer(), entry);
          }
        });
    List<Row> rows = new ArrayList<>();
    for (FeedbackEntry entry : latest.values()) {
      if (entry.opinion() instanceof Opinion.Corrected corrected) {
        rows.add(row(entry, target, corrected.right()));
      } else if (entry.opinion() instanceof Opinion.Accepted) {
        rows.add(row(entry, target, entry.predicted()));
      }
    }
    return Records.of(rows).named("feedback in " + log.file());
  }

  private static Row row(FeedbackEntry entry, String target, Object right) {
    Map<String, Object> cells = new LinkedHashMap<>();
    for (String column : entry.row().columns()) {
      Object cell = entry.row().cell(column);
      if (cell != null) {
        cells.put(column, cell);
      }
    }
    cells.put(target, right);
    return Row.of(cells);
  }
}
