package io.athanor.data.text;

import io.athanor.api.data.Task;
import io.athanor.data.table.LocatedRow;
import java.util.List;

/**
 * Texts and what should be found with them. A text longer than the context loses its end.
 *
 * @param query column of what is looked for
 * @param match column of what is to be found
 * @param temperature see {@link Task.Embedding}
 */
public record Pairs(String query, String match, double temperature) implements TextForm {
  @Override
  public List<String> columns() {
    return List.of(query, match);
  }

  @Override
  public Task task() {
    return new Task.Embedding(match, temperature);
  }

  @Override
  public int width() {
    return 2;
  }

  @Override
  public boolean ended() {
    return false;
  }

  @Override
  public Example read(LocatedRow row, Vocabulary vocabulary) {
    String left = TextForm.text(row, query);
    String right = TextForm.text(row, match);
    if (left.isBlank() || right.isBlank()) {
      return Example.empty();
    }
    int context = vocabulary.contextLength();
    int[] first = vocabulary.tokenizer().encode(left, context);
    int[] second = vocabulary.tokenizer().encode(right, context);
    int longest = Math.max(first.length, second.length);
    Example.Fit fit = Example.Fit.WHOLE;
    if (longest == context) {
      // whether anything was cut shows only in what one more token would give
      int whole =
          Math.max(
              vocabulary.tokenizer().encode(left, context + 1).length,
              vocabulary.tokenizer().encode(right, context + 1).length);
      fit = whole > context ? Example.Fit.CUT : Example.Fit.WHOLE;
    }
    return Example.of(
        fit,
        longest,
        Sequence.of(first, 0, first.length, 0),
        Sequence.of(second, 0, second.length, 0));
  }
}
