package io.athanor.registry.governance;

import io.athanor.api.registry.ModelNotes;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.function.BiPredicate;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Terms of use as SPDX writes them, for example {@code "Apache-2.0"}, {@code "MIT OR
 * LicenseRef-ours"} or {@code "GPL-2.0-only WITH Classpath-exception-2.0"}. Equal if the same
 * normalised text. Immutable and thread-safe.
 *
 * @see <a href="https://spdx.github.io/spdx-spec/v2.3/SPDX-license-expressions/">The grammar</a>
 */
public final class LicenceExpression {
  private static final int LONGEST = 1000;
  private static final int DEEPEST = 50;
  private static final Pattern TOKEN = Pattern.compile("\\s*([()]|[A-Za-z0-9.:+-]+)");
  private static final Pattern OWN =
      Pattern.compile("(DocumentRef-[A-Za-z0-9.-]+:)?LicenseRef-[A-Za-z0-9.-]+");

  private final Node root;

  private LicenceExpression(Node root) {
    this.root = root;
  }

  /** A part of an expression. */
  sealed interface Node {
    /** Whether it has to stand in parentheses inside something that binds closer. */
    boolean loose();
  }

  /**
   * One licence.
   *
   * @param id as the list spells it, or beginning with {@code LicenseRef-}
   * @param orLater whether later versions of it will do
   * @param exception what it lets pass; absent if nothing
   */
  record One(String id, boolean orLater, Optional<String> exception) implements Node {
    @Override
    public boolean loose() {
      return false;
    }

    @Override
    public String toString() {
      return id + (orLater ? "+" : "") + exception.map(e -> " WITH " + e).orElse("");
    }
  }

  /** All of them together. */
  record All(List<Node> parts) implements Node {
    @Override
    public boolean loose() {
      return false;
    }

    @Override
    public String toString() {
      return join(parts, " AND ", Node::loose);
    }
  }

  /** Whichever of them the user chooses. */
  record Any(List<Node> parts) implements Node {
    @Override
    public boolean loose() {
      return true;
    }

    @Override
    public String toString() {
      return join(parts, " OR ", part -> false);
    }
  }

  private static String join(List<Node> parts, String operator, Predicate<Node> enclosed) {
    return parts.stream()
        .map(part -> enclosed.test(part) ? "(" + part + ")" : part.toString())
        .collect(Collectors.joining(operator));
  }

  /**
   * Understands an expression.
   *
   * @throws IllegalArgumentException if it is none, or names a licence that SPDX does not list;
   *     says which listed one looks most like it
   */
  public static LicenceExpression of(String expression) {
    if (expression.length() > LONGEST) {
      throw new IllegalArgumentException(
          "expression must have at most " + LONGEST + " characters, got " + expression.length());
    }
    return new LicenceExpression(new Parser(expression).parse());
  }

  /** Understands an expression, if it is one. */
  public static Optional<LicenceExpression> find(String expression) {
    try {
      return Optional.of(of(expression));
    } catch (IllegalArgumentException e) {
      return Optional.empty();
    }
  }

  /**
   * The same notes with the licence in its normal form.
   *
   * @throws IllegalArgumentException if it is no SPDX expression
   */
  public static ModelNotes normalised(ModelNotes notes) {
    return notes.licence().map(text -> notes.withLicence(of(text).toString())).orElse(notes);
  }

  Node root() {
    return root;
  }

  /** The licences it names, without exceptions and {@code +}. */
  public Set<String> ids() {
    Set<String> ids = new LinkedHashSet<>();
    collect(root, ids);
    return ids;
  }

  private static void collect(Node node, Set<String> ids) {
    if (node instanceof One one) {
      ids.add(one.id());
    } else if (node instanceof All all) {
      all.parts().forEach(part -> collect(part, ids));
    } else if (node instanceof Any any) {
      any.parts().forEach(part -> collect(part, ids));
    }
  }

  /**
   * Whether somebody who accepts only certain licences can accept it: all of those joined by AND,
   * or one of those joined by OR.
   *
   * @param accepted asked for a licence's identifier alone, and together with its exception
   */
  public boolean acceptable(BiPredicate<String, String> accepted) {
    return acceptable(root, accepted);
  }

  private static boolean acceptable(Node node, BiPredicate<String, String> accepted) {
    if (node instanceof All all) {
      return all.parts().stream().allMatch(part -> acceptable(part, accepted));
    }
    if (node instanceof Any any) {
      return any.parts().stream().anyMatch(part -> acceptable(part, accepted));
    }
    One one = (One) node;
    return accepted.test(one.id(), one.toString());
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof LicenceExpression that && root.equals(that.root);
  }

  @Override
  public int hashCode() {
    return root.hashCode();
  }

  /** The normal form: identifiers as listed, operators in capitals, no needless parentheses. */
  @Override
  public String toString() {
    return root.toString();
  }

  /** OR binds loosest, then AND, then WITH. */
  private static final class Parser {
    private final String text;
    private final List<String> tokens = new ArrayList<>();
    private int next;
    private int depth;

    Parser(String text) {
      this.text = text;
      Matcher matcher = TOKEN.matcher(text);
      int end = 0;
      while (matcher.find() && matcher.start() == end) {
        tokens.add(matcher.group(1));
        end = matcher.end();
      }
      if (!text.substring(end).isBlank()) {
        throw fail("'" + printable(text.substring(end).strip()) + "' cannot be understood");
      }
    }

    Node parse() {
      Node root = any();
      if (next < tokens.size()) {
        throw fail("'" + tokens.get(next) + "' was not expected");
      }
      return root;
    }

    private Node any() {
      List<Node> parts = new ArrayList<>();
      do {
        Node part = all();
        if (part instanceof Any inner) {
          parts.addAll(inner.parts());
        } else {
          parts.add(part);
        }
      } while (accept("OR"));
      List<Node> different = parts.stream().distinct().toList();
      return different.size() == 1 ? different.get(0) : new Any(different);
    }

    private Node all() {
      List<Node> parts = new ArrayList<>();
      do {
        Node part = one();
        if (part instanceof All inner) {
          parts.addAll(inner.parts());
        } else {
          parts.add(part);
        }
      } while (accept("AND"));
      List<Node> different = parts.stream().distinct().toList();
      return different.size() == 1 ? different.get(0) : new All(different);
    }

    private Node one() {
      if (accept("(")) {
        if (++depth > DEEPEST) {
          throw fail("parentheses may be " + DEEPEST + " deep at most");
        }
        Node inner = any();
        if (!accept(")")) {
          throw fail("a ')' is missing");
        }
        depth--;
        return inner;
      }
      One licence = licence(identifier("a licence"));
      return accept("WITH")
          ? new One(
              licence.id(), licence.orLater(), Optional.of(exception(identifier("an exception"))))
          : licence;
    }

    private One licence(String token) {
      if (OWN.matcher(token).matches()) {
        return new One(token, false, Optional.empty());
      }
      boolean orLater = token.endsWith("+");
      String name = orLater ? token.substring(0, token.length() - 1) : token;
      Optional<String> id = LicenceList.LICENCES.find(name);
      if (id.isEmpty()) {
        throw fail(
            "SPDX lists no licence '"
                + name
                + "'; the most alike is "
                + LicenceList.LICENCES.nearest(name)
                + ". Name terms of your own LicenseRef-..");
      }
      Optional<String> precise =
          LicenceList.LICENCES.find(id.get() + (orLater ? "-or-later" : "-only"));
      return precise
          .map(listed -> new One(listed, false, Optional.empty()))
          .orElse(new One(id.get(), orLater, Optional.empty()));
    }

    private String exception(String token) {
      return LicenceList.EXCEPTIONS
          .find(token)
          .orElseThrow(
              () ->
                  fail(
                      "SPDX lists no exception '"
                          + token
                          + "'; the most alike is "
                          + LicenceList.EXCEPTIONS.nearest(token)));
    }

    private String identifier(String expected) {
      boolean there =
          next < tokens.size()
              && !Set.of("(", ")", "AND", "OR", "WITH")
                  .contains(tokens.get(next).toUpperCase(Locale.ROOT));
      if (!there) {
        throw fail(
            expected
                + " was expected "
                + (next < tokens.size() ? "before '" + tokens.get(next) + "'" : "at the end"));
      }
      return tokens.get(next++);
    }

    private boolean accept(String token) {
      if (next < tokens.size() && tokens.get(next).equalsIgnoreCase(token)) {
        next++;
        return true;
      }
      return false;
    }

    private IllegalArgumentException fail(String problem) {
      return new IllegalArgumentException(
          "expression must be an SPDX licence expression, got '"
              + printable(text)
              + "': "
              + problem);
    }

    private static String printable(String text) {
      return text.replaceAll("\\p{Cntrl}", "?");
    }
  }
}
