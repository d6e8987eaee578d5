package io.athanor.deploy.target;

import java.util.ArrayList;
import java.util.List;
import java.util.function.ToIntFunction;

/** Splits what is asked into requests whose bodies a server takes. */
final class RequestParts {
  /** As UTF-8 in JSON, less than the megabyte that our server takes unless it is told otherwise. */
  private static final int CHARACTERS = 250_000;

  private RequestParts() {}

  /**
   * The inputs in their order; one that is too long for any part is alone in one.
   *
   * @param most inputs of a part
   * @param length characters of an input
   */
  static <T> List<List<T>> of(List<T> inputs, int most, ToIntFunction<T> length) {
    List<List<T>> parts = new ArrayList<>();
    int from = 0;
    long characters = 0;
    for (int i = 0; i < inputs.size(); i++) {
      int more = length.applyAsInt(inputs.get(i));
      if (i > from && (i - from == most || characters + more > CHARACTERS)) {
        parts.add(inputs.subList(from, i));
        from = i;
        characters = 0;
      }
      characters += more;
    }
    if (from < inputs.size()) {
      parts.add(inputs.subList(from, inputs.size()));
    }
    return parts;
  }
}
