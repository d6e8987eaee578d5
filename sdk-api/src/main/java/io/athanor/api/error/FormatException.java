package io.athanor.api.error;

import org.jspecify.annotations.Nullable;

/**
 * Content that is not what its format promises: a malformed row, a truncated or lying model file, a
 * wrong digest.
 */
public final class FormatException extends AthanorException {
  private static final long serialVersionUID = 1L;

  private final String source;
  private final long line;
  private final @Nullable String column;

  /** A problem of the file as a whole. */
  public FormatException(String source, String problem) {
    this(source, 0, null, problem);
  }

  /** A problem of the file as a whole, found by a parser. */
  public FormatException(String source, String problem, Throwable cause) {
    super(source + ": " + problem, cause, false);
    this.source = source;
    this.line = 0;
    this.column = null;
  }

  /**
   * @param source the file, or another name of where the content came from
   * @param line line counted from 1, or 0 where lines mean nothing
   * @param column the column's name, if one is to blame
   * @param problem what was found, what was expected, how to fix it
   */
  public FormatException(String source, long line, @Nullable String column, String problem) {
    super(
        source
            + (line > 0 ? ", line " + line : "")
            + (column != null ? ", column '" + column + "'" : "")
            + ": "
            + problem,
        false);
    this.source = source;
    this.line = line;
    this.column = column;
  }

  /** The file, or another name of where the content came from. */
  public String source() {
    return source;
  }

  /** Line counted from 1; 0 where lines mean nothing. */
  public long line() {
    return line;
  }

  /** The column's name, or null. */
  public @Nullable String column() {
    return column;
  }
}
