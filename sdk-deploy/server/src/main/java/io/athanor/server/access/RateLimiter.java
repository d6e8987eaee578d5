package io.athanor.server.access;

import io.athanor.api.registry.Principal;
import io.github.bucket4j.Bucket;
import io.github.bucket4j.ConsumptionProbe;
import io.github.bucket4j.TimeMeter;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.LongSupplier;

/** A bucket of tokens for everybody who calls; those who did not for longest begin anew. */
final class RateLimiter {
  private static final int MOST = 10_000;
  private static final double NANOS = 1e9;

  private final RateLimit limit;
  private final TimeMeter time;
  private final Map<Principal, Bucket> buckets =
      new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1L;

        @Override
        protected boolean removeEldestEntry(Map.Entry<Principal, Bucket> eldest) {
          return size() > MOST;
        }
      };

  RateLimiter(RateLimit limit, LongSupplier nanoClock) {
    this.limit = limit;
    this.time =
        new TimeMeter() {
          @Override
          public long currentTimeNanos() {
            return nanoClock.getAsLong();
          }

          @Override
          public boolean isWallClockBased() {
            return false;
          }
        };
  }

  /** Seconds until somebody may call again; 0 if now, which then counts. */
  long secondsToWait(Principal principal) {
    Bucket bucket;
    synchronized (buckets) {
      bucket = buckets.computeIfAbsent(principal, any -> bucket());
    }
    ConsumptionProbe probe = bucket.tryConsumeAndReturnRemaining(1);
    return probe.isConsumed()
        ? 0
        : Math.max(1, (long) Math.ceil(probe.getNanosToWaitForRefill() / NANOS));
  }

  private Bucket bucket() {
    return Bucket.builder()
        .addLimit(one -> one.capacity(limit.burst()).refillGreedy(limit.requests(), limit.period()))
        .withCustomTimePrecision(time)
        .build();
  }
}
