package io.athanor.deploy.monitor;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.athanor.api.data.Row;
import io.athanor.api.data.Traits;
import io.athanor.api.deploy.DeploymentStats;
import io.athanor.api.deploy.ServedModel;
import io.athanor.deploy.serve.TextAnswer;
import io.athanor.deploy.serve.TextDeployment;
import io.athanor.deploy.serve.TextRequest;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Predicate;

/**
 * A language model that is watched; made by {@link Monitoring}. What is looked at for drift is the
 * prompt, or the latest message of a conversation. Thread-safe.
 */
public final class MonitoredText implements TextDeployment, Monitored {
  /** The column of a conversation in feedback: its messages as a JSON array. */
  public static final String MESSAGES = "messages";

  private final TextDeployment deployment;
  private final Monitor monitor;
  private final Traits traits;

  MonitoredText(TextDeployment deployment, Monitor monitor) {
    this.deployment = deployment;
    this.monitor = monitor;
    this.traits = Traits.of(deployment.model().encoding());
  }

  @Override
  public Monitor monitor() {
    return monitor;
  }

  /**
   * The answer to a request, with an id for feedback.
   *
   * @throws io.athanor.api.error.AthanorException as {@link #generate(TextRequest)}
   */
  public Asked<TextAnswer> ask(TextRequest request) {
    TextAnswer answer = generate(request);
    return monitor.remember(answer, exchange(request, answer));
  }

  private static RecentAnswers.Exchange exchange(TextRequest request, TextAnswer answer) {
    return new RecentAnswers.Exchange(
        answer.model(), answer.version(), row(request), answer.text());
  }

  private static Row row(TextRequest request) {
    if (request.messages().isEmpty()) {
      return Row.of(Traits.TEXT, request.prompt());
    }
    ArrayNode messages = JsonNodeFactory.instance.arrayNode();
    request
        .messages()
        .forEach(
            message ->
                messages.addObject().put("role", message.role()).put("content", message.content()));
    return Row.of(MESSAGES, messages.toString());
  }

  @Override
  public List<String> adapters() {
    return deployment.adapters();
  }

  @Override
  public TextAnswer generate(TextRequest request, Predicate<String> listener) {
    TextAnswer answer = monitor.timed(() -> deployment.generate(request, listener));
    look(request);
    return answer;
  }

  @Override
  public CompletableFuture<TextAnswer> generateAsync(
      TextRequest request, Predicate<String> listener) {
    return monitor.timedAsync(
        () -> deployment.generateAsync(request, listener), answer -> look(request));
  }

  /**
   * As {@link #generateAsync(TextRequest, Predicate)}, with an id for feedback that the caller
   * chose. Feedback can name it as soon as the answer is there.
   *
   * @param id none used before
   */
  public CompletableFuture<TextAnswer> generateAsync(
      TextRequest request, Predicate<String> listener, String id) {
    return monitor.remembered(
        generateAsync(request, listener), id, answer -> exchange(request, answer));
  }

  private void look(TextRequest request) {
    String read =
        request.messages().isEmpty()
            ? request.prompt()
            : request.messages().get(request.messages().size() - 1).content();
    monitor.look(() -> tallies -> traits.read(Row.of(Traits.TEXT, read), tallies));
  }

  @Override
  public ServedModel model() {
    return deployment.model();
  }

  @Override
  public DeploymentStats stats() {
    return deployment.stats();
  }

  /** Closes the deployment too. */
  @Override
  public void close() {
    try {
      deployment.close();
    } finally {
      monitor.close();
    }
  }
}
