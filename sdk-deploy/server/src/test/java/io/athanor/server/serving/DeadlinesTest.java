package io.athanor.server.serving;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.athanor.deploy.serve.OutOfTime;
import java.time.Duration;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(30)
class DeadlinesTest {
  @Test
  void endsWhatTakesTooLongAndNothingElse() throws Exception {
    try (Deadlines deadlines = new Deadlines(Duration.ofMillis(1));
        Deadlines patient = new Deadlines(Duration.ofHours(1))) {
      CompletableFuture<String> late = new CompletableFuture<>();
      CompletableFuture<String> done = new CompletableFuture<>();
      CompletableFuture<String> awaited = new CompletableFuture<>();
      patient.watch(awaited);
      deadlines.watch(done);
      done.complete("in time");
      deadlines.watch(late);
      assertThatThrownBy(() -> late.get(20, TimeUnit.SECONDS))
          .isInstanceOf(ExecutionException.class)
          .hasCauseInstanceOf(TimeoutException.class);
      assertThat(done.get()).isEqualTo("in time");
      assertThat(awaited).isNotDone();
    }
  }

  @Test
  void cancelsTheWorkWhoseAnswerComesTooLate() {
    try (Deadlines deadlines = new Deadlines(Duration.ofMillis(1))) {
      CompletableFuture<String> work = new CompletableFuture<>();
      CompletableFuture<String> answer = new Asking(Runnable::run, deadlines).within(work);
      assertThatThrownBy(() -> answer.get(20, TimeUnit.SECONDS))
          .hasCauseInstanceOf(TimeoutException.class);
      assertThatThrownBy(() -> work.get(20, TimeUnit.SECONDS)).isInstanceOf(OutOfTime.class);
      assertThat(work).isCancelled();
    }
  }
}
