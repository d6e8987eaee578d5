package io.athanor.registry.store;

import io.athanor.api.error.ConflictException;
import io.athanor.api.registry.AliasMove;
import io.athanor.api.registry.VersionId;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** Aliases with their whole history. Thread-safe. */
public final class AliasTable {
  private static final String MOVES =
      "SELECT h.alias, h.from_number, h.to_number, h.moved, h.reason FROM alias_move h"
          + " JOIN model m ON m.id = h.model_id WHERE m.name = ? AND h.alias = ?";

  private final VersionTable versions;

  public AliasTable(VersionTable versions) {
    this.versions = versions;
  }

  /** The version an alias points to. */
  public Optional<VersionId> current(Session session, String name, String alias)
      throws SQLException {
    return session.first(
        "SELECT v.number FROM alias a JOIN model m ON m.id = a.model_id"
            + " JOIN version v ON v.id = a.version_id WHERE m.name = ? AND a.name = ?",
        row -> new VersionId(name, row.getInt(1)),
        name,
        alias);
  }

  /** Every alias of a model. */
  public Map<String, VersionId> ofModel(Session session, String name) throws SQLException {
    Map<String, VersionId> all = new TreeMap<>();
    session.query(
        "SELECT a.name, v.number FROM alias a JOIN model m ON m.id = a.model_id"
            + " JOIN version v ON v.id = a.version_id WHERE m.name = ?",
        row -> all.put(row.getString(1), new VersionId(name, row.getInt(2))) == null,
        name);
    return all;
  }

  /** The aliases that point to a version. */
  public List<String> ofVersion(Session session, VersionId id) throws SQLException {
    return session.query(
        "SELECT a.name FROM alias a JOIN model m ON m.id = a.model_id"
            + " JOIN version v ON v.id = a.version_id"
            + " WHERE m.name = ? AND v.number = ? ORDER BY a.name",
        row -> row.getString(1),
        id.name(),
        id.number());
  }

  /** The aliases that point to a version or ever did. */
  public List<String> everOfVersion(Session session, VersionId id) throws SQLException {
    return session.query(
        "SELECT DISTINCT h.alias FROM alias_move h JOIN model m ON m.id = h.model_id"
            + " WHERE m.name = ? AND h.to_number = ? ORDER BY h.alias",
        row -> row.getString(1),
        id.name(),
        id.number());
  }

  /**
   * Moves an alias if it still points to where the caller thinks it does.
   *
   * @param expected where it should point now; empty if it should not exist
   * @param to where it shall point; empty to remove it
   * @throws ConflictException if it points elsewhere, or the version has been deleted
   */
  public AliasMove move(
      Session session,
      String name,
      String alias,
      Optional<VersionId> expected,
      Optional<VersionId> to,
      Instant now,
      String reason)
      throws SQLException {
    Optional<VersionId> current = current(session, name, alias);
    if (!current.equals(expected)) {
      throw new ConflictException(
          "Alias '"
              + alias
              + "' of "
              + name
              + " has been moved meanwhile: expected "
              + describe(expected)
              + ", found "
              + describe(current)
              + ". Plan again",
          true);
    }
    Optional<Long> key = Optional.empty();
    if (to.isPresent()) {
      key = versions.key(session, to.get());
      if (key.isEmpty()) {
        throw new ConflictException(to.get() + " has been deleted meanwhile", false);
      }
    }
    session.update(
        "DELETE FROM alias WHERE name = ? AND model_id = (SELECT id FROM model WHERE name = ?)",
        alias,
        name);
    if (key.isPresent()) {
      session.update(
          "INSERT INTO alias (model_id, name, version_id)"
              + " VALUES ((SELECT id FROM model WHERE name = ?), ?, ?)",
          name,
          alias,
          key.get());
    }
    Instant at = notBefore(last(session, name, alias), now);
    session.update(
        "INSERT INTO alias_move (model_id, alias, from_number, to_number, moved, reason)"
            + " VALUES ((SELECT id FROM model WHERE name = ?), ?, ?, ?, ?, ?)",
        name,
        alias,
        current.map(VersionId::number).orElse(null),
        to.map(VersionId::number).orElse(null),
        Micros.of(at),
        reason);
    return new AliasMove(alias, current, to, at, reason);
  }

  /** Every move of an alias, oldest first. */
  public List<AliasMove> history(Session session, String name, String alias) throws SQLException {
    return session.query(MOVES + " ORDER BY h.id", row -> move(name, row), name, alias);
  }

  /** Where an alias pointed at some time. */
  public Optional<VersionId> at(Session session, String name, String alias, Instant time)
      throws SQLException {
    return session
        .first(
            MOVES + " AND h.moved <= ? ORDER BY h.moved DESC, h.id DESC LIMIT 1",
            row -> move(name, row),
            name,
            alias,
            Micros.of(time))
        .flatMap(AliasMove::to);
  }

  /** Where every alias of each model pointed at some time. */
  public Map<String, Map<String, VersionId>> at(Session session, Instant time) throws SQLException {
    Map<String, Map<String, VersionId>> all = new TreeMap<>();
    session.query(
        "SELECT m.name, h.alias, h.to_number FROM alias_move h JOIN model m ON m.id = h.model_id"
            + " WHERE h.to_number IS NOT NULL AND h.id IN"
            + " (SELECT MAX(id) FROM alias_move WHERE moved <= ? GROUP BY model_id, alias)",
        row ->
            all.computeIfAbsent(row.getString(1), model -> new TreeMap<>())
                    .put(row.getString(2), new VersionId(row.getString(1), row.getInt(3)))
                == null,
        Micros.of(time));
    return all;
  }

  /** Aliases that point elsewhere than their history says. */
  public List<String> problems(Session session) throws SQLException {
    return session.query(
        "SELECT m.name, h.alias, h.to_number, v.number FROM alias_move h"
            + " JOIN model m ON m.id = h.model_id"
            + " LEFT JOIN alias a ON a.model_id = h.model_id AND a.name = h.alias"
            + " LEFT JOIN version v ON v.id = a.version_id"
            + " WHERE h.id IN (SELECT MAX(id) FROM alias_move GROUP BY model_id, alias)"
            + " AND COALESCE(h.to_number, 0) <> COALESCE(v.number, 0)",
        row ->
            "alias '"
                + row.getString(2)
                + "' of "
                + row.getString(1)
                + " points to "
                + row.getInt(4)
                + " and was last moved to "
                + row.getInt(3));
  }

  private static Optional<Instant> last(Session session, String name, String alias)
      throws SQLException {
    return session
        .first(MOVES + " ORDER BY h.id DESC LIMIT 1", row -> move(name, row), name, alias)
        .map(AliasMove::at);
  }

  /** Clocks of several machines disagree; the history stays in order. */
  private static Instant notBefore(Optional<Instant> last, Instant now) {
    return last.filter(now::isBefore).orElse(now);
  }

  private static AliasMove move(String name, ResultSet row) throws SQLException {
    return new AliasMove(
        row.getString("alias"),
        version(name, row, "from_number"),
        version(name, row, "to_number"),
        Micros.at(row.getLong("moved")),
        row.getString("reason"));
  }

  private static Optional<VersionId> version(String name, ResultSet row, String column)
      throws SQLException {
    int number = row.getInt(column);
    return row.wasNull() ? Optional.empty() : Optional.of(new VersionId(name, number));
  }

  private static String describe(Optional<VersionId> version) {
    return version.map(VersionId::toString).orElse("no version");
  }
}
