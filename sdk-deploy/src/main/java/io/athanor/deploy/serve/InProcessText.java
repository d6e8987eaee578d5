package io.athanor.deploy.serve;

import io.athanor.api.data.LanguageEncoding;
import io.athanor.api.deploy.DeploymentStats;
import io.athanor.api.deploy.ServedModel;
import io.athanor.api.error.NotFoundException;
import io.athanor.model.generate.GenerationBatch;
import io.athanor.model.generate.GenerationRow;
import io.athanor.model.generate.Prompt;
import java.util.List;
import java.util.Optional;
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
  private final Optional<ServedAdapters> adapters;
  private final TextBatcher batcher;
  private final Patience patience;
  private final LongSupplier nanoClock;

  InProcessText(
      ServedModel model,
      GenerationBatch batch,
      Optional<ServedAdapters> adapters,
      TextBatcher batcher,
      Patience patience,
      LongSupplier nanoClock) {
    this.model = model;
    this.batch = batch;
    this.adapters = adapters;
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
    return adapters.map(ServedAdapters::names).orElse(List.of());
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
    if (adapters.isPresent()) {
      prompt = prompt.with(LanguageEncoding.ADAPTER, 0);
    }
    GenerationRow row = batch.row(prompt, request.settings(), listener);
    Optional<PlacedAdapter> adapter = request.adapter().map(this::adapter);
    String name = request.adapter().orElse(model.name());
    int colon = request.adapter().isPresent() ? name.lastIndexOf(':') : -1;
    CompletableFuture<TextAnswer> answer = new CompletableFuture<>();
    batcher.submit(
        new TextBatcher.Ticket(
            row,
            adapter,
            colon < 0 ? name : name.substring(0, colon),
            colon < 0 ? model.version() : name.substring(colon + 1),
            arrived,
            answer));
    return answer;
  }

  private PlacedAdapter adapter(String name) {
    return adapters
        .orElseThrow(
            () ->
                new NotFoundException(
                    "adapter '" + name + "'",
                    List.of(),
                    "Deploy " + model + " with an AdapterCatalog, or ask the model itself"))
        .read(name);
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
