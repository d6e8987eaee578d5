package io.athanor.registry.governance;

import io.athanor.registry.governance.Candidate.Ancestor;
import io.athanor.registry.governance.LicenceExpression.All;
import io.athanor.registry.governance.LicenceExpression.Any;
import io.athanor.registry.governance.LicenceExpression.Node;
import io.athanor.registry.governance.LicenceExpression.One;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.BiPredicate;
import java.util.function.Predicate;
import java.util.regex.Pattern;

/**
 * Which terms of a model go over to those made from it. A short table of what the texts of common
 * licences ask for, read word by word for models; it is no legal advice, and silent on what it does
 * not list.
 */
final class LicenceInheritance {
  private static final String SAME = "asks for the same terms";
  private static final String GNU_3 = "|GPL-3\\.0-.*|AGPL-3\\.0-.*";

  private static final List<Rule> RULES =
      List.of(
          rule("CC-BY-(NC-)?ND-.*", "forbids to pass on what was made from it", (of, own) -> false),
          rule("CC-BY-NC-SA-.*", "forbids commercial use and " + SAME, by("CC-BY-NC-SA-.*")),
          rule("CC-BY-NC-.*", "forbids commercial use", by("CC-BY-NC-.*")),
          rule("CC-BY-SA-.*", SAME, by("CC-BY-SA-.*")),
          rule("AGPL-3\\.0-.*", SAME, by("AGPL-3\\.0-.*")),
          rule("GPL-3\\.0-.*", SAME, by("GPL-3\\.0-.*|AGPL-3\\.0-.*")),
          rule("GPL-2\\.0-only", SAME, by("GPL-2\\.0-only")),
          rule("GPL-2\\.0-or-later", SAME, by("GPL-2\\.0-.*" + GNU_3)),
          rule("LGPL-3\\.0-.*", SAME, by("LGPL-3\\.0-.*" + GNU_3)),
          rule("LGPL-2\\..*", SAME, by("LGPL-.*|GPL-2\\.0-.*" + GNU_3)),
          rule("MPL-2\\.0", SAME, by("MPL-2\\.0|LGPL-.*|GPL-2\\.0-.*" + GNU_3)),
          rule("EPL-[12]\\.0", SAME, by("EPL-[12]\\.0")),
          rule("ODbL-1\\.0", SAME, String::equals),
          rule("CDLA-Sharing-1\\.0", SAME, String::equals),
          rule(".*LicenseRef-.*", "has terms that only people can read", String::equals));

  private LicenceInheritance() {}

  /**
   * One line of the table; the first that fits counts.
   *
   * @param licences whose duty it is about
   * @param duty what they ask for
   * @param kept whether the duty of a licence, the first, is kept by another, the second
   */
  private record Rule(Pattern licences, String duty, BiPredicate<String, String> kept) {}

  private static Rule rule(String licences, String duty, BiPredicate<String, String> kept) {
    return new Rule(Pattern.compile(licences), duty, kept);
  }

  private static BiPredicate<String, String> by(String licences) {
    Predicate<String> fits = Pattern.compile(licences).asMatchPredicate();
    return (inherited, own) -> fits.test(own);
  }

  /** Where a version's licence does not keep what its ancestors ask for, a sentence each. */
  static List<String> problems(Optional<String> own, List<Ancestor> ancestors) {
    List<String> problems = new ArrayList<>();
    for (Ancestor ancestor : ancestors) {
      ancestor.licence().ifPresent(text -> problems.addAll(problems(own, ancestor.name(), text)));
    }
    return problems;
  }

  private static List<String> problems(Optional<String> own, String ancestor, String inherited) {
    String from = ancestor + ", which it was made from, is under " + inherited;
    Optional<LicenceExpression> terms = LicenceExpression.find(inherited);
    if (terms.isEmpty()) {
      return List.of(from + ", which is no SPDX expression; say it in SPDX's form");
    }
    if (own.isEmpty()) {
      return List.of("it has no licence, and " + from);
    }
    Optional<LicenceExpression> given = LicenceExpression.find(own.get());
    return given.isEmpty()
        ? List.of()
        : unkept(terms.get().root(), given.get().root()).stream()
            .map(duty -> from + ", which " + duty + "; it is under " + own.get())
            .distinct()
            .toList();
  }

  /** The duties of inherited terms that are not kept; of alternatives the best is chosen. */
  private static List<String> unkept(Node inherited, Node own) {
    if (inherited instanceof All all) {
      return all.parts().stream().flatMap(part -> unkept(part, own).stream()).toList();
    }
    if (inherited instanceof Any any) {
      List<List<String>> choices = any.parts().stream().map(part -> unkept(part, own)).toList();
      return choices.stream().filter(List::isEmpty).findFirst().orElse(choices.get(0));
    }
    One one = (One) inherited;
    return RULES.stream()
        .filter(rule -> rule.licences().matcher(one.id()).matches())
        .findFirst()
        .filter(rule -> !keeps(rule, one, own))
        .map(rule -> List.of(rule.duty()))
        .orElse(List.of());
  }

  /** Whoever gets the model may choose among alternatives, so each of them must keep the duty. */
  private static boolean keeps(Rule rule, One inherited, Node own) {
    if (own instanceof All all) {
      return all.parts().stream().anyMatch(part -> keeps(rule, inherited, part));
    }
    if (own instanceof Any any) {
      return any.parts().stream().allMatch(part -> keeps(rule, inherited, part));
    }
    return rule.kept().test(inherited.id(), ((One) own).id());
  }
}
