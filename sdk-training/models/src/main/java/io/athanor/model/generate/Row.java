package io.athanor.model.generate;

import io.athanor.api.data.LanguageEncoding;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** One prompt of a batch and what has been said to it so far. */
final class Row {
  private final int index;
  private final int[] prompt;
  private final int limit;
  private final LanguageEncoding encoding;
  private final GenerationSettings settings;
  private final TextListener listener;
  private final Sampler sampler;
  private final TextAssembly text;
  private final List<Integer> tokens = new ArrayList<>();
  private final List<TokenLikelihood> likelihoods = new ArrayList<>();
  private @Nullable FinishReason finish;
  private long first;
  private long last;

  /**
   * @param limit most tokens to generate
   */
  Row(
      int index,
      int[] prompt,
      int limit,
      LanguageEncoding encoding,
      GenerationSettings settings,
      TextListener listener) {
    this.index = index;
    this.prompt = prompt;
    this.limit = limit;
    this.encoding = encoding;
    this.settings = settings;
    this.listener = listener;
    this.sampler = new Sampler(settings, index, prompt);
    this.text = new TextAssembly(encoding.vocabulary(), settings.stops(), prompt);
  }

  /**
   * Chooses a token, unless the row is finished by it.
   *
   * @param now in nanoseconds
   * @return the token to read next
   */
  int choose(float[] logits, long now) {
    int token = sampler.choose(logits);
    if (tokens.isEmpty()) {
      first = now;
    }
    last = now;
    if (encoding.endIds().contains(token)) {
      end(FinishReason.END_TOKEN);
      return token;
    }
    tokens.add(token);
    if (settings.likelihoods()) {
      likelihoods.add(sampler.likelihood(logits, token));
    }
    boolean on = tell(text.add(token));
    if (text.stopped()) {
      finish = FinishReason.STOP_STRING;
    } else if (!on) {
      finish = FinishReason.CANCELLED;
    } else if (tokens.size() == limit) {
      end(FinishReason.LENGTH);
    }
    return token;
  }

  private void end(FinishReason reason) {
    boolean on = tell(text.finish());
    finish =
        text.stopped()
            ? FinishReason.STOP_STRING
            : on || reason == FinishReason.END_TOKEN ? reason : FinishReason.CANCELLED;
  }

  private boolean tell(String piece) {
    return piece.isEmpty() || listener.accept(index, piece);
  }

  boolean finished() {
    return finish != null;
  }

  /**
   * What came of it.
   *
   * @param start when the call began, in nanoseconds
   */
  Generated result(long start) {
    double seconds = (last - first) / 1e9;
    int after = tokens.size() - 1;
    return new Generated(
        text.text(),
        tokens,
        finish == null ? FinishReason.CANCELLED : finish,
        likelihoods,
        prompt.length,
        Duration.ofNanos(Math.max(0, first - start)),
        seconds > 0 && after > 0 ? after / seconds : 0);
  }
}
