package io.athanor.deploy.serve;

import io.athanor.api.deploy.LiveModel;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Predicate;

/** A language model that answers texts and conversations. Thread-safe. */
public interface TextDeployment extends LiveModel {
  /** The adapters that a request may name, each as {@code name:version}; in alphabetical order. */
  List<String> adapters();

  /**
   * The answer to a request.
   *
   * @throws io.athanor.api.error.ValidationException if the prompt does not fit the context
   * @throws io.athanor.api.error.NotFoundException if the adapter is not known
   * @throws io.athanor.api.error.UnsupportedException if it is a conversation and the model has no
   *     chat template
   * @throws io.athanor.api.error.BackendException if the engine fails, does not answer in time, or
   *     has too much to do; then {@code retryable()} is true
   * @throws IllegalStateException after {@link #close}
   */
  default TextAnswer generate(TextRequest request) {
    return generate(request, piece -> true);
  }

  /**
   * The answer to a request, piece by piece as it comes.
   *
   * @param listener hears each piece, whole characters, on a thread of the deployment that waits
   *     for it; answers whether to go on
   * @throws io.athanor.api.error.AthanorException as {@link #generate(TextRequest)}
   * @throws IllegalStateException after {@link #close}
   */
  TextAnswer generate(TextRequest request, Predicate<String> listener);

  /**
   * Begins an answer. Throws at once what {@link #generate(TextRequest)} throws for the request or
   * a full queue; the future carries only failures of the engine. Cancelling it ends the
   * generation.
   *
   * @param listener as {@link #generate(TextRequest, Predicate)}
   */
  CompletableFuture<TextAnswer> generateAsync(TextRequest request, Predicate<String> listener);
}
