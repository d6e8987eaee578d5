package io.athanor.model.generate;

import io.athanor.api.data.Tokenizer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Makes text of tokens one by one. A token may hold a part of a character, and a stop string may
 * begin in one token and end in another, so the end of the text is held back until it is certain.
 */
final class TextAssembly {
  /** Tokens before the text that tell the tokenizer how it goes on, for example after a space. */
  private static final int CONTEXT = 4;

  private static final String INCOMPLETE = "\uFFFD";

  private final Tokenizer tokenizer;
  private final List<String> stops;
  private final List<Integer> tokens = new ArrayList<>();
  private final StringBuilder pending = new StringBuilder();
  private final StringBuilder released = new StringBuilder();
  private int from;
  private int read;
  private boolean stopped;

  TextAssembly(Tokenizer tokenizer, List<String> stops, int[] prompt) {
    this.tokenizer = tokenizer;
    this.stops = stops;
    int first = Math.max(0, prompt.length - CONTEXT);
    Arrays.stream(prompt, first, prompt.length).forEach(tokens::add);
    read = tokens.size();
  }

  /** Adds a token and returns the text that is certain now; may be empty. */
  String add(int token) {
    tokens.add(token);
    String known = decode(from, read);
    String more = decode(from, tokens.size());
    if (more.length() <= known.length() || more.endsWith(INCOMPLETE)) {
      return "";
    }
    from = read;
    read = tokens.size();
    return take(more.substring(known.length()));
  }

  private String decode(int start, int end) {
    return tokenizer.decode(
        tokens.subList(start, end).stream().mapToInt(Integer::intValue).toArray());
  }

  private String take(String text) {
    pending.append(text);
    int stop = firstStop();
    if (stop >= 0) {
      stopped = true;
      pending.setLength(stop);
      return release(stop);
    }
    return release(pending.length() - heldBack());
  }

  private int firstStop() {
    return stops.stream().mapToInt(pending::indexOf).filter(i -> i >= 0).min().orElse(-1);
  }

  /** The length of the longest end of the text that a stop string could begin with. */
  private int heldBack() {
    int longest = 0;
    for (String stop : stops) {
      for (int n = Math.min(stop.length() - 1, pending.length()); n > longest; n--) {
        if (stop.startsWith(pending.substring(pending.length() - n))) {
          longest = n;
        }
      }
    }
    return longest;
  }

  private String release(int length) {
    String text = pending.substring(0, length);
    pending.delete(0, length);
    released.append(text);
    return text;
  }

  /** Returns what was held back; no token follows. */
  String finish() {
    if (!stopped) {
      String known = decode(from, read);
      String more = decode(from, tokens.size());
      if (more.length() > known.length()) {
        pending.append(more, known.length(), more.length());
      }
      int stop = firstStop();
      if (stop >= 0) {
        stopped = true;
        pending.setLength(stop);
      }
    }
    return release(pending.length());
  }

  /** Whether a stop string was found. */
  boolean stopped() {
    return stopped;
  }

  /** All text so far that is certain. */
  String text() {
    return released.toString();
  }
}
