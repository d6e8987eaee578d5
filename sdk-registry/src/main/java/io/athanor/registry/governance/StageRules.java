package io.athanor.registry.governance;

import io.athanor.api.error.FormatException;
import io.athanor.api.registry.Manifest;
import io.athanor.api.registry.ModelVersion;
import io.athanor.api.registry.Principal;
import io.athanor.api.registry.Verdict;
import io.athanor.api.registry.VersionId;
import io.athanor.registry.governance.Approval.Answer;
import io.athanor.registry.governance.Approval.Decision;
import io.athanor.registry.governance.Approval.Status;
import io.athanor.registry.signature.PemKeys;
import io.athanor.registry.signature.SignatureBundle;
import java.security.PublicKey;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;

/**
 * What a version needs before an alias may point to it. Immutable and thread-safe; equal if all
 * rules are.
 */
public final class StageRules {
  private static final int MOST_APPROVALS = 20;

  private final String alias;
  private final int approvals;
  private final boolean fourEyes;
  private final boolean gates;
  private final Set<String> documents;
  private final boolean checklist;
  private final Map<String, PublicKey> signers;
  private final Set<String> allowedLicences;
  private final Set<String> deniedLicences;
  private final boolean licenceInherited;
  private final boolean versionsKept;

  private StageRules(Builder builder) {
    this.alias = builder.alias;
    this.approvals = builder.approvals;
    this.fourEyes = builder.fourEyes;
    this.gates = builder.gates;
    this.documents = Collections.unmodifiableSet(new TreeSet<>(builder.documents));
    this.checklist = builder.checklist;
    this.signers = Collections.unmodifiableMap(new TreeMap<>(builder.signers));
    this.allowedLicences = Collections.unmodifiableSet(new TreeSet<>(builder.allowedLicences));
    this.deniedLicences = Collections.unmodifiableSet(new TreeSet<>(builder.deniedLicences));
    this.licenceInherited = builder.licenceInherited;
    this.versionsKept = builder.versionsKept;
  }

  /**
   * Begins rules that ask for nothing.
   *
   * @param alias a name, the beginning of names followed by {@code *}, or {@code *}
   */
  public static Builder of(String alias) {
    return new Builder(NamePattern.require("alias", alias));
  }

  /** Collects rules. Not thread-safe. */
  public static final class Builder {
    private final String alias;
    private int approvals;
    private boolean fourEyes;
    private boolean gates;
    private final Set<String> documents = new TreeSet<>();
    private boolean checklist;
    private final Map<String, PublicKey> signers = new TreeMap<>();
    private final Set<String> allowedLicences = new TreeSet<>();
    private final Set<String> deniedLicences = new TreeSet<>();
    private boolean licenceInherited;
    private boolean versionsKept;

    private Builder(String alias) {
      this.alias = alias;
    }

    /** So many different people must have approved. */
    public Builder approvals(int people) {
      if (people < 1 || people > MOST_APPROVALS) {
        throw new IllegalArgumentException(
            "people must be 1 to " + MOST_APPROVALS + ", got " + people);
      }
      this.approvals = people;
      return this;
    }

    /**
     * Whoever registered the version or requested the approval cannot approve; one approval is
     * needed at least.
     */
    public Builder fourEyes() {
      this.fourEyes = true;
      this.approvals = Math.max(approvals, 1);
      return this;
    }

    /** Its evaluation must have passed gates; no reason passes over them. */
    public Builder passedGates() {
      this.gates = true;
      return this;
    }

    /** A document of each kind must be attached. */
    public Builder documents(String... kinds) {
      for (String kind : kinds) {
        documents.add(VersionId.requireName("kinds", kind));
      }
      return this;
    }

    /**
     * A signature over the digests of all its files must be attached, made with the private key of
     * one of these. Whether the files have these digests is asked when they are read.
     *
     * @param keys of ECDSA on P-256, P-384 or P-521, or of Ed25519; see {@link PemKeys#publicKey}
     * @throws io.athanor.api.error.UnsupportedException if one is of another kind
     */
    public Builder signedBy(PublicKey... keys) {
      for (PublicKey key : keys) {
        signers.put(PemKeys.text(key), key);
      }
      return this;
    }

