package io.athanor.deploy.target;

import io.athanor.api.error.FormatException;
import io.athanor.model.generate.FinishReason;
import io.athanor.model.generate.Generated;
import java.time.Duration;
import java.util.List;
import java.util.function.Predicate;

/** A text that a server says piece by piece. Not thread-safe. */
final class StreamedText {
  private static final int LONGEST = 16 << 20;

  private final long arrival;
  private final RemoteServer server;
  private final Predicate<String> listener;
  private final StringBuilder text = new StringBuilder();
  private Duration first = Duration.ZERO;
  private boolean unwanted;

  /**
   * @param arrival when it was asked for, in {@link System#nanoTime}
   */
  StreamedText(RemoteServer server, long arrival, Predicate<String> listener) {
    this.arrival = arrival;
    this.server = server;
    this.listener = listener;
  }

  /**
   * Hands a piece on.
   *
   * @return whether the listener wants more
   * @throws FormatException if the text is longer than any model's
   * @throws ListenerException if the listener fails
   */
  boolean hear(String piece) {
    if (piece.isEmpty()) {
      return true;
    }
    if (text.isEmpty()) {
      first = sinceArrival();
    }
    if (text.length() + piece.length() > LONGEST) {
      throw new FormatException(
          server.toString(), "the text has more than " + LONGEST + " characters");
    }
    text.append(piece);
    try {
      unwanted = !listener.test(piece);
    } catch (RuntimeException e) {
      throw new ListenerException(e);
    }
    return !unwanted;
  }

  /** Whether the listener wanted no more. */
  boolean unwanted() {
    return unwanted;
  }

  Duration sinceArrival() {
    return Duration.ofNanos(System.nanoTime() - arrival);
  }

  /** What was said; which tokens they were is not known here. */
  Generated generated(FinishReason finish, int promptTokens, double tokensPerSecond) {
    return new Generated(
        text.toString(), List.of(), finish, List.of(), promptTokens, first, tokensPerSecond);
  }
}
