package io.athanor.data.text;

import io.athanor.api.data.Task;
import io.athanor.data.table.LocatedRow;
import java.util.List;

/**
 * Prompts with a better and a worse answer. Where one of the answers does not fit into the context
 * with its prompt, the prompt loses its beginning, the same for both.
 *
 * @param prompt column of what is read only
 * @param chosen column of the better answer
 * @param rejected column of the worse answer
 * @param beta see {@link Task.PreferenceRanking}
 */
public record Preferences(String prompt, String chosen, String rejected, double beta)
    implements TextForm {
  @Override
  public List<String> columns() {
    return List.of(prompt, chosen, rejected);
  }

  @Override
  public Task task() {
    return new Task.PreferenceRanking(chosen, beta);
  }

  @Override
  public int width() {
    return 2;
  }

  @Override
  public Example read(LocatedRow row, Vocabulary vocabulary) {
    String before = TextForm.text(row, prompt);
    String good = TextForm.text(row, chosen);
    String bad = TextForm.text(row, rejected);
    Answer better = Answer.of(before, good, vocabulary);
    Answer worse = Answer.of(before, bad, vocabulary);
    if (!better.teaches() || !worse.teaches() || good.equals(bad)) {
      return Example.empty();
    }
    int context = vocabulary.contextLength();
    int prefix = vocabulary.prefix();
    int longest = Math.max(better.length(), worse.length());
    if (!better.fits(context, prefix) || !worse.fits(context, prefix)) {
      return Example.tooLong(longest);
    }
    int room = context - Math.max(better.said(), worse.said());
    Example.Fit fit = longest > context ? Example.Fit.CUT : Example.Fit.WHOLE;
    int kept = fit == Example.Fit.WHOLE ? context : room;
    return Example.of(fit, longest, better.sequence(kept, prefix), worse.sequence(kept, prefix));
  }
}
