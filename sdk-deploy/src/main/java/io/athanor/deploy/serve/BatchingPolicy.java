package io.athanor.deploy.serve;

import java.time.Duration;

/**
 * When rows are put together.
 *
 * @param maximumBatch most rows in one pass through the engine
 * @param maximumDelay how long the oldest row may wait for company
 * @param queueLimit rows that may wait; a call that finds so many is refused
 */
record BatchingPolicy(int maximumBatch, Duration maximumDelay, int queueLimit) {
  private static final int SHORT_ROW = 16;

  /**
   * How long to wait before the next batch. Rows that come while the engine works form a batch
   * without any waiting. Waiting pays only where company is to be expected: when fewer rows are
   * there than the last batch had, and that batch ended within the delay. A lonely caller's last
   * batch had one row, so it never waits.
   *
   * @param waiting rows in the queue, at least 1
   * @param age of the oldest of them, in nanoseconds
   * @param lastRows rows of the last batch; 0 before the first
   * @param sinceLast nanoseconds since its end
   * @return nanoseconds; 0 to go on at once
   */
  long waitNanos(int waiting, long age, int lastRows, long sinceLast) {
    long delay = maximumDelay.toNanos();
    boolean companyExpected = waiting < company(lastRows) && sinceLast < delay;
    return companyExpected ? Math.max(0, delay - age) : 0;
  }

  /** So many rows are worth no further waiting, after a batch of some rows. */
  int company(int lastRows) {
    return Math.min(lastRows, maximumBatch);
  }

  /**
   * Whether a row may join a batch of shorter ones without making more than half of it padding.
   * Rows below sixteen tokens cost next to nothing and count as sixteen.
   *
   * @param rows of the batch so far
   * @param cost of the batch so far: the sum of {@link #cost(int)}
   * @param length of the next row, at least that of every row so far
   */
  boolean admits(int rows, long cost, int length) {
    return rows < maximumBatch && (rows + 1L) * cost(length) <= 2 * (cost + cost(length));
  }

  static long cost(int length) {
    return Math.max(length, SHORT_ROW);
  }
}
