package io.athanor.deploy.safety;

import io.athanor.api.deploy.DeploymentStats;
import io.athanor.api.deploy.ServedModel;
import io.athanor.deploy.serve.OutOfTime;
import io.athanor.deploy.serve.TextAnswer;
import io.athanor.deploy.serve.TextDeployment;
import io.athanor.deploy.serve.TextRequest;
import io.athanor.model.generate.FinishReason;
import io.athanor.model.generate.Generated;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** A language model between filters; made by {@link Safety}. */
final class GuardedText implements TextDeployment {
  private final TextDeployment deployment;
  private final PromptCheck check;
  private final List<TextFilter> output;

  GuardedText(TextDeployment deployment, PromptCheck check, List<TextFilter> output) {
    this.deployment = deployment;
    this.check = check;
    this.output = output;
  }

  @Override
  public ServedModel model() {
    return deployment.model();
  }

  @Override
  public List<String> adapters() {
    return deployment.adapters();
  }

  @Override
  public TextAnswer generate(TextRequest request, Predicate<String> listener) {
    Filtered filtered = new Filtered(listener);
    return filtered.answer(deployment.generate(check.checked(request), filtered));
  }

  @Override
  public CompletableFuture<TextAnswer> generateAsync(
      TextRequest request, Predicate<String> listener) {
    Filtered filtered = new Filtered(listener);
    CompletableFuture<TextAnswer> begun =
        deployment.generateAsync(check.checked(request), filtered);
    CompletableFuture<TextAnswer> guarded = begun.thenApply(filtered::answer);
    var unused =
        guarded.whenComplete(
            (answer, problem) -> {
              if (problem != null) {
                OutOfTime.passOn(problem, begun);
              }
            });
    return guarded;
  }

  @Override
  public DeploymentStats stats() {
    return deployment.stats();
  }

  @Override
  public void close() {
    deployment.close();
  }

  /** The pieces of one answer on their way through the filters to their listener. */
  private final class Filtered implements Predicate<String> {
    private final FilterRun run = new FilterRun(output);
    private final Predicate<String> listener;
    private final StringBuilder heard = new StringBuilder();
    private @Nullable RuntimeException failure;

    Filtered(Predicate<String> listener) {
      this.listener = listener;
    }

    @Override
    public boolean test(String piece) {
      try {
        return tell(run.add(piece)) && run.refusedBy().isEmpty();
      } catch (RuntimeException e) {
        failure = e;
        return false;
      }
    }

    private boolean tell(String piece) {
      heard.append(piece);
      return piece.isEmpty() || listener.test(piece);
    }

    TextAnswer answer(TextAnswer whole) {
      if (failure != null) {
        throw failure;
      }
      Generated said = whole.generated();
      boolean cancelled = said.finish() == FinishReason.CANCELLED && run.refusedBy().isEmpty();
      if (!cancelled) {
        tell(run.finish());
      }
      return new TextAnswer(
          whole.model(),
          whole.version(),
          new Generated(
              heard.toString(),
              said.tokens(),
              run.refusedBy().isPresent() ? FinishReason.FILTERED : said.finish(),
              run.changed() ? List.of() : said.likelihoods(),
              said.promptTokens(),
              said.timeToFirstToken(),
              said.tokensPerSecond()),
          whole.latency());
    }
  }
}
