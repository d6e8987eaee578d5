package io.athanor.data.quality;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.io.SerializedString;
import io.athanor.api.error.FormatException;
import java.io.IOException;
import java.io.OutputStream;
import java.util.ArrayList;
import java.util.List;

/**
 * Writes malformed rows as JSON Lines of {@code source, line, column, problem, record}. Used by one
 * thread.
 */
public final class Quarantine {
  private static final int EXAMPLES = 10;
  private static final long ROWS_BEFORE_JUDGEMENT = 10_000;

  private final Tolerance tolerance;
  private final JsonGenerator json;
  private final List<FormatException> examples = new ArrayList<>();
  private long quarantined;

  /**
   * @param out stays open
   */
  public Quarantine(Tolerance tolerance, OutputStream out) throws IOException {
    this.tolerance = tolerance;
    this.json =
        new JsonFactory()
            .createGenerator(out)
            .setRootValueSeparator(new SerializedString("\n"))
            .disable(JsonGenerator.Feature.AUTO_CLOSE_TARGET);
  }

  /** Keeps a malformed row. */
  public void add(FormatException problem, String record) throws IOException {
    quarantined++;
    if (examples.size() < EXAMPLES) {
      examples.add(problem);
    }
    json.writeStartObject();
    json.writeStringField("source", problem.source());
    json.writeNumberField("line", problem.line());
    json.writeStringField("column", problem.column());
    json.writeStringField("problem", problem.getMessage());
    json.writeStringField("record", record);
    json.writeEndObject();
  }

  /** Whether so many rows are malformed already that reading on is in vain. */
  public boolean hopeless(long rows) {
    return rows % ROWS_BEFORE_JUDGEMENT == 0 && quarantined > tolerance.most() * rows;
  }

  /** Ends the content and reports. */
  public QuarantineReport finish(long rows) throws IOException {
    if (quarantined > 0) {
      json.writeRaw('\n');
    }
    json.flush();
    return new QuarantineReport(tolerance.file(), rows, quarantined, examples);
  }
}
