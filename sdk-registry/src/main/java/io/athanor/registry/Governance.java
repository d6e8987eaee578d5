package io.athanor.registry;

import io.athanor.api.common.Digest;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.NotFoundException;
import io.athanor.api.error.StorageException;
import io.athanor.api.eval.EvaluationReport;
import io.athanor.api.eval.GateDecision;
import io.athanor.api.eval.ReportJson;
import io.athanor.api.registry.ModelVersion;
import io.athanor.api.registry.Permission;
import io.athanor.api.registry.Verdict;
import io.athanor.api.registry.VersionId;
import io.athanor.registry.governance.Candidate;
import io.athanor.registry.governance.Candidate.Ancestor;
import io.athanor.registry.governance.Checklist;
import io.athanor.registry.governance.Document;
import io.athanor.registry.governance.Judgement;
import io.athanor.registry.governance.Policy;
import io.athanor.registry.store.ApprovalTable;
import io.athanor.registry.store.AuditTable.Change;
import io.athanor.registry.store.DocumentTable;
import io.athanor.registry.store.Session;
import io.athanor.registry.store.SettingTable;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;
import java.util.function.Predicate;

/** The policy a registry keeps, what it says of versions, and what it judges by. */
final class Governance {
  private static final String POLICY = "policy";

  private final ModelRegistry registry;
  private final SettingTable settings = new SettingTable();
  private final ApprovalTable approvals = new ApprovalTable();
  private final DocumentTable documents;

  Governance(ModelRegistry registry) {
    this.registry = registry;
    this.documents = new DocumentTable(registry.versionTable());
  }

  ApprovalTable approvals() {
    return approvals;
  }

  DocumentTable documents() {
    return documents;
  }

  Policy policy(Session session) throws SQLException {
    return settings
        .value(session, POLICY)
        .map(text -> Policy.read("the registry's policy", text))
        .orElse(Policy.none());
  }

  void change(Policy policy, String reason) {
    registry
        .changes()
        .apply(
            Permission.ADMINISTER,
            Access.ANY,
            (session, audit) -> {
              Optional<String> before = settings.value(session, POLICY);
              String after = policy.write();
              if (!before.equals(Optional.of(after))) {
                settings.set(session, POLICY, after);
                audit.record(new Change(POLICY, POLICY, before, Optional.of(after), reason));
              }
              return after;
            });
  }

  /** What speaks against pointing an alias to a version, as everything is in this transaction. */
  Judgement judge(Session session, VersionId id, String alias) throws SQLException {
    ModelVersion version = version(session, id);
    Policy policy = policy(session);
    List<Document> attached = documents.ofVersion(session, id);
    return policy.judge(
        new Candidate(
            version,
            alias,
            failedGates(version),
            approvals.of(session, id, alias),
            attached,
            policy.asksForChecklist(alias) ? checklist(attached) : Optional.empty(),
            policy.asksForSignature(alias) ? signatures(attached) : List.of(),
            ancestors(session, version)));
  }

  /** A version that must be there. */
  ModelVersion version(Session session, VersionId id) throws SQLException {
    return registry
        .versionTable()
        .find(session, id)
        .orElseThrow(
            () ->
                new NotFoundException(
                    "version " + id, List.of(), "Versions that were deleted do not come back"));
  }

  private List<String> failedGates(ModelVersion version) {
    if (version.verdict() != Verdict.NOT_PASSED) {
      return List.of();
    }
    return version.report().map(this::report).stream()
        .flatMap(report -> report.decisions().stream())
        .filter(decision -> decision.kind() != GateDecision.Kind.PASSED)
        .map(decision -> decision.gate() + ": " + decision.sentence())
        .toList();
  }

  /** The newest checklist among some documents. */
  Optional<Checklist> checklist(List<Document> attached) {
    return attached.stream()
        .filter(document -> document.kind().equals(Document.CHECKLIST))
        .reduce((older, newer) -> newer)
        .map(
            document ->
                Checklist.read(
                    document.toString(),
                    new String(content(document.digest()), StandardCharsets.UTF_8)));
  }

  private List<Candidate.Signature> signatures(List<Document> attached) {
    return attached.stream()
        .filter(document -> document.kind().equals(Document.SIGNATURE))
        .map(
            document ->
                new Candidate.Signature(
                    document.toString(),
                    new String(content(document.digest()), StandardCharsets.UTF_8)))
        .toList();
  }

  private List<Ancestor> ancestors(Session session, ModelVersion version) throws SQLException {
    Predicate<String> readable = registry.access().readable(session);
    return Lineage.ancestors(registry, session, version).stream()
        .map(
            ancestor ->
                new Ancestor(
                    readable.test(ancestor.name())
                        ? ancestor.id().toString()
                        : "a version of a model you may not read",
                    ancestor.notes().licence()))
        .toList();
  }

  EvaluationReport report(Digest digest) {
    return ReportJson.read(
        registry.files().blob(digest).toString(),
        new String(content(digest), StandardCharsets.UTF_8));
  }

  /** A content that is not one of a version's files, checked. */
  byte[] content(Digest digest) {
    Path file = registry.files().content(digest);
    try {
      byte[] content = Files.readAllBytes(file);
      if (!Digest.of(content).equals(digest)) {
        throw new FormatException(
            file.toString(),
            "damaged or changed: expected digest " + digest + ", got " + Digest.of(content));
      }
      return content;
    } catch (IOException e) {
      throw new StorageException(file.toString(), "cannot be read (" + e + ")", e);
    }
  }
}
