package io.athanor.deploy.safety;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** Takes a text that comes piece by piece through filters. Not thread-safe. */
final class FilterRun {
  private static final Comparator<FilterMatch> IN_ORDER =
      Comparator.comparingInt(FilterMatch::start)
          .thenComparing(match -> match.refuses() ? 0 : 1)
          .thenComparing(Comparator.comparingInt(FilterMatch::end).reversed());

  private final List<TextFilter> filters;
  private final int reach;
  private final StringBuilder text = new StringBuilder();
  private int seen;
  private boolean changed;
  private @Nullable FilterMatch refused;

  FilterRun(List<TextFilter> filters) {
    this.filters = filters;
    this.reach = filters.stream().mapToInt(TextFilter::reach).max().orElse(0);
  }

  /** Adds a piece and returns what may be given out now; may be empty. */
  String add(String piece) {
    text.append(piece);
    int certain = reach == TextFilter.WHOLE_TEXT ? 0 : text.length() - reach;
    if (certain > 0 && Character.isHighSurrogate(text.charAt(certain - 1))) {
      certain--;
    }
    return certain > seen ? release(certain, false) : "";
  }

  /** Returns the rest; no piece follows. */
  String finish() {
    return release(text.length(), true);
  }

  /**
   * @param certain no passage that begins before this can be unknown
   * @param complete whether nothing follows
   */
  private String release(int certain, boolean complete) {
    if (refused != null || seen == text.length()) {
      return "";
    }
    List<FilterMatch> matches = matches();
    refused = matches.stream().filter(FilterMatch::refuses).findFirst().orElse(null);
    changed |= refused != null;
    int limit = refused == null ? certain : refused.start();
    StringBuilder out = new StringBuilder();
    for (FilterMatch match : matches) {
      if (match.start() >= limit) {
        break;
      }
      if (match.end() > limit && refused == null && !complete) {
        limit = Math.max(seen, match.start()); // it may still grow
        break;
      }
      if (match.end() > seen && !match.refuses()) {
        out.append(text, seen, Math.max(seen, match.start()));
        out.append(match.start() >= seen ? match.replacement().orElseThrow() : "");
        seen = match.end();
        changed = true;
      }
    }
    if (limit > seen) {
      out.append(text, seen, limit);
      seen = limit;
    }
    return out.toString();
  }

  /** Those that reach into what has not been given out, with indices of the text. */
  private List<FilterMatch> matches() {
    int from = reach == TextFilter.WHOLE_TEXT ? 0 : Math.max(0, seen - reach);
    String window = text.substring(from);
    List<FilterMatch> found = new ArrayList<>();
    for (TextFilter filter : filters) {
      for (FilterMatch match : filter.inspect(window)) {
        if (match.end() + from > seen) {
          found.add(
              new FilterMatch(
                  match.start() + from, match.end() + from, match.rule(), match.replacement()));
        }
      }
    }
    found.sort(IN_ORDER);
    return found;
  }

  /** Whether something was replaced or withheld. */
  boolean changed() {
    return changed;
  }

  /** The rule that ended the text. */
  Optional<String> refusedBy() {
    return Optional.ofNullable(refused).map(FilterMatch::rule);
  }
}
