package io.athanor.registry.store;

import io.athanor.api.registry.Usage;
import io.athanor.api.registry.VersionId;
import java.sql.SQLException;
import java.time.Duration;
import java.util.Optional;

/** How much versions are used. Thread-safe. */
public final class UsageTable {
  private final VersionTable versions;

  public UsageTable(VersionTable versions) {
    this.versions = versions;
  }

  /** Adds some requests, at least one, to those of a version that is there; gives them back. */
  public Usage add(Session session, VersionId id, Usage use) throws SQLException {
    long key = versions.key(session, id).orElseThrow();
    long last = Micros.of(use.last().orElseThrow());
    int changed =
        session.update(
            "UPDATE version_usage SET requests = requests + ?, errors = errors + ?,"
                + " latency_nanos = latency_nanos + ?,"
                + " last_used = CASE WHEN last_used > ? THEN last_used ELSE ? END"
                + " WHERE version_id = ?",
            use.requests(),
            use.errors(),
            use.latency().toNanos(),
            last,
            last,
            key);
    if (changed == 0) {
      session.update(
          "INSERT INTO version_usage (version_id, requests, errors, latency_nanos, last_used)"
              + " VALUES (?, ?, ?, ?, ?)",
          key,
          use.requests(),
          use.errors(),
          use.latency().toNanos(),
          last);
    }
    return use;
  }

  /** The use of a version, if there was any. */
  public Optional<Usage> of(Session session, VersionId id) throws SQLException {
    return session.first(
        "SELECT requests, errors, latency_nanos, last_used FROM version_usage WHERE version_id = ?",
        row ->
            Usage.of(
                row.getLong(1),
                row.getLong(2),
                Duration.ofNanos(row.getLong(3)),
                Micros.at(row.getLong(4))),
        versions.key(session, id).orElse(null));
  }
}
