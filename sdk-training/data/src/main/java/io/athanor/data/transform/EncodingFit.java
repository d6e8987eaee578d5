package io.athanor.data.transform;

import io.athanor.api.data.Column;
import io.athanor.api.data.ColumnType;
import io.athanor.api.data.Encoder;
import io.athanor.api.data.FeatureEncoding;
import io.athanor.api.data.Pixels;
import io.athanor.api.data.Row;
import io.athanor.api.data.Schema;
import io.athanor.api.data.TargetEncoder;
import io.athanor.api.data.Tokenizer;
import io.athanor.api.data.WordTokenizer;
import io.athanor.api.error.ValidationException;
import io.athanor.data.quality.Moments;
import io.athanor.data.table.IndexedRows;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Optional;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * Fits a {@link FeatureEncoding} to rows: mean and deviation of numbers and of pixel values, the
 * sorted categories and labels, the vocabulary of all text columns together. A column that never
 * changes gets deviation 1. Reads the rows once, and once more for a vocabulary.
 */
public final class EncodingFit {
  private static final int MOST_CATEGORIES = 10_000;

  private final IndexedRows rows;
  private final Schema schema;
  private final EncodingOptions options;
  private final Map<String, Moments> moments = new LinkedHashMap<>();
  private final Map<String, TreeSet<String>> categories = new LinkedHashMap<>();
  private final Map<String, Pixels> pictures = new LinkedHashMap<>();
  private final List<String> problems = new ArrayList<>();

  private EncodingFit(IndexedRows rows, EncodingOptions options) {
    this.rows = rows;
    this.schema = rows.schema();
    this.options = options;
  }

  /**
   * Fits to rows that have a target.
   *
   * @throws ValidationException if a column has nothing to fit to, listing every such column
   */
  public static FeatureEncoding of(IndexedRows rows, EncodingOptions options) {
    EncodingFit fit = new EncodingFit(rows, options);
    rows.forEach(located -> fit.see(located.row()));
    return fit.encoding();
  }

  private void see(Row row) {
    for (Column column : schema.columns()) {
      Object cell = row.cell(column.name());
      if (cell instanceof Double number) {
        moments(column).add(number);
      } else if (cell instanceof Pixels pixels) {
        see(column, pixels);
      } else if (cell instanceof String text && column.type() == ColumnType.CATEGORY) {
        see(column, text);
      }
    }
  }

  private void see(Column column, String category) {
    TreeSet<String> known = categories.computeIfAbsent(column.name(), name -> new TreeSet<>());
    if (known.add(category) && known.size() > MOST_CATEGORIES) {
      throw new ValidationException(
          "feature encoding",
          List.of(
              "column '"
                  + column.name()
                  + "' has more than "
                  + MOST_CATEGORIES
                  + " categories; declare it as text, or leave it out"));
    }
  }

  private void see(Column column, Pixels pixels) {
    pictures.putIfAbsent(column.name(), pixels);
    Moments values = moments(column);
    for (int y = 0; y < pixels.height(); y++) {
      for (int x = 0; x < pixels.width(); x++) {
        for (int c = 0; c < pixels.channels(); c++) {
          values.add(pixels.at(x, y, c) / 255.0);
        }
      }
    }
  }

  private Moments moments(Column column) {
    return moments.computeIfAbsent(column.name(), name -> new Moments());
  }

  private FeatureEncoding encoding() {
    List<Encoder> encoders = new ArrayList<>();
    for (Column column : schema.features()) {
      Encoder encoder = encoder(column);
      if (encoder == null) {
        problems.add(
            "column '"
                + column.name()
                + "' is empty in every training row; leave it out or fill it");
      } else {
        encoders.add(encoder);
      }
    }
    if (!problems.isEmpty()) {
      throw new ValidationException("feature encoding", problems);
    }
    boolean text = encoders.stream().anyMatch(encoder -> encoder instanceof Encoder.Text);
    return new FeatureEncoding(
        encoders, target(), text ? Optional.of(tokenizer()) : Optional.empty());
  }

  private @Nullable Encoder encoder(Column column) {
    String name = column.name();
    if (column.type() == ColumnType.TEXT) {
      return new Encoder.Text(name, options.maximumTokens());
    }
    if (column.type() == ColumnType.CATEGORY) {
      TreeSet<String> known = categories.get(name);
      return known == null ? null : new Encoder.OneHot(name, List.copyOf(known), options.unknown());
    }
    Moments values = moments.get(name);
    if (values == null) {
      return null;
    }
    Pixels first = pictures.get(name);
    return first == null
        ? new Encoder.Standardize(name, values.mean(), deviation(values))
        : new Encoder.Image(
            name,
            first.channels(),
            first.height(),
            first.width(),
            values.mean(),
            deviation(values));
  }

  private static double deviation(Moments values) {
    return values.deviation() > 0 ? values.deviation() : 1;
  }

  private TargetEncoder target() {
    Column target = schema.target().orElseThrow();
    if (target.type() == ColumnType.CATEGORY) {
      TreeSet<String> labels = categories.getOrDefault(target.name(), new TreeSet<>());
      return new TargetEncoder.Label(target.name(), List.copyOf(labels));
    }
    Moments values = moments(target);
    return new TargetEncoder.Quantity(target.name(), values.mean(), deviation(values));
  }

  private Tokenizer tokenizer() {
    return options
        .tokenizer()
        .orElseGet(
            () -> {
              try (IndexedRows.Reading reading = rows.open()) {
                return WordTokenizer.fit(
                    () -> new Texts(reading), options.vocabularySize(), options.minimumCount());
              }
            });
  }

  /** The cells of all text columns, row by row. */
  private final class Texts implements Iterator<String> {
    private final IndexedRows.Reading reading;
    private final List<String> columns =
        schema.features().stream()
            .filter(column -> column.type() == ColumnType.TEXT)
            .map(Column::name)
            .toList();
    private int row;
    private Iterator<String> texts = List.<String>of().iterator();

    Texts(IndexedRows.Reading reading) {
      this.reading = reading;
    }

    @Override
    public boolean hasNext() {
      while (!texts.hasNext() && row < rows.size()) {
        Row current = reading.row(row++).row();
        texts =
            columns.stream()
                .map(current::cell)
                .filter(String.class::isInstance)
                .map(String.class::cast)
                .iterator();
      }
      return texts.hasNext();
    }

    @Override
    public String next() {
      if (!hasNext()) {
        throw new NoSuchElementException();
      }
      return texts.next();
    }
  }
}
