package io.athanor.api.data;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;

/**
 * What of a row is watched. Training and serving read it here, so that they mean the same by it.
 * Immutable and thread-safe.
 */
public final class Traits {
  /** The column that stands for what a language model is given to read. */
  public static final String TEXT = "text";

  private static final int CHARACTERS_READ = 4_096;
  private static final List<String> UNKNOWN = List.of("[UNK]", "<unk>", "<|unk|>");

  private final List<Column> columns;
  private final Optional<Tokenizer> tokenizer;
  private final OptionalInt unknown;

  private Traits(List<Column> columns, Optional<Tokenizer> tokenizer) {
    this.columns = List.copyOf(columns);
    this.tokenizer = tokenizer;
    this.unknown = tokenizer.map(Traits::unknown).orElse(OptionalInt.empty());
  }

  /** Those of rows that a model reads, or of {@link #TEXT} that a language model reads. */
  public static Traits of(Encoding encoding) {
    return encoding instanceof FeatureEncoding features
        ? new Traits(features.schema().features(), features.tokenizer())
        : new Traits(List.of(new Column(TEXT, ColumnType.TEXT)), encoding.tokenizer());
  }

  private static OptionalInt unknown(Tokenizer tokenizer) {
    return UNKNOWN.stream()
        .map(tokenizer::id)
        .filter(OptionalInt::isPresent)
        .findFirst()
        .orElse(OptionalInt.empty());
  }

  /** Hears what a row is like. */
  public interface Observer {
    /** A finite number. */
    void number(Trait trait, double value);

    /** A word. */
    void category(Trait trait, String value);
  }

  /** Every trait of rows that all have their cells. */
  public List<Trait> all() {
    List<Trait> all = new ArrayList<>();
    for (Column column : columns) {
      all.add(new Trait(column.name(), Trait.Aspect.PRESENCE));
      for (Trait.Aspect aspect : aspects(column.type())) {
        all.add(new Trait(column.name(), aspect));
      }
    }
    return List.copyOf(all);
  }

  private List<Trait.Aspect> aspects(ColumnType type) {
    return switch (type) {
      case NUMBER, CATEGORY -> List.of(Trait.Aspect.VALUE);
      case IMAGE -> List.of(Trait.Aspect.BRIGHTNESS, Trait.Aspect.CONTRAST);
      case TEXT -> {
        List<Trait.Aspect> aspects = new ArrayList<>(List.of(Trait.Aspect.LENGTH));
        if (unknown.isPresent()) {
          aspects.add(Trait.Aspect.UNKNOWN_TOKENS);
        }
        aspects.add(Trait.Aspect.TOKENS_PER_CHARACTER);
        yield aspects;
      }
    };
  }

  /** Tells an observer about a row; cells of another type than their column's are passed over. */
  public void read(Row row, Observer observer) {
    for (Column column : columns) {
      Object cell = row.cell(column.name());
      observer.category(
          new Trait(column.name(), Trait.Aspect.PRESENCE), cell == null ? "missing" : "present");
      if (column.type() == ColumnType.NUMBER && cell instanceof Double number) {
        if (Double.isFinite(number)) {
          observer.number(new Trait(column.name(), Trait.Aspect.VALUE), number);
        }
      } else if (column.type() == ColumnType.CATEGORY && cell instanceof String word) {
        observer.category(new Trait(column.name(), Trait.Aspect.VALUE), word);
      } else if (column.type() == ColumnType.TEXT && cell instanceof String text) {
        read(column.name(), text, observer);
      } else if (column.type() == ColumnType.IMAGE && cell instanceof Pixels picture) {
        read(column.name(), picture, observer);
      }
    }
  }

  private void read(String column, String text, Observer observer) {
    observer.number(new Trait(column, Trait.Aspect.LENGTH), text.length());
    String begin = text.substring(0, Math.min(text.length(), CHARACTERS_READ));
    if (begin.isBlank()) {
      return;
    }
    List<Tokenizer.Token> tokens = tokenizer.orElseThrow().tokenize(begin);
    observer.number(
        new Trait(column, Trait.Aspect.TOKENS_PER_CHARACTER),
        (double) tokens.size() / begin.length());
    if (unknown.isPresent() && !tokens.isEmpty()) {
      long foreign = tokens.stream().filter(t -> t.id() == unknown.getAsInt()).count();
      observer.number(
          new Trait(column, Trait.Aspect.UNKNOWN_TOKENS), (double) foreign / tokens.size());
    }
  }

  private static void read(String column, Pixels picture, Observer observer) {
    double sum = 0;
    double squares = 0;
    for (int y = 0; y < picture.height(); y++) {
      for (int x = 0; x < picture.width(); x++) {
        for (int c = 0; c < picture.channels(); c++) {
          double value = picture.at(x, y, c) / 255.0;
          sum += value;
          squares += value * value;
        }
      }
    }
    double values = (double) picture.width() * picture.height() * picture.channels();
    double mean = sum / values;
    observer.number(new Trait(column, Trait.Aspect.BRIGHTNESS), mean);
    observer.number(
        new Trait(column, Trait.Aspect.CONTRAST),
        Math.sqrt(Math.max(0, squares / values - mean * mean)));
  }
}
