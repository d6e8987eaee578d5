package io.athanor.deploy.serve;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.athanor.api.data.EncodedRow;
import io.athanor.api.data.Row;
import io.athanor.api.deploy.Answer;
import io.athanor.api.deploy.ServedModel;
import io.athanor.api.error.BackendException;
import io.athanor.api.model.ModelArtifact;
import io.athanor.api.model.Prediction;
import io.athanor.tck.fixture.TinyArtifacts;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

class MicroBatcherTest {
  private static final ModelArtifact SPAM = TinyArtifacts.spam();
  private static final ServedModel MODEL =
      new ServedModel("m", "1", "tiny", SPAM.weightsDigest(), SPAM.featureEncoding(), Map.of());

  private final GatedEngine engine = new GatedEngine();
  private final AtomicLong clock = new AtomicLong();
  private MicroBatcher<EncodedRow, Prediction, Answer> batcher = batcher(4, 6);

  private MicroBatcher<EncodedRow, Prediction, Answer> batcher(int maximumBatch, int queueLimit) {
    return batcher(maximumBatch, queueLimit, new RowAnswers(MODEL, engine.name()));
  }

  private MicroBatcher<EncodedRow, Prediction, Answer> batcher(
      int maximumBatch, int queueLimit, MicroBatcher.Kind<EncodedRow, Prediction, Answer> kind) {
    BatchingPolicy policy = new BatchingPolicy(maximumBatch, Duration.ZERO, queueLimit);
    return new MicroBatcher<>(MODEL, engine, kind, policy, clock::get);
  }

  @AfterEach
  void release() {
    engine.passes.release(1_000);
    batcher.close(Duration.ofSeconds(10));
  }

  private static EncodedRow row(int words) {
    return SPAM.featureEncoding().encode(Row.of("body", "word ".repeat(words)), "test", 0);
  }

  private CompletableFuture<Answer> submit(int words) {
    return batcher.submit(List.of(row(words)), clock.get()).get(0);
  }

  /** Occupies the engine with one row, so that what follows must queue. */
  private CompletableFuture<Answer> occupy() throws InterruptedException {
    batcher.start();
    CompletableFuture<Answer> first = submit(1);
    assertThat(engine.busy.await(10, TimeUnit.SECONDS)).isTrue();
    return first;
  }

  @Test
  void gathersWhatArrivesWhileTheEngineWorks() throws Exception {
    occupy();
    List<CompletableFuture<Answer>> later = List.of(submit(1), submit(1), submit(1));
    engine.passes.release(2);
    for (CompletableFuture<Answer> answer : later) {
      answer.get(10, TimeUnit.SECONDS);
    }
    assertThat(engine.lengths).extracting(List::size).containsExactly(1, 3);
    assertThat(batcher.stats().batches()).isEqualTo(2);
    assertThat(batcher.stats().largestBatch()).isEqualTo(3);
  }

  @Test
  void putsRowsOfSimilarLengthTogetherAndKeepsEachAnswerWithItsRow() throws Exception {
    occupy();
    List<Integer> words = List.of(60, 2, 55, 3, 4);
    List<CompletableFuture<Answer>> later = words.stream().map(this::submit).toList();
    engine.passes.release(3);
    for (int i = 0; i < words.size(); i++) {
      assertThat(later.get(i).get(10, TimeUnit.SECONDS).value()).isEqualTo((double) words.get(i));
    }
    assertThat(engine.lengths).containsExactly(List.of(1), List.of(2, 3, 4), List.of(55, 60));
  }

  @Test
  void splitsIntoBatchesOfTheMaximum() throws Exception {
    occupy();
    List<CompletableFuture<Answer>> later =
        batcher.submit(List.of(row(1), row(1), row(1), row(1), row(1), row(1), row(1)), 0);
    engine.passes.release(3);
    for (CompletableFuture<Answer> answer : later) {
      answer.get(10, TimeUnit.SECONDS);
    }
    assertThat(engine.lengths).extracting(List::size).containsExactly(1, 4, 3);
  }

  @Test
  void refusesWhenTheQueueIsFullAndSaysThatARetryMakesSense() throws Exception {
    occupy();
    for (int i = 0; i < 6; i++) {
      submit(1);
    }
    assertThatThrownBy(() -> submit(1))
        .isInstanceOfSatisfying(BackendException.class, e -> assertThat(e.retryable()).isTrue())
        .hasMessageContaining("6 rows wait for m:1 already, and its queue limit is 6");
    assertThat(batcher.stats().refused()).isEqualTo(1);
    assertThat(batcher.stats().waiting()).isEqualTo(6);
  }

  @Test
  void failureOfTheEngineFailsOnlyItsBatch() throws Exception {
    CompletableFuture<Answer> first = occupy();
    CompletableFuture<Answer> second = submit(1);
    engine.nextFailure = new IllegalStateException("the device is gone");
    engine.passes.release(2);
    assertThat(first)
        .failsWithin(Duration.ofSeconds(10))
        .withThrowableThat()
        .havingCause()
        .isInstanceOf(BackendException.class)
        .withMessageContaining("Backend 'gated'")
        .withMessageContaining("the device is gone");
    assertThat(second.get(10, TimeUnit.SECONDS).value()).isEqualTo(1);
    assertThat(batcher.stats().failed()).isEqualTo(1);
    assertThat(batcher.stats().answered()).isEqualTo(1);
  }

  @Test
  void survivesAnEngineThatGivesTooFewAnswers() throws Exception {
    engine.silent = true;
    CompletableFuture<Answer> first = occupy();
    engine.passes.release();
    assertThat(first)
        .failsWithin(Duration.ofSeconds(10))
        .withThrowableThat()
        .withMessageContaining("gave 0 answers to 1 rows");
    engine.silent = false;
    engine.passes.release();
    assertThat(submit(2).get(10, TimeUnit.SECONDS).value()).isEqualTo(2);
  }

