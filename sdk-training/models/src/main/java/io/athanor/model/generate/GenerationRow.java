package io.athanor.model.generate;

import io.athanor.api.data.LanguageEncoding;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * One prompt of a {@link GenerationBatch} and what has been said to it so far. Any thread may
 * {@link #cancel} it; all else is for the thread that steps the batch.
 */
public final class GenerationRow {
  private final int[] prompt;
  private final Map<String, Long> inputs;
  private final int limit;
  private final LanguageEncoding encoding;
  private final GenerationSettings settings;
  private final Predicate<String> listener;
  private final long start;
  private final Sampler sampler;
  private final TextAssembly text;
  private final List<Integer> tokens = new ArrayList<>();
  private final List<TokenLikelihood> likelihoods = new ArrayList<>();
  private volatile boolean cancelled;
  private @Nullable FinishReason finish;
  private @Nullable RuntimeException failure;
  private long first;
  private long last;

  /**
   * @param inputs of the graph besides the tokens
   * @param stream tells the random numbers of rows with one seed apart
   * @param start when the call began, in nanoseconds
   */
  GenerationRow(
      int[] prompt,
      Map<String, Long> inputs,
      LanguageEncoding encoding,
      GenerationSettings settings,
      int stream,
      Predicate<String> listener,
      long start) {
    this.prompt = prompt;
    this.inputs = new HashMap<>(inputs);
    this.limit = Math.min(settings.maxNewTokens(), encoding.contextLength() - prompt.length);
    this.encoding = encoding;
    this.settings = settings;
    this.listener = listener;
    this.start = start;
    this.sampler = new Sampler(settings, stream, prompt);
    this.text = new TextAssembly(encoding.vocabulary(), settings.stops(), prompt);
  }

  /**
   * Chooses a token, unless the row is finished by it. What the listener throws finishes the row.
   *
   * @param now in nanoseconds
   */
  void choose(float[] logits, long now) {
    try {
      chooseUnguarded(logits, now);
    } catch (RuntimeException e) {
      failure = e;
    }
  }

  private void chooseUnguarded(float[] logits, long now) {
    int token = sampler.choose(logits);
    if (tokens.isEmpty()) {
      first = now;
    }
    last = now;
    if (encoding.endIds().contains(token)) {
      end(FinishReason.END_TOKEN);
      return;
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
  }

  private void end(FinishReason reason) {
    boolean on = tell(text.finish());
    finish =
        text.stopped()
            ? FinishReason.STOP_STRING
            : on || reason == FinishReason.END_TOKEN ? reason : FinishReason.CANCELLED;
  }

  private boolean tell(String piece) {
    return piece.isEmpty() || listener.test(piece);
  }

  /** Ends the row before its next token; of no effect once it is finished. */
  public void cancel() {
    cancelled = true;
  }

  /** Whether no more tokens come. */
  public boolean finished() {
    return finish != null || failure != null || cancelled;
  }

  /** Tokens of prompt and answer so far. */
  public int length() {
    return prompt.length + tokens.size();
  }

  /** Tokens that prompt and answer have at most. */
  int capacity() {
    return prompt.length + limit;
  }

  /** The ids of prompt and answer so far. */
  int[] ids() {
    int[] ids = Arrays.copyOf(prompt, length());
    for (int i = 0; i < tokens.size(); i++) {
      ids[prompt.length + i] = tokens.get(i);
    }
    return ids;
  }

  int lastToken() {
    return tokens.get(tokens.size() - 1);
  }

  /** Changes what the graph knows of the row besides its tokens; before it joins a batch. */
  public void input(String name, long value) {
    inputs.put(name, value);
  }

  /** An input of the graph besides the tokens. */
  long input(String name) {
    return inputs.getOrDefault(name, 0L);
  }

  /**
   * What came of it.
   *
   * @throws RuntimeException what its listener threw
   * @throws io.athanor.api.error.BackendException if its logits were no numbers
   */
  public Generated result() {
    if (failure != null) {
      throw failure;
    }
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
