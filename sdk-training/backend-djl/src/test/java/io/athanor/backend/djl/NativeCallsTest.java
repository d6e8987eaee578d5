package io.athanor.backend.djl;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.athanor.api.error.BackendException;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

class NativeCallsTest {
  @BeforeAll
  static void load() {
    LibTorch.start();
  }

  @Test
  void stopWaitsForTheCallInProgressAndRefusesFurtherOnes() throws Exception {
    NativeCalls calls = new NativeCalls();
    CountDownLatch entered = new CountDownLatch(1);
    CountDownLatch finish = new CountDownLatch(1);
    CompletableFuture<String> call =
        CompletableFuture.supplyAsync(
            () ->
                calls.run(
                    () -> {
                      entered.countDown();
                      return awaited(finish);
                    }));
    entered.await();
    CompletableFuture<Void> stop = CompletableFuture.runAsync(calls::stop);

    assertThatThrownBy(() -> stop.get(200, TimeUnit.MILLISECONDS))
        .isInstanceOf(TimeoutException.class);
    finish.countDown();
    stop.get(10, TimeUnit.SECONDS);

    assertThat(call.get()).isEqualTo("finished");
    assertThatThrownBy(() -> calls.run(() -> "late"))
        .isInstanceOf(BackendException.class)
        .hasMessage(
            "Backend 'djl': the JVM is shutting down; finish or cancel the work before it exits");
  }

  private static String awaited(CountDownLatch latch) {
    try {
      latch.await();
      return "finished";
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
