package io.athanor.registry.governance;

import io.athanor.api.registry.ModelVersion;
import java.util.List;
import java.util.Optional;

/**
 * A version that an alias shall point to, with everything that a policy may ask of it.
 *
 * @param version the version as it is now
 * @param alias for example {@code "production"}
 * @param failedGates what its evaluation's gates said that did not pass
 * @param approvals every request about version and alias, newest first
 * @param documents what is attached to it
 * @param checklist its checklist, if it has one
 * @param signatures over its files, oldest first
 * @param ancestors what it was made from, nearest first
 */
public record Candidate(
    ModelVersion version,
    String alias,
    List<String> failedGates,
    List<Approval> approvals,
    List<Document> documents,
    Optional<Checklist> checklist,
    List<Signature> signatures,
    List<Ancestor> ancestors) {
  public Candidate {
    failedGates = List.copyOf(failedGates);
    approvals = List.copyOf(approvals);
    documents = List.copyOf(documents);
    signatures = List.copyOf(signatures);
    ancestors = List.copyOf(ancestors);
  }

  /**
   * A version that another was made from, directly or not.
   *
   * @param name for people
   * @param licence under which it may be used, if somebody said
   */
  public record Ancestor(String name, Optional<String> licence) {}

  /**
   * A signature that is attached; whether it is one, nobody has looked yet.
   *
   * @param source for errors
   * @param bundle its text
   */
  public record Signature(String source, String bundle) {}

  boolean has(String kind) {
    return documents.stream().anyMatch(document -> document.kind().equals(kind));
  }
}
