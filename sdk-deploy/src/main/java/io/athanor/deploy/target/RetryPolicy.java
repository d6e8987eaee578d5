package io.athanor.deploy.target;

import java.time.Duration;
import java.util.Optional;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;
import java.util.function.DoubleSupplier;

/**
 * How long a remote server may be silent, and how often and after which pauses a request is
 * repeated that does no harm when it arrives twice. Pauses double from one attempt to the next, a
 * random half of each is left out so that many clients do not come back at once, and a server's
 * {@code Retry-After} is heeded. Immutable and thread-safe.
 */
public final class RetryPolicy {
  private static final RetryPolicy STANDARD =
      new RetryPolicy(
          5,
          Duration.ofMillis(200),
          Duration.ofSeconds(30),
          Duration.ofSeconds(60),
          () -> ThreadLocalRandom.current().nextDouble(),
          time -> TimeUnit.NANOSECONDS.sleep(time.toNanos()));

  private final int attempts;
  private final Duration pause;
  private final Duration longestPause;
  private final Duration silence;
  private final DoubleSupplier jitter;
  private final Waiting waiting;

  /** Lets time pass; tests put in one that does not. */
  @FunctionalInterface
  public interface Waiting {
    /** Returns after this time. */
    void await(Duration time) throws InterruptedException;
  }

  private RetryPolicy(
      int attempts,
      Duration pause,
      Duration longestPause,
      Duration silence,
      DoubleSupplier jitter,
      Waiting waiting) {
    this.attempts = attempts;
    this.pause = pause;
    this.longestPause = longestPause;
    this.silence = silence;
    this.jitter = jitter;
    this.waiting = waiting;
  }

  /** Five attempts, pauses from 0.2 s up to 30 s, and a minute of silence. */
  public static RetryPolicy standard() {
    return STANDARD;
  }

  /** Attempts in all: 1 to 100. */
  public RetryPolicy attempts(int count) {
    if (count < 1 || count > 100) {
      throw new IllegalArgumentException("count must be 1 to 100, got " + count);
    }
    return new RetryPolicy(count, pause, longestPause, silence, jitter, waiting);
  }

  /**
   * The pause before the second attempt, and the longest one. A server that asks for more than the
   * longest is not asked again.
   */
  public RetryPolicy pauses(Duration first, Duration longest) {
    requirePositive("first", first);
    if (longest.compareTo(first) < 0) {
      throw new IllegalArgumentException("longest must be at least " + first + ", got " + longest);
    }
    return new RetryPolicy(attempts, first, longest, silence, jitter, waiting);
  }

  /** How long a server may neither take nor send a byte. */
  public RetryPolicy silence(Duration longest) {
    requirePositive("longest", longest);
    return new RetryPolicy(attempts, pause, longestPause, longest, jitter, waiting);
  }

  /** The random numbers in [0, 1) that spread the pauses. */
  public RetryPolicy jitter(DoubleSupplier numbers) {
    return new RetryPolicy(attempts, pause, longestPause, silence, numbers, waiting);
  }

  /** How a pause is spent; the thread sleeps unless set. */
  public RetryPolicy waiting(Waiting how) {
    return new RetryPolicy(attempts, pause, longestPause, silence, jitter, how);
  }

  private static void requirePositive(String name, Duration value) {
    if (value.isNegative() || value.isZero()) {
      throw new IllegalArgumentException(name + " must be positive, got " + value);
    }
  }

  Duration silence() {
    return silence;
  }

  /**
   * Waits before the next attempt.
   *
   * @param made attempts so far
   * @param wanted the least pause that the server wants
   * @param left the time in which the answer must have come
   * @return whether there is to be another attempt
   */
  boolean awaitNext(int made, Optional<Duration> wanted, Duration left)
      throws InterruptedException {
    if (made >= attempts || wanted.filter(time -> time.compareTo(longestPause) > 0).isPresent()) {
      return false;
    }
    double full =
        Math.min(pause.toNanos() * Math.pow(2, made - 1.0), (double) longestPause.toNanos());
    Duration own = Duration.ofNanos((long) (full * (1 + jitter.getAsDouble()) / 2));
    Duration next = wanted.filter(time -> time.compareTo(own) > 0).orElse(own);
    if (next.compareTo(left) >= 0) {
      return false;
    }
    waiting.await(next);
    return true;
  }
}
