package io.athanor.data;

import io.athanor.api.data.Column;
import io.athanor.api.data.ColumnType;
import io.athanor.api.data.Rows;
import io.athanor.api.data.Schema;
import io.athanor.api.data.Tokenizer;
import io.athanor.api.error.NotFoundException;
import io.athanor.api.error.ValidationException;
import io.athanor.data.quality.DataProfile;
import io.athanor.data.quality.QuarantineReport;
import io.athanor.data.quality.Tolerance;
import io.athanor.data.source.DataSource;
import io.athanor.data.source.RecordReader;
import io.athanor.data.table.Table;
import io.athanor.data.transform.EncodingOptions;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/**
 * Records of a source with typed columns. Nothing is read before it is needed; then one pass finds
 * and checks every row, and keeps 24 bytes for each: the rows themselves are read again when they
 * are used.
 *
 * <pre>{@code
 * var mail = Dataset.from(Csv.of(path)).text("body").label("spam").split(0.8, 0.1, 0.1).seed(7);
 * }</pre>
 *
 * <p>A malformed row is an error that names file, line and column, unless {@link #tolerant} sets
 * such rows aside. An empty cell is a missing one; a row without its label, target or picture is
 * malformed.
 *
 * <p>Immutable and thread-safe: every method gives a new dataset.
 */
public final class Dataset {
  private final DataSource source;
  private final List<Column> features;
  private final Optional<Set<String>> notNumbers;
  private final Optional<Column> target;
  private final EncodingOptions encoding;
  private final Optional<Tolerance> tolerance;
  private final Lazy<Table> table;

  private Dataset(
      DataSource source,
      List<Column> features,
      Optional<Set<String>> notNumbers,
      Optional<Column> target,
      EncodingOptions encoding,
      Optional<Tolerance> tolerance,
      Optional<Lazy<Table>> table) {
    this.source = source;
    this.features = List.copyOf(features);
    this.notNumbers = notNumbers;
    this.target = target;
    this.encoding = encoding;
    this.tolerance = tolerance;
    this.table = table.orElseGet(() -> new Lazy<>(() -> Table.read(source, schema(), tolerance)));
  }

  /** A dataset without columns yet; does not touch the source. */
  public static Dataset from(DataSource source) {
    return new Dataset(
        source,
        List.of(),
        Optional.empty(),
        Optional.empty(),
        EncodingOptions.DEFAULT,
        Optional.empty(),
        Optional.empty());
  }

  /** Feature columns that hold numbers; standardised for the model. */
  public Dataset number(String... columns) {
    return with(ColumnType.NUMBER, columns);
  }

  /** Feature columns that hold one of a few words; one-hot for the model. */
  public Dataset category(String... columns) {
    return with(ColumnType.CATEGORY, columns);
  }

  /** Feature columns that hold free text; token ids for the model. */
  public Dataset text(String... columns) {
    return with(ColumnType.TEXT, columns);
  }

  /** Feature columns that hold pictures of one size. */
  public Dataset image(String... columns) {
    return with(ColumnType.IMAGE, columns);
  }

  /**
   * Every column that is neither declared nor named here is a number column; the source tells when
   * the dataset is used.
   */
  public Dataset numbersExcept(String... columns) {
    return new Dataset(
        source,
        features,
        Optional.of(Set.of(columns)),
        target,
        encoding,
        tolerance,
        Optional.empty());
  }

  /** The column that names the class of a row: a classifier learns it. */
  public Dataset label(String column) {
    return target(new Column(column, ColumnType.CATEGORY));
  }

  /** The column that holds the number to estimate: a regression learns it. */
  public Dataset estimate(String column) {
    return target(new Column(column, ColumnType.NUMBER));
  }

  /** Most tokens kept of a text; 256 unless set. */
  public Dataset maximumTokens(int tokens) {
    return encoding(encoding.maximumTokens(tokens));
  }

  /**
   * The vocabulary to fit on the training rows.
   *
   * @param size most words, 20,000 unless set
   * @param minimumCount how often a word must occur, 2 unless set
   */
  public Dataset vocabulary(int size, int minimumCount) {
    return encoding(encoding.vocabulary(size, minimumCount));
  }