    /** Every item of its checklist must have an answer. */
    public Builder completeChecklist() {
      this.checklist = true;
      return this;
    }

    /**
     * It must have a licence, and one of these, as SPDX spells them. Of alternatives one is enough.
     *
     * @throws IllegalArgumentException if one is no single licence
     */
    public Builder allowedLicences(String... ids) {
      for (String id : ids) {
        allowedLicences.add(single(id));
      }
      return this;
    }

    /**
     * It must have a licence, and none of these. Of alternatives one that is not denied is enough.
     *
     * @throws IllegalArgumentException if one is no single licence
     */
    public Builder deniedLicences(String... ids) {
      for (String id : ids) {
        deniedLicences.add(single(id));
      }
      return this;
    }

    private static String single(String id) {
      LicenceExpression expression = LicenceExpression.of(id);
      if (expression.ids().size() != 1) {
        throw new IllegalArgumentException("ids must be single licences, got '" + expression + "'");
      }
      return expression.toString();
    }

    /**
     * Its licence must keep what the licences of the versions ask for that it was made from;
     * without this rule that is a warning.
     */
    public Builder inheritedLicences() {
      this.licenceInherited = true;
      return this;
    }

    /** Versions the alias points to, or ever pointed to, cannot be deleted. */
    public Builder keptVersions() {
      this.versionsKept = true;
      return this;
    }

    public StageRules build() {
      return new StageRules(this);
    }
  }

  /** The aliases it is about. */
  public String alias() {
    return alias;
  }

  /** How many people must have approved; 0 if none. */
  public int approvals() {
    return approvals;
  }

  /** Whether whoever registered or requested cannot approve. */
  public boolean fourEyes() {
    return fourEyes;
  }

  /** Whether gates must have passed. */
  public boolean passedGates() {
    return gates;
  }

  /** The kinds of documents that must be attached. */
  public Set<String> documents() {
    return documents;
  }

  /** Whether its checklist must be complete. */
  public boolean completeChecklist() {
    return checklist;
  }

  /** The keys of which one must have signed; empty if none must. */
  public Collection<PublicKey> signers() {
    return signers.values();
  }

  /** The only licences it may have; empty for any. */
  public Set<String> allowedLicences() {
    return allowedLicences;
  }

  /** The licences it may not have. */
  public Set<String> deniedLicences() {
    return deniedLicences;
  }

  /** Whether its licence must keep what its ancestors' ask for. */
  public boolean inheritedLicences() {
    return licenceInherited;
  }

  /** Whether versions that were there cannot be deleted. */
  public boolean keptVersions() {
    return versionsKept;
  }

  void judge(Candidate candidate, Judgement.Collector found) {
    judgeGates(candidate, found);
    judgeApprovals(candidate, found);
    judgeDocuments(candidate, found);
    judgeSignature(candidate, found);
    judgeLicence(candidate.version(), found);
  }

  private void judgeGates(Candidate candidate, Judgement.Collector found) {
    if (gates && candidate.version().verdict() != Verdict.PASSED) {
      found.refuse("its evaluation must have passed gates, which cannot be overridden here");
    }
  }

  private void judgeApprovals(Candidate candidate, Judgement.Collector found) {
    if (approvals == 0) {
      return;
    }
    String needed = "it needs " + approvals + (approvals == 1 ? " approval" : " approvals");
    Optional<Approval> newest =
        candidate.approvals().stream().filter(a -> a.isAbout(candidate.version())).findFirst();
    if (newest.isEmpty()) {
      found.refuse(
          needed
              + (candidate.approvals().isEmpty()
                  ? ", and none was requested"
                  : ", and those requested were about another evaluation report"));
    } else if (newest.get().status() == Status.REJECTED) {
      found.refuse(needed + "; " + rejection(newest.get()));
    } else if (newest.get().status() == Status.WITHDRAWN) {
      found.refuse(needed + ", and the request was withdrawn");
    } else {
      List<Principal> counted =
          newest.get().approvers().stream()
              .filter(who -> !fourEyes || !isOwn(who, newest.get(), candidate.version()))
              .toList();
      if (counted.size() < approvals) {
        found.refuse(
            needed
                + (fourEyes ? " of others than who registered or requested it" : "")
                + (counted.isEmpty()
                    ? " and has none yet"
                    : " and has that of " + join(counted) + " only"));
      }
    }
  }