  /** Makes answers, but for one number. */
  private record Choosy(RowAnswers answers, double refused)
      implements MicroBatcher.Kind<EncodedRow, Prediction, Answer> {
    @Override
    public int length(EncodedRow row) {
      return answers.length(row);
    }

    @Override
    public Answer answer(Prediction result, Duration latency) {
      if (result.equals(new Prediction.Quantity(refused))) {
        throw new IllegalStateException("no answer for that");
      }
      return answers.answer(result, latency);
    }
  }

  @Test
  void anAnswerThatCannotBeMadeIsNobodyElsesLoss() throws Exception {
    batcher = batcher(4, 6, new Choosy(new RowAnswers(MODEL, engine.name()), 2));
    CompletableFuture<Answer> first = occupy();
    CompletableFuture<Answer> refused = submit(2);
    CompletableFuture<Answer> third = submit(3);
    engine.passes.release(2);
    assertThat(first.get(10, TimeUnit.SECONDS).value()).isEqualTo(1);
    assertThat(refused)
        .failsWithin(Duration.ofSeconds(10))
        .withThrowableThat()
        .havingCause()
        .isInstanceOf(BackendException.class)
        .withMessageContaining("no answer for that");
    assertThat(third.get(10, TimeUnit.SECONDS).value()).isEqualTo(3);
    engine.passes.release();
    assertThat(submit(4).get(10, TimeUnit.SECONDS).value()).isEqualTo(4);
  }

  @Test
  void refusesNumbersThatAreNotFinite() throws Exception {
    engine.factor = Double.NaN;
    CompletableFuture<Answer> first = occupy();
    engine.passes.release();
    assertThat(first)
        .failsWithin(Duration.ofSeconds(10))
        .withThrowableThat()
        .withMessageContaining("m:1 gave a number that is not finite");
  }

  @Test
  void measuresLatencyFromTheCallToTheAnswer() throws Exception {
    CompletableFuture<Answer> first = occupy();
    clock.addAndGet(5_000_000);
    engine.passes.release();
    assertThat(first.get(10, TimeUnit.SECONDS).latency()).isEqualTo(Duration.ofMillis(5));
    assertThat(batcher.stats().median())
        .isBetween(Duration.ofMillis(5), Duration.ofNanos(5_010_000));
  }

  @Test
  void givenUpRowsAreNotComputed() throws Exception {
    occupy();
    CompletableFuture<Answer> impatient = submit(2);
    CompletableFuture<Answer> patient = submit(3);
    batcher.abandon(impatient);
    engine.passes.release(2);
    patient.get(10, TimeUnit.SECONDS);
    assertThat(engine.lengths).containsExactly(List.of(1), List.of(3));
    assertThat(batcher.stats().failed()).isEqualTo(1);
  }

  @Test
  void closingAnswersWhatWaitsThenFreesTheEngine() throws Exception {
    occupy();
    CompletableFuture<Answer> waiting = submit(1);
    engine.passes.release(2);
    batcher.close(Duration.ofSeconds(10));
    assertThat(waiting).isCompleted();
    assertThat(engine.closed.getCount()).isZero();
    batcher.close(Duration.ofSeconds(10));
    assertThatThrownBy(() -> submit(1))
        .isInstanceOf(IllegalStateException.class)
        .hasMessageContaining("m:1 is closed");
  }

  @Test
  void engineGoesOnWhileSomebodyIsSlowToHear() throws Exception {
    CountDownLatch heard = new CountDownLatch(1);
    CompletableFuture<Void> slow = occupy().thenAccept(answer -> Latches.await(heard));
    CompletableFuture<Answer> next = submit(2);
    engine.passes.release(2);
    assertThat(next.get(10, TimeUnit.SECONDS).value()).isEqualTo(2);
    assertThat(slow).isNotDone();
    heard.countDown();
    slow.get(10, TimeUnit.SECONDS);
  }

  @Test
  void closingWaitsUntilAllAnswersAreHeard() throws Exception {
    CountDownLatch heard = new CountDownLatch(1);
    CompletableFuture<Void> slow = occupy().thenAccept(answer -> Latches.await(heard));
    CompletableFuture<Answer> next = submit(2);
    engine.passes.release(2);
    next.get(10, TimeUnit.SECONDS);
    assertThat(engine.closed.getCount()).isEqualTo(1);
    batcher.close(Duration.ofMillis(20));
    assertThat(engine.closed.await(10, TimeUnit.SECONDS)).isTrue();
    assertThat(slow).isNotDone();
    heard.countDown();
    batcher.close(Duration.ofSeconds(10));
    assertThat(slow).isCompleted();
  }

  @Test
  void whoHearsAnAnswerMayClose() throws Exception {
    CompletableFuture<Void> closing = occupy().thenRun(() -> batcher.close(Duration.ofMinutes(10)));
    CompletableFuture<Answer> next = submit(2);
    engine.passes.release(2);
    closing.get(10, TimeUnit.SECONDS);
    assertThat(next.get(10, TimeUnit.SECONDS).value()).isEqualTo(2);
    assertThat(engine.closed.await(10, TimeUnit.SECONDS)).isTrue();
  }

  @Test
  void closingDoesNotHangOnAnEngineThatHangs() throws Exception {
    occupy();
    CompletableFuture<Answer> waiting = submit(1);
    batcher.close(Duration.ofMillis(20));
    assertThat(waiting).isCompletedExceptionally();
    assertThat(engine.closed.getCount()).isEqualTo(1);
    engine.passes.release();
    assertThat(engine.closed.await(10, TimeUnit.SECONDS)).isTrue();
  }
}
