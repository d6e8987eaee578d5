package io.athanor.eval.report;

import java.util.ArrayDeque;
import java.util.Deque;

/** Writes HTML and SVG; every text and attribute is escaped on the way in. Not thread-safe. */
final class Markup {
  private final StringBuilder out = new StringBuilder();
  private final Deque<String> open = new ArrayDeque<>();

  /** Opens an element; attributes come as name and value in turn. */
  Markup open(String tag, String... attributes) {
    start(tag, attributes);
    out.append('>');
    open.push(tag);
    return this;
  }

  /** An element without content. */
  Markup empty(String tag, String... attributes) {
    start(tag, attributes);
    out.append("></").append(tag).append('>');
    return this;
  }

  /** A meta element, which has no end. */
  Markup meta(String... attributes) {
    start("meta", attributes);
    out.append(">\n");
    return this;
  }

  /** An element that holds a text. */
  Markup leaf(String tag, String text, String... attributes) {
    return open(tag, attributes).text(text).close();
  }

  /** Closes the element opened last. */
  Markup close() {
    out.append("</").append(open.pop()).append('>');
    if (open.size() < 5) {
      out.append('\n');
    }
    return this;
  }

  Markup text(String text) {
    escape(text);
    return this;
  }

  /** A style sheet of ours; the only thing that is not escaped. */
  Markup style(String css) {
    out.append("<style>\n").append(css).append("</style>\n");
    return this;
  }

  /** The document, all elements closed. */
  String document() {
    while (!open.isEmpty()) {
      close();
    }
    return "<!DOCTYPE html>\n" + out;
  }

  private void start(String tag, String... attributes) {
    out.append('<').append(tag);
    for (int i = 0; i < attributes.length; i += 2) {
      out.append(' ').append(attributes[i]).append("=\"");
      escape(attributes[i + 1]);
      out.append('"');
    }
  }

  private void escape(String text) {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      switch (c) {
        case '&' -> out.append("&amp;");
        case '<' -> out.append("&lt;");
        case '>' -> out.append("&gt;");
        case '"' -> out.append("&quot;");
        case '\'' -> out.append("&#39;");
        default -> out.append(c < ' ' && c != '\n' && c != '\t' ? '\uFFFD' : c);
      }
    }
  }
}
