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

  private final long begin = System.nanoTime();
  private final RemoteServer server;
  private final Predicate<String> listener;
  private final StringBuilder text = new StringBuilder();
  private Duration first = Duration.ZERO;
  private boolean unwanted;

  StreamedText(RemoteServer server, Predicate<String> listener) {
    this.server = server;
    this.listener = listener;
  }

  /**
   * Hands a piece on.
   *
   * @return whether the listener wants more
   * @throws FormatException if the text is longer than any model's
   */
  boolean hear(String piece) {
    if (piece.isEmpty()) {
      return true;
    }
    if (text.isEmpty()) {
      first = sinceBegin();
    }
    if (text.length() + piece.length() > LONGEST) {
      throw new FormatException(
          server.toString(), "the text has more than " + LONGEST + " characters");
    }
    text.append(piece);
    unwanted = !listener.test(piece);
    return !unwanted;
  }

  /** Whether the listener wanted no more. */
  boolean unwanted() {
    return unwanted;
  }

  Duration sinceBegin() {
    return Duration.ofNanos(System.nanoTime() - begin);
  }

  /** What was said; which tokens they were is not known here. */
  Generated generated(FinishReason finish, int promptTokens, double tokensPerSecond) {
    return new Generated(
        text.toString(), List.of(), finish, List.of(), promptTokens, first, tokensPerSecond);
  }
}
