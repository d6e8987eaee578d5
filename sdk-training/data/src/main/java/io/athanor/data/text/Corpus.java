package io.athanor.data.text;

import io.athanor.api.error.ValidationException;
import io.athanor.data.table.IndexedRows;
import io.athanor.data.table.LocatedRow;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The sequences of some rows. One pass reads every row; the sequences are kept as far as memory
 * allows, and those beyond are made again from their rows when they are used. Thread-safe.
 */
public final class Corpus {
  private static final Logger LOG = LoggerFactory.getLogger(Corpus.class);

  private final IndexedRows rows;
  private final TextForm form;
  private final Vocabulary vocabulary;
  private final List<List<Sequence>> kept = new ArrayList<>();
  private final int[] rowOfItem;
  private final int[] exampleOfItem;
  private final int[] lengths;
  private final TextProfile profile;

  /**
   * Reads rows.
   *
   * @param part names them in errors
   * @param withoutLong leaves out rows that do not fit into the context, instead of an error
   * @param cacheBytes about how much memory sequences may take
   * @throws ValidationException if rows do not fit, or none has anything to learn
   */
  public Corpus(
      String part,
      IndexedRows rows,
      TextForm form,
      Vocabulary vocabulary,
      boolean withoutLong,
      long cacheBytes) {
    this.rows = rows;
    this.form = form;
    this.vocabulary = vocabulary;
    Ints rowsOfItems = new Ints((int) rows.size());
    Ints examples = new Ints((int) rows.size());
    Ints longest = new Ints((int) rows.size());
    TextProfile seen = TextProfile.NONE;
    Longest tooLong = new Longest();
    long left = cacheBytes;
    int used = 0;
    try (IndexedRows.Reading reading = rows.open()) {
      for (int row = 0; row < rows.size(); row++) {
        LocatedRow located = reading.row(row);
        Example example = form.read(located, vocabulary);
        seen = seen.plus(example);
        tooLong.see(located, example);
        for (List<Sequence> item : example.items()) {
          rowsOfItems.add(row);
          examples.add(used);
          longest.add(item.stream().mapToInt(Sequence::length).max().orElse(0));
          long bytes = item.stream().mapToLong(Sequence::bytes).sum();
          left -= bytes;
          if (left >= 0) {
            kept.add(item);
          }
        }
        used += example.items().isEmpty() ? 0 : 1;
      }
    }
    this.rowOfItem = rowsOfItems.toArray();
    this.exampleOfItem = examples.toArray();
    this.lengths = longest.toArray();
    this.profile = seen;
    require(part, tooLong, withoutLong);
  }

  /** The longest row that does not fit. */
  private static final class Longest {
    private String place = "";
    private int tokens;

    void see(LocatedRow row, Example example) {
      if (example.fit() == Example.Fit.TOO_LONG && example.tokens() > tokens) {
        tokens = example.tokens();
        place = row.source() + (row.line() > 0 ? ", line " + row.line() : "");
      }
    }
  }

  private void require(String part, Longest longest, boolean withoutLong) {
    if (profile.tooLong() > 0 && !withoutLong) {
      throw new ValidationException(
          "text",
          List.of(
              profile.tooLong()
                  + " of the "
                  + profile.rows()
                  + " rows of "
                  + part
                  + " do not fit into "
                  + vocabulary.contextLength()
                  + " tokens even without their prompts; the longest has "
                  + longest.tokens
                  + " ("
                  + longest.place
                  + "). Raise contextLength, shorten them, or leave them out with withoutLong()"));
    }
    if (profile.rows() > 0 && lengths.length == 0) {
      throw new ValidationException(
          "text",
          List.of(
              "none of the "
                  + profile.rows()
                  + " rows of "
                  + part
                  + " has a token to learn: "
                  + profile
                  + ". Check the columns "
                  + form.columns()
                  + (form instanceof Chats ? " and which answers the renderer marks" : "")));
    }
    if (profile.empty() + profile.tooLong() > 0) {
      LOG.warn("Of {}, rows are left out: {}", part, profile);
    }
  }

  /** How many groups of sequences there are that stay together. */
  public int items() {
    return lengths.length;
  }

  /** How many sequences an item has. */
  public int width() {
    return form.width();
  }

  /** The length of the longest sequence of each item; not to be changed. */
  public int[] lengths() {
    return lengths;
  }

  /** The number of the row an item was made of, without the rows that gave none. */
  public int example(int item) {
    return exampleOfItem[item];
  }

  public TextProfile profile() {
    return profile;
  }

  /** Opens the source where that is needed. The caller closes it. */
  public Reading open() {
    return new Reading();
  }

  /** Gives items in any order. Used by one thread. */
  public final class Reading implements AutoCloseable {
    private IndexedRows.@Nullable Reading source;
    private int currentRow = -1;
    private List<List<Sequence>> current = List.of();

    private Reading() {}

    public List<Sequence> item(int index) {
      if (index < kept.size()) {
        return kept.get(index);
      }
      int row = rowOfItem[index];
      if (row != currentRow) {
        if (source == null) {
          source = rows.open();
        }
        current = form.read(source.row(row), vocabulary).items();
        currentRow = row;
      }
      int within = index;
      while (within > 0 && rowOfItem[within - 1] == row) {
        within--;
      }
      return current.get(index - within);
    }

    @Override
    public void close() {
      if (source != null) {
        source.close();
      }
    }
  }
}
