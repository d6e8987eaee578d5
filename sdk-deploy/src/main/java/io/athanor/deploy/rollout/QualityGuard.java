package io.athanor.deploy.rollout;

import io.athanor.api.deploy.RolloutState;
import java.nio.file.Path;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Compares the answers of candidate and champion to the same requests, as labels, people or another
 * model judge them. It ends in one of two ways, as early as the evidence allows: the candidate is
 * worse by more than a margin, or it is not. Each is said wrongly with a probability of at most
 * {@code alpha}, although it is looked at after every comparison and a rollout stops when it likes;
 * see {@link #compare} for what that asks of the comparisons.
 *
 * <p>Thread-safe. The evidence ends with the process, so that the next has the whole {@code alpha}
 * again, unless it is {@link #keptIn kept}.
 */
public final class QualityGuard implements Guard {
  private final double margin;
  private final double alpha;
  private BettingTest worse;
  private BettingTest good;
  private @Nullable Path folder;
  private @Nullable KeptComparisons kept;
  private double differences;

  private QualityGuard(double margin, double alpha) {
    this.margin = margin;
    this.alpha = alpha;
    this.worse = worse(margin);
    this.good = good(margin);
  }

  private static BettingTest worse(double margin) {
    return new BettingTest((1 + margin) / 2);
  }

  private static BettingTest good(double margin) {
    return new BettingTest((1 - margin) / 2);
  }

  /**
   * Rolls back a candidate whose mean score is worse by more than this, and holds the rollout at
   * its step until it is known not to be.
   *
   * @param margin in [0, 1); the smaller, the more comparisons it takes: about a thousand for 0.05
   * @param alpha the probability of saying either wrongly, in (0, 0.5]
   */
  public static QualityGuard noWorseBy(double margin, double alpha) {
    if (!(margin >= 0 && margin < 1)) {
      throw new IllegalArgumentException("margin must be 0 to below 1, got " + margin);
    }
    if (!(alpha > 0 && alpha <= 0.5)) {
      throw new IllegalArgumentException("alpha must be above 0, at most 0.5, got " + alpha);
    }
    return new QualityGuard(margin, alpha);
  }

  /**
   * Keeps the scores on disk, so that a process that goes on with the rollout knows what those
   * before it knew. Only for the guard of one rollout; to be set before that begins.
   *
   * @param place a folder on a local disk, where rollouts to other aliases may have theirs; for one
   *     process at a time
   */
  public synchronized QualityGuard keptIn(Path place) {
    folder = place.toAbsolutePath().normalize();
    return this;
  }

  /**
   * {@inheritDoc}
   *
   * @throws io.athanor.api.error.StorageException if what is kept cannot be read or written
   * @throws io.athanor.api.error.FormatException if it is damaged
   */
  @Override
  public synchronized void begin(RolloutState rollout) {
    if (folder != null) {
      // From nothing, as a beginning that failed may have read a part.
      worse = worse(margin);
      good = good(margin);
      differences = 0;
      kept =
          KeptComparisons.of(
              rollout,
              folder,
              KeptComparisons.LONGEST,
              pair -> observe(pair.champion(), pair.candidate()));
    }
  }

  /**
   * Takes in how good the two answers to one request were, 0 for wrong and 1 for right or anything
   * between. Which requests are compared must not depend on the answers; then nothing else is asked
   * of their distribution, not even that it stays the same.
   *
   * @param champion in [0, 1]
   * @param candidate in [0, 1]
   */
  public synchronized void compare(double champion, double candidate) {
    requireScore("champion", champion);
    requireScore("candidate", candidate);
    observe(champion, candidate);
    if (kept != null) {
      kept.add(champion, candidate);
    }
  }

  private void observe(double champion, double candidate) {
    double difference = candidate - champion;
    differences += difference;
    worse.observe((1 - difference) / 2);
    good.observe((1 + difference) / 2);
  }

  private static void requireScore(String parameter, double score) {
    if (!isScore(score)) {
      throw new IllegalArgumentException(parameter + " must be 0 to 1, got " + score);
    }
  }

  static boolean isScore(double value) {
    return value >= 0 && value <= 1;
  }

  @Override
  public String name() {
    return "quality";
  }

  @Override
  public synchronized Finding judge(Traffic traffic) {
    return finding();
  }

  synchronized Finding finding() {
    long comparisons = worse.observations();
    double mean = comparisons == 0 ? 0 : differences / comparisons;
    String measured =
        String.format(
            Locale.ROOT,
            "the candidate's mean score differs by %+.4f in %d comparisons",
            mean,
            comparisons);
    if (worse.evidence() >= 1 / alpha) {
      return Finding.bad(measured + ", but from some point on it is worse by more than " + margin);
    }
    return good.evidence() >= 1 / alpha
        ? Finding.good(measured + ", not worse by " + margin)
        : Finding.undecided(measured + ", which does not decide it");
  }
}
