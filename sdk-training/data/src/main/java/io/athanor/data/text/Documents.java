package io.athanor.data.text;

import io.athanor.api.data.Task;
import io.athanor.data.table.LocatedRow;
import java.util.ArrayList;
import java.util.List;

/**
 * Whole texts, of which every token is learned once. One longer than the context becomes several
 * sequences; each repeats the last tokens of the one before it, which are read but not scored
 * again.
 *
 * @param column of the text
 * @param overlap how many tokens are repeated, at least 1 and below the context length
 */
public record Documents(String column, int overlap) implements TextForm {
  @Override
  public List<String> columns() {
    return List.of(column);
  }

  @Override
  public Task task() {
    return new Task.Generation(column);
  }

  @Override
  public Example read(LocatedRow row, Vocabulary vocabulary) {
    int[] text = Vocabulary.ids(vocabulary.tokenizer().tokenize(TextForm.text(row, column)));
    int[] ids = vocabulary.begun(vocabulary.ended(text));
    if (text.length == 0 || ids.length < 2) {
      return Example.empty();
    }
    List<List<Sequence>> items = new ArrayList<>();
    int from = 0;
    int to = Math.min(ids.length, vocabulary.contextLength());
    items.add(List.of(Sequence.of(ids, 0, to, 0)));
    while (to < ids.length) {
      int learned = to;
      from = to - overlap;
      to = Math.min(ids.length, from + vocabulary.contextLength());
      items.add(List.of(Sequence.of(ids, from, to, learned)));
    }
    return new Example(items, Example.Fit.WHOLE, ids.length);
  }
}
