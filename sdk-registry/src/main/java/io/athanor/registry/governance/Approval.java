package io.athanor.registry.governance;

import io.athanor.api.common.Digest;
import io.athanor.api.registry.ModelVersion;
import io.athanor.api.registry.Principal;
import io.athanor.api.registry.VersionId;
import java.util.List;
import java.util.Optional;

/**
 * A request to let an alias point to a version, and what was decided. It is about the very files
 * and the very evaluation report that the version had then: for others it does not hold.
 *
 * @param number counted over all requests of the registry
 * @param version which version
 * @param alias for example {@code "production"}
 * @param artifact digest of the version's files
 * @param report digest of its evaluation report; absent if it had none
 * @param requested when, and by whom
 * @param reason why it was requested
 * @param status what became of it
 * @param decisions what each approver said last, oldest first
 */
public record Approval(
    long number,
    VersionId version,
    String alias,
    Digest artifact,
    Optional<Digest> report,
    ModelVersion.Stamp requested,
    String reason,
    Status status,
    List<Decision> decisions) {
  public Approval {
    decisions = List.copyOf(decisions);
  }

  /** What became of a request. */
  public enum Status {
    /** Nobody has decided yet. */
    PENDING,
    /** Somebody approved and nobody rejected; whether it were enough, the policy says. */
    APPROVED,
    REJECTED,
    /** Taken back by whoever requested it. */
    WITHDRAWN;

    /** Whether it can still be approved or rejected. */
    public boolean open() {
      return this == PENDING || this == APPROVED;
    }
  }

  /** What an approver said. */
  public enum Answer {
    APPROVED,
    REJECTED
  }

  /**
   * What one approver said.
   *
   * @param by when, and who
   * @param answer what
   * @param reason why
   */
  public record Decision(ModelVersion.Stamp by, Answer answer, String reason) {
    boolean isBy(Principal somebody) {
      return by.by().filter(somebody::equals).isPresent();
    }
  }

  /** Whether it is about the files and the report that a version has now. */
  public boolean isAbout(ModelVersion present) {
    return version.equals(present.id())
        && artifact.equals(present.digest())
        && report.equals(present.report());
  }

  /** What somebody said of it. */
  public Optional<Decision> of(Principal approver) {
    return decisions.stream().filter(decision -> decision.isBy(approver)).findFirst();
  }

  /** Who approved it. */
  public List<Principal> approvers() {
    return decisions.stream()
        .filter(decision -> decision.answer() == Answer.APPROVED)
        .flatMap(decision -> decision.by().by().stream())
        .toList();
  }

  @Override
  public String toString() {
    return "approval " + number + " of " + version + " at " + alias + " (" + status + ")";
  }
}
