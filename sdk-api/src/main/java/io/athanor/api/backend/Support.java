package io.athanor.api.backend;

import io.athanor.api.error.UnsupportedException;

/** Whether a backend can do something, known before any data is read. */
public sealed interface Support {
  /** It can. */
  record Supported() implements Support {}

  /**
   * It cannot.
   *
   * @param reason why
   * @param remedy what to do instead
   */
  record Unsupported(String reason, String remedy) implements Support {}

  /**
   * Does nothing when supported.
   *
   * @throws UnsupportedException otherwise
   */
  default void require() {
    if (this instanceof Unsupported no) {
      throw new UnsupportedException(no.reason(), no.remedy());
    }
  }
}
