package io.athanor.deploy.rollout;

import java.util.Optional;
import java.util.concurrent.CompletableFuture;

/**
 * What a caller asks, whichever model answers it.
 *
 * @param <D> the models
 * @param <A> the answers
 */
interface Question<D, A> {
  /** Asks a model and waits. */
  A ask(D model);

  /** Asks a model. May throw at once. */
  CompletableFuture<A> begin(D model);

  /** Asks a model of whose answer the caller shall notice nothing. May throw at once. */
  default CompletableFuture<A> beside(D model) {
    return begin(model);
  }

  /** Whether another model may still answer instead; not when parts of an answer have been seen. */
  default boolean repeatable() {
    return true;
  }

  /** Hears what both said. */
  void compared(Optional<String> key, A champion, A candidate);
}
