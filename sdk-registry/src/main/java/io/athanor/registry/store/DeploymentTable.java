package io.athanor.registry.store;

import io.athanor.api.registry.DeploymentRecord;
import io.athanor.api.registry.Principal;
import io.athanor.api.registry.VersionId;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.List;
import java.util.Optional;

/** Where versions are live and were; outlives deleted versions. Thread-safe. */
public final class DeploymentTable {
  private static final String COLUMNS =
      "SELECT d.id, m.name, d.number, d.environment, d.target, d.since, d.ended, d.deployed_by"
          + " FROM deployment d JOIN model m ON m.id = d.model_id";
  private static final String ORDER = " ORDER BY d.since, d.id";

  /** Adds a version that is live from now on. */
  public DeploymentRecord add(
      Session session,
      VersionId version,
      String environment,
      String target,
      Instant since,
      Principal by)
      throws SQLException {
    long key =
        session.insert(
            "INSERT INTO deployment (model_id, number, environment, target, since, deployed_by)"
                + " VALUES ((SELECT id FROM model WHERE name = ?), ?, ?, ?, ?, ?)",
            version.name(),
            version.number(),
            environment,
            target,
            Micros.of(since),
            by.name());
    return new DeploymentRecord(key, version, environment, target, since, Optional.empty(), by);
  }

  /** Ends one; says whether it was live. */
  public boolean end(Session session, long key, Instant until) throws SQLException {
    return session.update(
            "UPDATE deployment SET ended = CASE WHEN since > ? THEN since ELSE ? END"
                + " WHERE id = ? AND ended IS NULL",
            Micros.of(until),
            Micros.of(until),
            key)
        > 0;
  }

  /** What is live everywhere, oldest first. */
  public List<DeploymentRecord> live(Session session) throws SQLException {
    return session.query(COLUMNS + " WHERE d.ended IS NULL" + ORDER, DeploymentTable::deployment);
  }

  /** What was live at some time, oldest first. */
  public List<DeploymentRecord> at(Session session, Instant time) throws SQLException {
    return session.query(
        COLUMNS + " WHERE d.since <= ? AND (d.ended IS NULL OR d.ended > ?)" + ORDER,
        DeploymentTable::deployment,
        Micros.of(time),
        Micros.of(time));
  }

  /** Where a version is live and was, oldest first. */
  public List<DeploymentRecord> ofVersion(Session session, VersionId version) throws SQLException {
    return session.query(
        COLUMNS + " WHERE m.name = ? AND d.number = ?" + ORDER,
        DeploymentTable::deployment,
        version.name(),
        version.number());
  }

  /** What is live in an environment and was, oldest first. */
  public List<DeploymentRecord> ofEnvironment(Session session, String environment)
      throws SQLException {
    return session.query(
        COLUMNS + " WHERE d.environment = ?" + ORDER, DeploymentTable::deployment, environment);
  }

  private static DeploymentRecord deployment(ResultSet row) throws SQLException {
    long ended = row.getLong("ended");
    Optional<Instant> until = row.wasNull() ? Optional.empty() : Optional.of(Micros.at(ended));
    return new DeploymentRecord(
        row.getLong("id"),
        new VersionId(row.getString("name"), row.getInt("number")),
        row.getString("environment"),
        row.getString("target"),
        Micros.at(row.getLong("since")),
        until,
        new Principal(row.getString("deployed_by")));
  }
}
