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

  /** In reaches; one that would be longer begins within a word or a match. */
  private static final int LONGEST_WINDOW = 4;

  private final List<TextFilter> filters;
  private final int reach;
  private final StringBuilder text = new StringBuilder();
  private int begin;
  private int seen;
  private boolean changed;
  private @Nullable FilterMatch refused;

  FilterRun(List<TextFilter> filters) {
    this.filters = filters;
    this.reach = filters.stream().mapToInt(TextFilter::reach).max().orElse(0);
  }

  /** Takes a text at once, of which nothing was added before. */
  String whole(String all) {
    text.append(all);
    return finish();
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
    List<FilterMatch> found = inspected();
    List<FilterMatch> matches =
        found.stream().filter(match -> match.end() > seen).sorted(IN_ORDER).toList();
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
    begin = nextBegin(found);
    return out.toString();
  }

  /** What the filters find from {@link #begin} on, with indices of the text. */
  private List<FilterMatch> inspected() {
    String window = text.substring(begin);
    List<FilterMatch> found = new ArrayList<>();
    for (TextFilter filter : filters) {
      for (FilterMatch match : filter.inspect(window)) {
        found.add(
            new FilterMatch(
                match.start() + begin, match.end() + begin, match.rule(), match.replacement()));
      }
    }
    return found;
  }

  /**
   * The last place before the reach from which an inspection finds what one of the whole text would
   * find: neither a word nor a match goes across it.
   */
  private int nextBegin(List<FilterMatch> found) {
    for (int at = seen - reach; at > begin; at--) {
      if (beginsWord(at) && !isWithin(found, at)) {
        return at;
      }
    }
    return (seen - begin) / LONGEST_WINDOW > reach ? seen - reach : begin;
  }

  private boolean beginsWord(int at) {
    char before = text.charAt(at - 1);
    boolean word =
        before == '_' || (before < 128 && Character.isLetterOrDigit(before)); // as RE2 has it
    return !word && !Character.isHighSurrogate(before);
  }

  private static boolean isWithin(List<FilterMatch> found, int at) {
    return found.stream().anyMatch(match -> match.start() < at && at < match.end());
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
