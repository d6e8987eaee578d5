package io.athanor.server.openai;

import io.athanor.server.http.HttpProblem;
import io.athanor.server.http.RequestFields;

/** What a stream shall tell beside the text. */
final class StreamOptions {
  private StreamOptions() {}

  /** Whether the last chunk tells how many tokens there were. */
  static boolean usage(RequestFields fields, boolean stream) {
    return fields
        .node("stream_options")
        .map(
            value -> {
              if (!stream) {
                throw new HttpProblem(400, "'stream_options' needs 'stream'")
                    .with("param", "stream_options");
              }
              RequestFields options = new RequestFields(value, 400);
              boolean usage = options.flag("include_usage");
              options.flag("include_obfuscation"); // padding against listeners: we add none
              options.requireNoMore();
              return usage;
            })
        .orElse(false);
  }
}