  private static String rejection(Approval approval) {
    return approval.decisions().stream()
        .filter(decision -> decision.answer() == Answer.REJECTED)
        .map(StageRules::describe)
        .collect(Collectors.joining(", "));
  }

  private static String describe(Decision rejection) {
    return rejection.by().by().map(Principal::name).orElse("somebody")
        + " rejected it: "
        + rejection.reason();
  }

  private static String join(List<Principal> principals) {
    return principals.stream().map(Principal::name).collect(Collectors.joining(", "));
  }

  /** Whether somebody would approve what they registered or requested themselves. */
  static boolean isOwn(Principal approver, Approval approval, ModelVersion version) {
    return approval.requested().by().filter(approver::equals).isPresent()
        || version.created().by().filter(approver::equals).isPresent();
  }

  private void judgeDocuments(Candidate candidate, Judgement.Collector found) {
    for (String kind : documents) {
      if (!candidate.has(kind)) {
        found.refuse("it needs a document of kind '" + kind + "', and has none");
      }
    }
    if (checklist) {
      if (candidate.checklist().isEmpty()) {
        found.refuse("it needs a complete checklist, and has none");
      } else if (!candidate.checklist().get().open().isEmpty()) {
        found.refuse(
            "its checklist lacks answers to "
                + String.join(", ", candidate.checklist().get().open()));
      }
    }
  }

  private void judgeSignature(Candidate candidate, Judgement.Collector found) {
    if (signers.isEmpty()) {
      return;
    }
    List<String> reasons = new ArrayList<>();
    for (Candidate.Signature signature : candidate.signatures()) {
      List<String> problems = problems(signature, candidate.version().manifest());
      if (problems.isEmpty()) {
        return;
      }
      reasons.addAll(problems);
    }
    found.refuse(
        "it needs a signature of "
            + (signers.size() == 1 ? "the key " : "one of the keys ")
            + signers.values().stream().map(PemKeys::brief).collect(Collectors.joining(", "))
            + (reasons.isEmpty() ? ", and has none" : "; " + String.join("; ", reasons)));
  }

  /** Why it is no signature of any signer over all files. */
  private List<String> problems(Candidate.Signature signature, Manifest manifest) {
    SignatureBundle bundle;
    try {
      bundle = SignatureBundle.read(signature.source(), signature.bundle());
    } catch (FormatException e) {
      return List.of(String.valueOf(e.getMessage()));
    }
    List<String> problems = new ArrayList<>();
    for (PublicKey key : signers.values()) {
      List<String> found = bundle.problems(key, manifest);
      if (found.isEmpty()) {
        return bundle.unsigned(manifest).stream()
            .map(path -> signature.source() + " leaves out '" + path + "'")
            .toList();
      }
      problems.addAll(found);
    }
    return problems;
  }

  private void judgeLicence(ModelVersion version, Judgement.Collector found) {
    if (allowedLicences.isEmpty() && deniedLicences.isEmpty()) {
      return;
    }
    Optional<String> licence = version.notes().licence();
    if (licence.isEmpty()) {
      found.refuse("it needs a licence, and has none");
      return;
    }
    Optional<LicenceExpression> terms = LicenceExpression.find(licence.get());
    if (terms.isEmpty()) {
      found.refuse("its licence '" + licence.get() + "' is no SPDX expression");
    } else if (!terms.get().acceptable(this::accepts)) {
      found.refuse(
          "its licence "
              + terms.get()
              + " is "
              + (terms.get().acceptable((id, whole) -> !denies(id, whole))
                  ? "none of " + String.join(", ", allowedLicences)
                  : "denied"));
    }
  }

  private boolean accepts(String id, String whole) {
    boolean allowed =
        allowedLicences.isEmpty()
            || allowedLicences.contains(id)
            || allowedLicences.contains(whole);
    return allowed && !denies(id, whole);
  }

  private boolean denies(String id, String whole) {
    return deniedLicences.contains(id) || deniedLicences.contains(whole);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof StageRules that && toString().equals(that.toString());
  }

  @Override
  public int hashCode() {
    return toString().hashCode();
  }

  /** The rules as JSON. */
  @Override
  public String toString() {
    return PolicyJson.write(this).toString();
  }
}
