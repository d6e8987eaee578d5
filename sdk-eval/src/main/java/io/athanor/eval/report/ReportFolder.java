package io.athanor.eval.report;

import io.athanor.api.common.AtomicFile;
import io.athanor.api.error.NotFoundException;
import io.athanor.api.error.StorageException;
import io.athanor.api.eval.EvaluationReport;
import io.athanor.api.eval.ReportJson;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** A report on disk: {@code report.html}, {@code report.md} and {@code report.json}. */
public final class ReportFolder {
  private static final String JSON = "report.json";

  private ReportFolder() {}

  /**
   * Writes a report; each file is whole or absent, and the JSON comes last.
   *
   * @param folder is made if it is absent; an older report in it is replaced
   * @return the HTML file
   * @throws StorageException if the folder cannot be written
   */
  public static Path save(EvaluationReport report, Path folder) {
    Path html = folder.resolve("report.html");
    AtomicFile.writeText(html, HtmlReport.render(report));
    AtomicFile.writeText(folder.resolve("report.md"), MarkdownReport.render(report));
    AtomicFile.writeText(folder.resolve(JSON), ReportJson.write(report).toPrettyString());
    return html;
  }

  /**
   * Reads a report that was saved.
   *
   * @throws NotFoundException if there is none in the folder
   * @throws StorageException if it cannot be read
   * @throws io.athanor.api.error.FormatException if it is damaged
   */
  public static EvaluationReport load(Path folder) {
    Path json = folder.resolve(JSON);
    if (!Files.exists(json)) {
      throw new NotFoundException(
          JSON + " in " + folder, List.of(), "Save a report there first, or name another folder");
    }
    try {
      return ReportJson.read(json.toString(), Files.readString(json));
    } catch (IOException e) {
      throw new StorageException(json.toString(), "cannot be read (" + e + ")", e);
    }
  }
}
