package io.athanor.registry.store;

import io.athanor.api.common.Digest;
import io.athanor.api.registry.ModelVersion.Stamp;
import io.athanor.api.registry.Principal;
import io.athanor.api.registry.VersionId;
import io.athanor.registry.governance.Approval;
import io.athanor.registry.governance.Approval.Answer;
import io.athanor.registry.governance.Approval.Decision;
import io.athanor.registry.governance.Approval.Status;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** Requests for approval and what was decided; they outlive the versions. Thread-safe. */
public final class ApprovalTable {
  private static final String COLUMNS =
      "SELECT a.id, m.name, a.number, a.alias, a.artifact, a.report, a.requested, a.requested_by,"
          + " a.reason, a.status FROM approval a JOIN model m ON m.id = a.model_id";

  /** Adds a request about a model that is there; gives it its number. */
  public Approval add(Session session, Approval request) throws SQLException {
    long number =
        session.insert(
            "INSERT INTO approval (model_id, number, alias, artifact, report, requested,"
                + " requested_by, reason, status)"
                + " VALUES ((SELECT id FROM model WHERE name = ?), ?, ?, ?, ?, ?, ?, ?, ?)",
            request.version().name(),
            request.version().number(),
            request.alias(),
            request.artifact().hex(),
            request.report().map(Digest::hex).orElse(null),
            Micros.of(request.requested().at()),
            who(request.requested()),
            request.reason(),
            request.status().name());
    return find(session, number).orElseThrow();
  }

  public Optional<Approval> find(Session session, long number) throws SQLException {
    return load(session, session.query(COLUMNS + " WHERE a.id = ?", ApprovalTable::row, number))
        .stream()
        .findFirst();
  }

  /** Every request about a version and an alias, newest first. */
  public List<Approval> of(Session session, VersionId version, String alias) throws SQLException {
    return load(
        session,
        session.query(
            COLUMNS + " WHERE m.name = ? AND a.number = ? AND a.alias = ? ORDER BY a.id DESC",
            ApprovalTable::row,
            version.name(),
            version.number(),
            alias));
  }

  /** Every request about a version, oldest first. */
  public List<Approval> of(Session session, VersionId version) throws SQLException {
    return load(
        session,
        session.query(
            COLUMNS + " WHERE m.name = ? AND a.number = ? ORDER BY a.id",
            ApprovalTable::row,
            version.name(),
            version.number()));
  }

  /**
   * Some requests, oldest first.
   *
   * @param status those of this status; empty for all
   * @param after the number before the first
   */
  public List<Approval> list(Session session, Optional<Status> status, long after, int limit)
      throws SQLException {
    List<Approval> rows =
        status.isPresent()
            ? session.query(
                COLUMNS + " WHERE a.status = ? AND a.id > ? ORDER BY a.id LIMIT ?",
                ApprovalTable::row,
                status.get().name(),
                after,
                limit)
            : session.query(
                COLUMNS + " WHERE a.id > ? ORDER BY a.id LIMIT ?",
                ApprovalTable::row,
                after,
                limit);
    return load(session, rows);
  }

  /** Keeps what an approver says now, in place of what they said before. */
  public void decide(Session session, long number, Decision decision) throws SQLException {
    session.update(
        "DELETE FROM approval_decision WHERE approval_id = ? AND principal = ?",
        number,
        who(decision.by()));
    session.update(
        "INSERT INTO approval_decision (approval_id, principal, decision, decided, reason)"
            + " VALUES (?, ?, ?, ?, ?)",
        number,
        who(decision.by()),
        decision.answer().name(),
        Micros.of(decision.by().at()),
        decision.reason());
    status(session, number, Status.valueOf(decision.answer().name()));
  }

  /** Changes what became of a request. */
  public void status(Session session, long number, Status status) throws SQLException {
    session.update("UPDATE approval SET status = ? WHERE id = ?", status.name(), number);
  }

  private static List<Approval> load(Session session, List<Approval> rows) throws SQLException {
    List<Approval> loaded = new ArrayList<>(rows.size());
    for (Approval row : rows) {
      loaded.add(
          new Approval(
              row.number(),
              row.version(),
              row.alias(),
              row.artifact(),
              row.report(),
              row.requested(),
              row.reason(),
              row.status(),
              decisions(session, row.number())));
    }
    return loaded;
  }

  private static List<Decision> decisions(Session session, long number) throws SQLException {
    return session.query(
        "SELECT decided, principal, decision, reason FROM approval_decision"
            + " WHERE approval_id = ? ORDER BY decided, principal",
        row ->
            new Decision(
                stamp(row.getLong(1), row.getString(2)),
                Answer.valueOf(row.getString(3)),
                row.getString(4)),
        number);
  }

  private static Approval row(ResultSet row) throws SQLException {
    return new Approval(
        row.getLong("id"),
        new VersionId(row.getString("name"), row.getInt("number")),
        row.getString("alias"),
        new Digest(row.getString("artifact")),
        Optional.ofNullable(row.getString("report")).map(Digest::new),
        stamp(row.getLong("requested"), row.getString("requested_by")),
        row.getString("reason"),
        Status.valueOf(row.getString("status")),
        List.of());
  }

  private static Stamp stamp(long micros, String principal) {
    return Stamp.of(Micros.at(micros), new Principal(principal));
  }

  private static String who(Stamp stamp) {
    return stamp.by().map(Principal::name).orElseThrow();
  }
}
