package io.athanor.registry.governance;

import io.athanor.api.error.FormatException;
import io.athanor.api.registry.ModelVersion;
import io.athanor.api.registry.Principal;
import io.athanor.api.registry.VersionState;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;

/**
 * What versions need before aliases may point to them. Where several rules are about an alias, all
 * of them hold.
 *
 * @param rules with different aliases
 */
public record Policy(List<StageRules> rules) {
  public Policy {
    rules = List.copyOf(rules);
    Set<String> aliases = new HashSet<>();
    for (StageRules rule : rules) {
      if (!aliases.add(rule.alias())) {
        throw new IllegalArgumentException("two rules are about '" + rule.alias() + "'");
      }
    }
  }

  /** Asks for nothing. */
  public static Policy none() {
    return new Policy(List.of());
  }

  /** With some rules, in place of those with the same alias. */
  public Policy with(StageRules added) {
    List<StageRules> all = new ArrayList<>(without(added.alias()).rules());
    all.add(added);
    return new Policy(all);
  }

  /** Without the rules that have this very alias. */
  public Policy without(String alias) {
    return new Policy(rules.stream().filter(rule -> !rule.alias().equals(alias)).toList());
  }

  /** The rules about an alias. */
  public List<StageRules> about(String alias) {
    return rules.stream().filter(rule -> NamePattern.matches(rule.alias(), alias)).toList();
  }

  /** Whether versions that an alias ever pointed to cannot be deleted. */
  public boolean keepsVersions(String alias) {
    return about(alias).stream().anyMatch(StageRules::keptVersions);
  }

  /** Whether a checklist must be complete. */
  public boolean asksForChecklist(String alias) {
    return about(alias).stream().anyMatch(StageRules::completeChecklist);
  }

  /** Whether somebody in particular must have signed. */
  public boolean asksForSignature(String alias) {
    return about(alias).stream().anyMatch(rules -> !rules.signers().isEmpty());
  }

  /** Whether somebody may not approve something because it is their own. */
  public boolean forbids(Principal approver, Approval approval, ModelVersion version) {
    return about(approval.alias()).stream().anyMatch(StageRules::fourEyes)
        && StageRules.isOwn(approver, approval, version);
  }

  /** What speaks against a promotion. */
  public Judgement judge(Candidate candidate) {
    Judgement.Collector found = new Judgement.Collector();
    ModelVersion version = candidate.version();
    judgeState(version, found);
    switch (version.verdict()) {
      case PASSED -> {}
      case NO_GATES -> found.warn(version.id() + " was evaluated without gates");
      case NOT_EVALUATED -> found.warn(version.id() + " has no evaluation report");
      case NOT_PASSED -> {
        candidate.failedGates().forEach(found::gate);
        if (candidate.failedGates().isEmpty()) {
          found.gate(version.id() + " did not pass its gates");
        }
      }
    }
    List<StageRules> matching = about(candidate.alias());
    matching.forEach(rule -> rule.judge(candidate, found));
    boolean strict = matching.stream().anyMatch(StageRules::inheritedLicences);
    LicenceInheritance.problems(version.notes().licence(), candidate.ancestors())
        .forEach(strict ? found::refuse : found::warn);
    return found.judgement();
  }

  private static void judgeState(ModelVersion version, Judgement.Collector found) {
    if (version.state() == VersionState.ARCHIVED) {
      found.refuse(version.id() + " is archived; make it active again first");
    } else if (version.state() == VersionState.DEPRECATED) {
      found.warn(version.id() + " is deprecated");
    }
  }

  /** As JSON. */
  public String write() {
    return PolicyJson.write(this).toString();
  }

  /**
   * Reads what {@link #write} wrote.
   *
   * @param source where the text came from, for errors
   * @throws FormatException if it is something else; names the place
   */
  public static Policy read(String source, String text) {
    return PolicyJson.read(source, text);
  }
}
