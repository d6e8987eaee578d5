package io.athanor.deploy.rollout;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.function.ToDoubleBiFunction;

/**
 * Brings together what both models answered and what turns out later to be right, and tells a
 * {@link QualityGuard}. Only requests with a key that is theirs alone can be found again. Keeps the
 * last 10,000 pairs that wait for their truth, and truths that wait for their pair. Thread-safe.
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
  private final Map<String, Pair<A>> pairs = new LinkedHashMap<>();
  private final Map<String, T> truths = new LinkedHashMap<>();

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
      join(key.get(), new Pair<>(champion, candidate), pairs, truths)
          .ifPresent(right -> compare(champion, candidate, right));
    }
  }

  /**
   * Tells what was right; before both have answered, too.
   *
   * @return whether both had answered under this key; each pair counts once. If not, the truth
   *     waits for them
   */
  public boolean truth(String key, T right) {
    Optional<Pair<A>> pair = join(key, right, truths, pairs);
    pair.ifPresent(both -> compare(both.champion(), both.candidate(), right));
    return pair.isPresent();
  }

  /** What waits for this key on the other side; if nothing does, this one waits. */
  private synchronized <X, Y> Optional<Y> join(
      String key, X mine, Map<String, X> waiting, Map<String, Y> others) {
    Optional<Y> other = Optional.ofNullable(others.remove(key));
    if (other.isEmpty()) {
      waiting.put(key, mine);
      if (waiting.size() > MOST_WAITING) {
        waiting.remove(waiting.keySet().iterator().next());
      }
    }
    return other;
  }

  private void compare(A champion, A candidate, T right) {
    quality.compare(score.applyAsDouble(champion, right), score.applyAsDouble(candidate, right));
  }
}
