package io.athanor.deploy.safety;

import com.google.re2j.Matcher;
import com.google.re2j.Pattern;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/**
 * Puts {@code [email]}, {@code [phone]} and the like in the place of personal data that can be told
 * by their form. Bank accounts and cards count only with right check digits. Names and addresses
 * have no form and are not found: use a {@link ClassifierFilter} for what is left. Immutable and
 * thread-safe.
 */
public final class PersonalData implements TextFilter {
  private static final int LONGEST = 128;

  private final Set<Kind> kinds;

  /** What can be found. */
  public enum Kind {
    /** E-mail addresses. */
    EMAIL(
        "[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\\.[A-Za-z0-9-]{1,63})*\\.[A-Za-z]{2,24}\\b"),
    /** International bank account numbers (ISO 13616), with right check digits. */
    IBAN("\\b[A-Z]{2}[0-9]{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,4})?\\b"),
    /** Payment cards: 13 to 19 digits with a right check digit (ISO/IEC 7812). */
    CARD("\\b[0-9](?:[ -]?[0-9]){12,18}\\b"),
    /** Addresses of machines, version 4. */
    IP_ADDRESS(
        "\\b(?:(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])\\.){3}(?:25[0-5]|2[0-4][0-9]|1?[0-9]?[0-9])\\b"),
    /** Telephone numbers with a plus or a zero before them, or written (555) 123-4567. */
    PHONE(
        "(?:\\+[0-9]{1,3}[ ./-]?|\\b0)(?:\\(?[0-9]{1,5}\\)?[ ./-]?){2,5}[0-9]{2,}\\b"
            + "|\\([0-9]{3}\\) ?[0-9]{3}[ -][0-9]{4}\\b");

    private final Pattern pattern;

    Kind(String expression) {
      this.pattern = Pattern.compile(expression);
    }

    /**
     * The end of the longest passage from the start that is one; the start if none is. What has the
     * form may have taken along a neighbour: of a card, its date.
     */
    private int end(String text, int start, int longest) {
      for (int end = longest; end > start; end--) {
        if (end == longest || endsWord(text, end)) {
          String found = text.substring(start, end);
          if (holds(found) && pattern.matches(found)) {
            return end;
          }
        }
      }
      return start;
    }

    private static boolean endsWord(String text, int end) {
      return Character.isLetterOrDigit(text.charAt(end - 1))
          && !Character.isLetterOrDigit(text.charAt(end));
    }

    /** Whether what has the form is one. */
    private boolean holds(String found) {
      return switch (this) {
        case EMAIL, IP_ADDRESS -> true;
        case IBAN -> isIban(found);
        case CARD -> hasLuhnDigit(found);
        case PHONE -> hasDigits(found, 8, 15);
      };
    }

    private String placeholder() {
      return "[" + name().toLowerCase(Locale.ROOT).replace('_', ' ') + "]";
    }
  }

  private PersonalData(Set<Kind> kinds) {
    this.kinds = EnumSet.copyOf(kinds);
  }

  /** Finds all kinds. */
  public static PersonalData all() {
    return new PersonalData(EnumSet.allOf(Kind.class));
  }

  /** Finds some kinds. */
  public static PersonalData of(Kind first, Kind... more) {
    return new PersonalData(EnumSet.of(first, more));
  }

  @Override
  public List<FilterMatch> inspect(String text) {
    List<FilterMatch> matches = new ArrayList<>();
    for (Kind kind : kinds) {
      Matcher matcher = kind.pattern.matcher(text);
      for (int from = 0; matcher.find(from); ) {
        int end = kind.end(text, matcher.start(), matcher.end());
        if (end > matcher.start()) {
          matches.add(
              new FilterMatch(
                  matcher.start(), end, "personal data", Optional.of(kind.placeholder())));
        }
        from = end == matcher.end() ? end : matcher.start() + 1;
      }
    }
    return matches;
  }

  /** A text with placeholders in the place of what was found; for logs and records. */
  public String redact(String text) {
    return new FilterRun(List.of(this)).whole(text);
  }

  @Override
  public int reach() {
    return LONGEST;
  }

  private static boolean hasDigits(String text, int least, int most) {
    long digits = text.chars().filter(c -> c >= '0' && c <= '9').count();
    return digits >= least && digits <= most;
  }

  private static boolean hasLuhnDigit(String text) {
    int sum = 0;
    boolean second = false;
    for (int i = text.length() - 1; i >= 0; i--) {
      int digit = text.charAt(i) - '0';
      if (digit >= 0 && digit <= 9) {
        int value = second ? 2 * digit : digit;
        sum += value > 9 ? value - 9 : value;
        second = !second;
      }
    }
    return sum % 10 == 0;
  }

  private static boolean isIban(String text) {
    String compact = text.replace(" ", "");
    String turned = compact.substring(4) + compact.substring(0, 4);
    int rest = 0;
    for (int i = 0; i < turned.length(); i++) {
      int value = Character.digit(turned.charAt(i), 36);
      rest = (value > 9 ? rest * 100 + value : rest * 10 + value) % 97;
    }
    return rest == 1;
  }
}