  /** Uses this tokenizer for text and fits none. */
  public Dataset tokenizer(Tokenizer tokenizer) {
    return encoding(encoding.tokenizer(tokenizer));
  }

  /** Treats a category that the training rows did not have like a missing cell, not as an error. */
  public Dataset ignoreUnknownCategories() {
    return encoding(encoding.ignoreUnknownCategories());
  }

  /** Sets malformed rows aside, up to five in a hundred. */
  public Dataset tolerant(Path quarantine) {
    return tolerant(quarantine, 0.05);
  }

  /**
   * Sets malformed rows aside.
   *
   * @param quarantine a file for them, written as JSON Lines of {@code source, line, column,
   *     problem, record}; replaced if it exists
   * @param most the share that may be malformed, above 0 and at most 1; more is an error
   */
  public Dataset tolerant(Path quarantine, double most) {
    return new Dataset(
        source,
        features,
        notNumbers,
        target,
        encoding,
        Optional.of(new Tolerance(quarantine, most)),
        Optional.empty());
  }

  /**
   * Rows to train on, to choose the best checkpoint by, and to test with; stratified where there is
   * a label.
   *
   * @param train share of the rows, above 0
   * @param validation share of the rows, at least 0
   * @param test share of the rows, at least 0; the three sum to 1
   */
  public Split split(double train, double validation, double test) {
    return Split.of(this, train, validation, test);
  }

  /** All rows, in the source's order. */
  public Rows rows() {
    return table().rows();
  }

  /** What the rows look like. */
  public DataProfile profile() {
    return table().profile();
  }

  /** What became of malformed rows; absent unless {@link #tolerant}. */
  public Optional<QuarantineReport> quarantine() {
    return table().quarantine();
  }

  /** The columns, with those that {@link #numbersExcept} finds in the source. */
  public Schema schema() {
    List<Column> all = new ArrayList<>(features);
    notNumbers.ifPresent(except -> all.addAll(otherNumbers(except)));
    if (all.isEmpty()) {
      throw new ValidationException(
          "dataset",
          List.of(
              "there is no feature column; call number, category, text, image or numbersExcept"));
    }
    return new Schema(all, target);
  }

  private List<Column> otherNumbers(Set<String> except) {
    Set<String> known = new HashSet<>(except);
    features.forEach(column -> known.add(column.name()));
    target.ifPresent(column -> known.add(column.name()));
    try (RecordReader reader = source.open()) {
      for (String column : except) {
        if (!reader.columns().contains(column)) {
          throw new NotFoundException(
              "column '" + column + "' in " + source.name(), reader.columns(), "Correct the name");
        }
      }
      return reader.columns().stream()
          .filter(column -> !known.contains(column))
          .map(column -> new Column(column, ColumnType.NUMBER))
          .toList();
    }
  }

  Table table() {
    return table.value();
  }

  boolean hasText() {
    return features.stream().anyMatch(column -> column.type() == ColumnType.TEXT);
  }

  EncodingOptions encodingOptions() {
    return encoding;
  }

  private Dataset with(ColumnType type, String... columns) {
    List<Column> more = new ArrayList<>(features);
    for (String name : columns) {
      requireNew(name);
      more.add(new Column(name, type));
    }
    return new Dataset(source, more, notNumbers, target, encoding, tolerance, Optional.empty());
  }

  private Dataset target(Column column) {
    if (target.isPresent()) {
      throw new IllegalArgumentException(
          "column must be the only target; '" + target.get().name() + "' is one already");
    }
    requireNew(column.name());
    return new Dataset(
        source, features, notNumbers, Optional.of(column), encoding, tolerance, Optional.empty());
  }

  private void requireNew(String name) {
    boolean declared =
        features.stream().anyMatch(column -> column.name().equals(name))
            || target.filter(column -> column.name().equals(name)).isPresent();
    if (declared) {
      throw new IllegalArgumentException("column '" + name + "' is declared twice");
    }
  }

  private Dataset encoding(EncodingOptions options) {
    return new Dataset(
        source, features, notNumbers, target, options, tolerance, Optional.of(table));
  }
}
