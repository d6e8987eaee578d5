package io.athanor.deploy.serve;

import io.athanor.api.deploy.DeploymentStats;
import io.athanor.api.deploy.ServedModel;
import io.athanor.model.generate.GenerationBatch;
import io.athanor.model.generate.GenerationRow;
import io.athanor.model.generate.Prompt;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.LongSupplier;
import java.util.function.Predicate;

/**
 * A language model served in this process; made by {@link InProcess}. The caller's thread checks a
 * request and makes tokens of it, a thread of the deployment generates the answer together with
 * those of others.
 */
final class InProcessText implements TextDeployment {
  private final ServedModel model;
  private final GenerationBatch batch;
  private final TextBatcher batcher;
  private final Patience patience;
  private final LongSupplier nanoClock;

  InProcessText(
      ServedModel model,
      GenerationBatch batch,
      TextBatcher batcher,
      Patience patience,
      LongSupplier nanoClock) {
    this.model = model;
    this.batch = batch;
    this.batcher = batcher;
    this.patience = patience;
    this.nanoClock = nanoClock;
  }

  @Override
  public ServedModel model() {
    return model;
  }

  @Override
  public List<String> adapters() {
    return List.of();
  }

  @Override
  public TextAnswer generate(TextRequest request, Predicate<String> listener) {
    return patience.await(List.of(generateAsync(request, listener)), batcher::abandon).get(0);
  }

  @Override
  public CompletableFuture<TextAnswer> generateAsync(
      TextRequest request, Predicate<String> listener) {
    long arrived = nanoClock.getAsLong();
    Prompt prompt =
        request.messages().isEmpty()
            ? Prompt.of(request.prompt())
            : batch.prompt(request.messages());
    GenerationRow row = batch.row(prompt, request.settings(), listener);
    CompletableFuture<TextAnswer> answer = new CompletableFuture<>();
    batcher.submit(new TextBatcher.Ticket(row, model.name(), model.version(), arrived, answer));
    return answer;
  }

  @Override
  public DeploymentStats stats() {
    return batcher.stats();
  }

  @Override
  public void close() {
    batcher.close(patience.longest());
  }
}
