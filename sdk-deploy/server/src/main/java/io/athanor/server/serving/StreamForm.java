package io.athanor.server.serving;

import io.athanor.deploy.serve.TextAnswer;
import io.athanor.server.http.EventStream;
import io.athanor.server.http.HttpProblem;

/** How the pieces of an answer are written as events; each method says whether somebody reads. */
public interface StreamForm {
  /** Before the first piece. */
  default boolean begin(EventStream out) {
    return true;
  }

  /** A piece of the answer. */
  boolean piece(EventStream out, String text);

  /** After the last piece. */
  void end(EventStream out, TextAnswer answer);

  /** In place of what would have come, after a failure. */
  void failure(EventStream out, HttpProblem problem);
}
