package io.athanor.deploy.rollout;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.ToDoubleBiFunction;

/**
 * Brings together what both models answered and what turns out later to be right, and tells a
 * {@link QualityGuard}. Only requests with a key that is theirs alone can be found again. Keeps the
 * last 10,000 pairs that wait for their truth. Thread-safe.
 *
 * <pre>{@code
 * var quality = QualityGuard.noWorseBy(0.02, 0.05);
 * var feedback = PairedFeedback.to(quality, (Answer a, String truth) -> a.label().equals(truth) ? 1 : 0);
 * live.onCompared(feedback);
 * live.forKey("mail-7").predict("You WON a prize!!");
 * feedback.truth("mail-7", "spam");
 * }</pre>
 *
 * @param <A> what the models answer
 * @param <T> what is right
 */
public final class PairedFeedback<A, T> implements PairListener<A> {
  private static final int MOST_WAITING = 10_000;

  private final QualityGuard quality;
  private final ToDoubleBiFunction<A, T> score;
  private final Map<String, Pair<A>> waiting = new LinkedHashMap<>();

  private PairedFeedback(QualityGuard quality, ToDoubleBiFunction<A, T> score) {
    this.quality = quality;
    this.score = score;
  }

  private record Pair<A>(A champion, A candidate) {}

  /**
   * Feedback to a guard.
   *
   * @param score how good an answer is, knowing the truth: 0 to 1
   */
  public static <A, T> PairedFeedback<A, T> to(
      QualityGuard quality, ToDoubleBiFunction<A, T> score) {
    return new PairedFeedback<>(quality, score);
  }

  @Override
  public void answered(Optional<String> key, A champion, A candidate) {
    if (key.isPresent()) {
      keep(key.get(), new Pair<>(champion, candidate));
    }
  }

  private synchronized void keep(String key, Pair<A> pair) {
    waiting.put(key, pair);
    if (waiting.size() > MOST_WAITING) {
      waiting.remove(waiting.keySet().iterator().next());
    }
  }

  /**
   * Tells what was right.
   *
   * @return whether both had been asked under this key; each pair counts once
   */
  public boolean truth(String key, T right) {
    Pair<A> pair;
    synchronized (this) {
      pair = waiting.remove(key);
    }
    if (pair == null) {
      return false;
    }
    quality.compare(
        score.applyAsDouble(pair.champion(), right), score.applyAsDouble(pair.candidate(), right));
    return true;
  }
}
