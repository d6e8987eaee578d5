package io.athanor.model.text.template;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** Cuts strings as Python does. */
final class Strings {
  private Strings() {}

  /**
   * @param separator null for runs of white space, those at both ends left out
   * @param most cuts, or negative for no limit
   */
  static List<String> pieces(String text, @Nullable String separator, long most) {
    List<String> pieces = new ArrayList<>();
    String rest = separator == null ? Spaces.stripStart(text) : text;
    int start = 0;
    while (most < 0 || pieces.size() < most) {
      int end = separator == null ? nextSpace(rest, start) : rest.indexOf(separator, start);
      if (end < 0) {
        break;
      }
      pieces.add(rest.substring(start, end));
      start = end + (separator == null ? 0 : separator.length());
      while (separator == null && start < rest.length() && Spaces.isSpace(rest.charAt(start))) {
        start++;
      }
    }
    if (separator != null || start < rest.length()) {
      pieces.add(rest.substring(start));
    }
    return pieces;
  }

  /** The same, cut from the end. */
  static List<String> piecesFromEnd(String text, @Nullable String separator, long most) {
    String back = separator == null ? null : new StringBuilder(separator).reverse().toString();
    List<String> pieces = pieces(new StringBuilder(text).reverse().toString(), back, most);
    pieces.replaceAll(piece -> new StringBuilder(piece).reverse().toString());
    Collections.reverse(pieces);
    return pieces;
  }

  private static int nextSpace(String text, int from) {
    for (int i = from; i < text.length(); i++) {
      if (Spaces.isSpace(text.charAt(i))) {
        return i;
      }
    }
    return -1;
  }
}
