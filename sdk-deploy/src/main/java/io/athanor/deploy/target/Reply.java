package io.athanor.deploy.target;

import com.fasterxml.jackson.databind.JsonNode;
import io.athanor.api.common.JsonFields;
import io.athanor.api.error.FormatException;
import java.net.http.HttpHeaders;
import java.time.Duration;
import java.util.Optional;

/** What a server answered. */
record Reply(String place, int status, HttpHeaders headers, String text) {
  private static final int LONGEST_MESSAGE = 500;

  boolean good() {
    return status / 100 == 2;
  }

  /**
   * The answer as an object.
   *
   * @throws FormatException if it is none
   */
  JsonFields fields() {
    return JsonFields.parse(place, text);
  }

  /** What the server says in plain words, on one line. */
  String message() {
    String said = text;
    try {
      JsonNode json = JsonFields.tree(place, said);
      JsonNode error = json.path("error");
      for (JsonNode part :
          new JsonNode[] {
            json.path("detail"), error, error.path("message"), json.path("message")
          }) {
        if (part.isTextual()) {
          said = part.textValue();
          break;
        }
      }
    } catch (FormatException e) {
      // Plain text, or HTML of a proxy: shown as it is.
    }
    String line = said.replaceAll("[\\p{Cntrl}\\s]+", " ").strip();
    return line.length() <= LONGEST_MESSAGE ? line : line.substring(0, LONGEST_MESSAGE) + "..";
  }

  /** How long the server asks to be left alone; dates are not read. */
  Optional<Duration> retryAfter() {
    return headers
        .firstValue("Retry-After")
        .filter(value -> value.matches("[0-9]{1,9}"))
        .map(value -> Duration.ofSeconds(Long.parseLong(value)));
  }
}
