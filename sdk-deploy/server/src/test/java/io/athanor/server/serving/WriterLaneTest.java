package io.athanor.server.serving;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class WriterLaneTest {
  private final AtomicLong time = new AtomicLong();
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final AtomicInteger handOvers = new AtomicInteger();
  private final WriterLane lane =
      new WriterLane(
          task -> {
            handOvers.incrementAndGet();
            threads.execute(task);
          },
          time::get);

  @AfterEach
  void stop() {
    threads.shutdownNow();
  }

  @Test
  void aCrowdCostsOneHandOverAndKeepsItsOrder() throws Exception {
    CountDownLatch gate = new CountDownLatch(1);
    CountDownLatch done = new CountDownLatch(100);
    List<Integer> order = Collections.synchronizedList(new ArrayList<>());
    lane.execute(() -> await(gate));
    for (int i = 0; i < 100; i++) {
      int number = i;
      lane.execute(
          () -> {
            order.add(number);
            done.countDown();
          });
    }
    gate.countDown();
    assertThat(done.await(10, TimeUnit.SECONDS)).isTrue();
    assertThat(order).isSorted().hasSize(100);
    assertThat(handOvers).hasValue(1);
  }

  @Test
  void aSlowTaskDoesNotHoldUpThoseBehindItAfterARescue() throws Exception {
    CountDownLatch slow = new CountDownLatch(1);
    CountDownLatch begun = new CountDownLatch(1);
    CountDownLatch behind = new CountDownLatch(1);
    lane.execute(
        () -> {
          begun.countDown();
          await(slow);
        });
    assertThat(begun.await(10, TimeUnit.SECONDS)).isTrue();
    lane.execute(behind::countDown);
    lane.rescue();
    assertThat(handOvers).hasValue(1);
    time.addAndGet(WriterLane.PATIENCE.toNanos() + 1);
    lane.rescue();
    assertThat(behind.await(10, TimeUnit.SECONDS)).isTrue();
    slow.countDown();
    CountDownLatch after = new CountDownLatch(1);
    lane.execute(after::countDown);
    assertThat(after.await(10, TimeUnit.SECONDS)).isTrue();
  }

  @Test
  void aTaskThatFailsDoesNotEndTheLane() throws Exception {
    lane.execute(
        () -> {
          throw new IllegalStateException("on purpose");
        });
    CountDownLatch after = new CountDownLatch(1);
    lane.execute(after::countDown);
    assertThat(after.await(10, TimeUnit.SECONDS)).isTrue();
  }

  @Test
  void nothingIsLostBetweenManyThreads() throws Exception {
    int each = 20_000;
    CountDownLatch done = new CountDownLatch(4 * each);
    for (int t = 0; t < 4; t++) {
      threads.execute(
          () -> {
            for (int i = 0; i < each; i++) {
              lane.execute(done::countDown);
            }
          });
    }
    assertThat(done.await(20, TimeUnit.SECONDS)).isTrue();
  }

  private static void await(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
