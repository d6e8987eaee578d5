package io.athanor.registry.store;

import io.athanor.api.common.Digest;
import java.sql.SQLException;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** Numbers about all of a registry. */
public final class StatisticsQuery {
  private StatisticsQuery() {}

  /** How many models have a version. */
  public static long models(Session session) throws SQLException {
    return number(session, "SELECT COUNT(DISTINCT model_id) FROM version");
  }

  public static long versions(Session session) throws SQLException {
    return number(session, "SELECT COUNT(*) FROM version");
  }

  /** How many versions have each type. */
  public static Map<String, Long> byType(Session session) throws SQLException {
    return groups(session, "SELECT type, COUNT(*) FROM version GROUP BY type");
  }

  /** How many versions have each state. */
  public static Map<String, Long> byState(Session session) throws SQLException {
    return groups(session, "SELECT state, COUNT(*) FROM version GROUP BY state");
  }

  /** The size of all versions, as if they shared nothing. */
  public static long bytes(Session session) throws SQLException {
    return number(session, "SELECT COALESCE(SUM(bytes), 0) FROM version");
  }

  /** The size of all contents, each once. */
  public static long distinctBytes(Session session) throws SQLException {
    return number(
        session,
        "SELECT COALESCE(SUM(bytes), 0) FROM"
            + " (SELECT digest, MAX(bytes) AS bytes FROM version_file GROUP BY digest) contents");
  }

  /** One of the contents, whichever; empty if there is none. */
  public static Optional<Digest> anyContent(Session session) throws SQLException {
    return session.first(
        "SELECT digest FROM version_file LIMIT 1", row -> new Digest(row.getString(1)));
  }

  public static long aliases(Session session) throws SQLException {
    return number(session, "SELECT COUNT(*) FROM alias");
  }

  /** How many deployments are live. */
  public static long live(Session session) throws SQLException {
    return number(session, "SELECT COUNT(*) FROM deployment WHERE ended IS NULL");
  }

  public static long requests(Session session) throws SQLException {
    return number(session, "SELECT COALESCE(SUM(requests), 0) FROM version_usage");
  }

  public static long errors(Session session) throws SQLException {
    return number(session, "SELECT COALESCE(SUM(errors), 0) FROM version_usage");
  }

  private static long number(Session session, String sql) throws SQLException {
    return session.first(sql, row -> row.getLong(1)).orElse(0L);
  }

  private static Map<String, Long> groups(Session session, String sql) throws SQLException {
    Map<String, Long> groups = new TreeMap<>();
    session.query(sql, row -> groups.put(row.getString(1), row.getLong(2)) == null);
    return groups;
  }
}
