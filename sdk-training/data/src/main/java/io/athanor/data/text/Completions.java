package io.athanor.data.text;

import io.athanor.api.data.Task;
import io.athanor.data.table.LocatedRow;
import java.util.List;

/**
 * Prompts, and completions to learn. Where both are longer than the context, the prompt loses its
 * beginning; the completion is never cut.
 *
 * @param prompt column of what is read only
 * @param completion column of what is learned
 */
public record Completions(String prompt, String completion) implements TextForm {
  @Override
  public List<String> columns() {
    return List.of(prompt, completion);
  }

  @Override
  public Task task() {
    return new Task.Generation(completion);
  }

  @Override
  public Example read(LocatedRow row, Vocabulary vocabulary) {
    Answer both = Answer.of(TextForm.text(row, prompt), TextForm.text(row, completion), vocabulary);
    int context = vocabulary.contextLength();
    int prefix = vocabulary.prefix();
    if (!both.teaches()) {
      return Example.empty();
    }
    if (!both.fits(context, prefix)) {
      return Example.tooLong(both.length());
    }
    Example.Fit fit = both.length() > context ? Example.Fit.CUT : Example.Fit.WHOLE;
    return Example.of(fit, both.length(), both.sequence(context - both.said(), prefix));
  }
}
