package io.athanor.data.source;

import de.siegmar.fastcsv.reader.CsvParseException;
import de.siegmar.fastcsv.reader.CsvReader;
import de.siegmar.fastcsv.reader.StringArrayHandler;
import io.athanor.api.error.FormatException;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * A file of separated values (RFC 4180) in UTF-8, with or without a byte order mark. The first
 * record names the columns, unless {@link #header} does. An empty cell is a missing one.
 *
 * <p>A plain file is read from disk as needed. A {@code .gz} file is unpacked into memory once, up
 * to a quarter of the heap and at most 1 GiB.
 *
 * <p>Immutable and thread-safe.
 */
public final class Csv implements DataSource {
  private static final int MOST_COLUMNS = 100_000;
  private static final List<Character> SEPARATORS = List.of(',', ';', '\t', '|');

  private final TextContent content;
  private final char separator;
  private final char quote;
  private final List<String> header;
  private final Set<String> missing;
  private final int maximumRecordBytes;

  private Csv(
      TextContent content,
      char separator,
      char quote,
      List<String> header,
      Set<String> missing,
      int maximumRecordBytes) {
    this.content = content;
    this.separator = separator;
    this.quote = quote;
    this.header = header;
    this.missing = missing;
    this.maximumRecordBytes = maximumRecordBytes;
  }

  /** A file with commas between cells, double quotes around them where needed, and a header. */
  public static Csv of(Path file) {
    return new Csv(new TextContent(file), ',', '"', List.of(), Set.of(), 16 << 20);
  }

  /** What stands between cells: an ASCII character, for example {@code ';'} or a tab. */
  public Csv separator(char character) {
    requireFit("separator", character, quote);
    return new Csv(content, character, quote, header, missing, maximumRecordBytes);
  }

  /** What stands around cells that hold separators, quotes or line breaks. */
  public Csv quote(char character) {
    requireFit("quote", character, separator);
    return new Csv(content, separator, character, header, missing, maximumRecordBytes);
  }

  /** Names the columns of a file whose first record is data. */
  public Csv header(String... columns) {
    if (columns.length == 0) {
      throw new IllegalArgumentException("columns must not be empty");
    }
    return new Csv(content, separator, quote, List.of(columns), missing, maximumRecordBytes);
  }

  /** Further contents that mean a missing cell, for example {@code "NA"} or {@code "?"}. */
  public Csv missing(String... contents) {
    return new Csv(content, separator, quote, header, Set.of(contents), maximumRecordBytes);
  }

  /** Most bytes of one record; 16 MiB unless set. A longer one is malformed. */
  public Csv maximumRecordBytes(int bytes) {
    if (bytes < 1) {
      throw new IllegalArgumentException("bytes must be at least 1, got " + bytes);
    }
    return new Csv(content, separator, quote, header, missing, bytes);
  }

  private static void requireFit(String what, char character, char other) {
    if (character == 0 || character > 126 || "\r\n".indexOf(character) >= 0 || character == other) {
      throw new IllegalArgumentException(
          what
              + " must be an ASCII character, no line break and not '"
              + other
              + "', got '"
              + character
              + "'");
    }
  }

  @Override
  public String name() {
    return content.file().toString();
  }

  @Override
  public RecordReader open() {
    String stamp = content.stamp();
    Reader reader =
        new Reader(stamp, new RecordScanner(content, maximumRecordBytes, separator, quote));
    try {
      reader.readHeader();
      return reader;
    } catch (FormatException e) {
      reader.close();
      throw e;
    }
  }

  private final class Reader extends TextReader {
    private final RecordScanner scanner;
    private final CsvReader.CsvReaderBuilder parser =
        CsvReader.builder().fieldSeparator(separator).quoteCharacter(quote).skipEmptyLines(false);
    private final StringArrayHandler cells =
        StringArrayHandler.of(
            limits ->
                limits
                    .maxFields(MOST_COLUMNS)
                    .maxFieldSize(maximumRecordBytes)
                    .maxRecordSize(maximumRecordBytes));
    private List<String> columns = header;

    private Reader(String stamp, RecordScanner scanner) {
      super(content, stamp, scanner);
      this.scanner = scanner;
    }

    private void readHeader() {
      if (!header.isEmpty()) {
        requireDistinct(header);
        return;
      }
      if (!scanner.next()) {
        throw new FormatException(
            name(), "is empty; expected a header record that names the columns, then data");
      }
      Optional<String> problem = Optional.ofNullable(scanner.problem());
      if (problem.isPresent()) {
        throw malformedHeader(problem.get());
      }
      try {
        columns = List.of(values(scanner.text()));
      } catch (CsvParseException e) {
        throw malformedHeader(reason(e));
      }
      requireSeparated();
      requireDistinct(columns);
    }

    private void requireSeparated() {
      String only = columns.get(0);
      for (char other : SEPARATORS) {
        if (columns.size() == 1 && only.indexOf(other) >= 0) {
          String shown = other == '\t' ? "\\t" : String.valueOf(other);
          throw malformedHeader(
              "the header has one column, '"
                  + only
                  + "'; expected '"
                  + separator
                  + "' between columns. The file looks separated by '"
                  + shown
                  + "': use separator('"
                  + shown
                  + "')");
        }
      }
    }

    private void requireDistinct(List<String> names) {
      for (int i = 0; i < names.size(); i++) {
        if (names.get(i).isBlank()) {
          throw malformedHeader(
              "column " + (i + 1) + " has no name. Name it, or give the names with header(...)");
        }
        if (names.indexOf(names.get(i)) < i) {
          throw malformedHeader(
              "two columns are called '"
                  + names.get(i)
                  + "'. Rename one, or remove the record and give the names with header(...)");
        }
      }
    }

    private FormatException malformedHeader(String problem) {
      return new FormatException(name(), header.isEmpty() ? scanner.line() : 0, null, problem);
    }

    @Override
    public List<String> columns() {
      return columns;
    }

    @Override
    SourceRecord parse(String text) {
      String[] values;
      try {
        values = values(text);
      } catch (CsvParseException e) {
        return malformed(reason(e));
      }
      if (values.length != columns.size()) {
        return malformed(
            "expected "
                + columns.size()
                + " cells as in the header, got "
                + values.length
                + ". Quote a cell that holds the separator");
      }
      Map<String, Object> named = new LinkedHashMap<>();
      for (int i = 0; i < values.length; i++) {
        if (!values[i].isEmpty() && !missing.contains(values[i])) {
          named.put(columns.get(i), values[i]);
        }
      }
      return record(named);
    }

    private String[] values(String text) {
      return parser.ofSingleCsvRecord(cells, text);
    }

    private static String reason(CsvParseException e) {
      Throwable deepest = e.getCause() == null ? e : e.getCause();
      return "not a CSV record: " + deepest.getMessage();
    }
  }
}
