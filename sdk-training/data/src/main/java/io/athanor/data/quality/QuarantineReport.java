package io.athanor.data.quality;

import io.athanor.api.error.FormatException;
import java.nio.file.Path;
import java.util.List;

/**
 * What became of malformed rows.
 *
 * @param file where they are
 * @param rows how many rows were read, malformed ones included
 * @param quarantined how many were malformed
 * @param examples the first problems, ten at most
 */
public record QuarantineReport(
    Path file, long rows, long quarantined, List<FormatException> examples) {
  public QuarantineReport {
    examples = List.copyOf(examples);
  }

  @Override
  public String toString() {
    StringBuilder text =
        new StringBuilder()
            .append(quarantined)
            .append(" of ")
            .append(rows)
            .append(" rows are malformed and were written to ")
            .append(file);
    examples.forEach(problem -> text.append("\n  ").append(problem.getMessage()));
    return text.toString();
  }
}
