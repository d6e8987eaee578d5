package io.athanor.deploy.safety;

import com.google.re2j.Matcher;
import com.google.re2j.Pattern;
import com.google.re2j.PatternSyntaxException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Finds passages by regular expressions, in time linear in the text whatever it is (RE2 syntax: no
 * look-around, no back references).
 *
 * <pre>{@code
 * RuleFilter.builder()
 *     .refuse("weapons", "(?i)pipe bomb")
 *     .replace("code name", "(?i)project\\s+alpha", "[project]")
 *     .build()
 * }</pre>
 *
 * <p>Immutable and thread-safe.
 */
public final class RuleFilter implements TextFilter {
  private final List<Rule> rules;
  private final int reach;

  private record Rule(String name, Pattern pattern, Optional<String> replacement) {}

  private RuleFilter(List<Rule> rules, int reach) {
    this.rules = List.copyOf(rules);
    this.reach = reach;
  }

  public static Builder builder() {
    return new Builder();
  }

  @Override
  public List<FilterMatch> inspect(String text) {
    List<FilterMatch> matches = new ArrayList<>();
    for (Rule rule : rules) {
      Matcher matcher = rule.pattern().matcher(text);
      while (matcher.find()) {
        if (matcher.end() > matcher.start()) {
          matches.add(
              new FilterMatch(matcher.start(), matcher.end(), rule.name(), rule.replacement()));
        }
      }
    }
    return matches;
  }

  @Override
  public int reach() {
    return reach;
  }

  /** Makes a filter; not thread-safe. */
  public static final class Builder {
    private final List<Rule> rules = new ArrayList<>();
    private int reach = 256;

    private Builder() {}

    /**
     * Refuses texts with a match.
     *
     * @param name of the rule, for those whose text it refuses
     * @param expression in RE2 syntax
     * @throws IllegalArgumentException if it is no such expression
     */
    public Builder refuse(String name, String expression) {
      rules.add(new Rule(name, compiled(name, expression), Optional.empty()));
      return this;
    }

    /**
     * Puts something in the place of each match.
     *
     * @param name of the rule
     * @param expression in RE2 syntax
     * @param replacement taken literally
     * @throws IllegalArgumentException if it is no such expression
     */
    public Builder replace(String name, String expression, String replacement) {
      rules.add(new Rule(name, compiled(name, expression), Optional.of(replacement)));
      return this;
    }

    /** Most characters that a match has, from 1; 256 unless set. See {@link TextFilter#reach}. */
    public Builder reach(int characters) {
      if (characters < 1) {
        throw new IllegalArgumentException("reach must be at least 1, got " + characters);
      }
      reach = characters;
      return this;
    }

    /**
     * @throws IllegalArgumentException if there is no rule
     */
    public RuleFilter build() {
      if (rules.isEmpty()) {
        throw new IllegalArgumentException("rules must be at least one; call refuse or replace");
      }
      return new RuleFilter(rules, reach);
    }

    private static Pattern compiled(String name, String expression) {
      try {
        return Pattern.compile(expression);
      } catch (PatternSyntaxException e) {
        throw new IllegalArgumentException(
            "expression of the rule '"
                + name
                + "' must be in RE2 syntax (no look-around, no back references), got '"
                + expression
                + "': "
                + e.getDescription(),
            e);
      }
    }
  }
}
