package io.athanor.registry.store;

import io.athanor.api.deploy.RolloutPhase;
import io.athanor.api.deploy.RolloutState;
import io.athanor.api.registry.Principal;
import io.athanor.api.registry.VersionId;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The last rollout of each model to each alias. Thread-safe. */
public final class RolloutTable {
  private static final String COLUMNS =
      "SELECT m.name, r.alias, r.champion, r.candidate, r.strategy, r.phase, r.step, r.begun,"
          + " r.changed, r.changed_by, r.reason, r.revision"
          + " FROM rollout r JOIN model m ON m.id = r.model_id";

  /** Whether there is a model to roll out. */
  public boolean knows(Session session, String model) throws SQLException {
    return session.exists("SELECT 1 FROM model WHERE name = ?", model);
  }

  /** The rollout of a model to an alias. */
  public Optional<RolloutState> find(Session session, String model, String alias)
      throws SQLException {
    return session.first(
        COLUMNS + " WHERE m.name = ? AND r.alias = ?", RolloutTable::row, model, alias);
  }

  /** Every one, by model and alias. */
  public List<RolloutState> all(Session session) throws SQLException {
    return session.query(COLUMNS + " ORDER BY m.name, r.alias", RolloutTable::row);
  }

  /** Those of which a version is, or was, the champion or the candidate; by model and alias. */
  public List<RolloutState> ofVersion(Session session, VersionId version) throws SQLException {
    return session.query(
        COLUMNS + " WHERE r.champion = ? OR r.candidate = ? ORDER BY m.name, r.alias",
        RolloutTable::row,
        version.toString(),
        version.toString());
  }

  /** Puts a state in place of the one before it, if there was one. The model must be there. */
  public void put(Session session, RolloutState state) throws SQLException {
    @Nullable Object[] values = {
      state.champion(),
      state.candidate(),
      state.strategy(),
      state.phase().name(),
      state.step(),
      Micros.of(state.begun()),
      Micros.of(state.changed()),
      state.by().name(),
      state.reason(),
      state.revision(),
      state.model(),
      state.alias()
    };
    int updated =
        session.update(
            "UPDATE rollout SET champion = ?, candidate = ?, strategy = ?, phase = ?, step = ?,"
                + " begun = ?, changed = ?, changed_by = ?, reason = ?, revision = ?"
                + " WHERE model_id = (SELECT id FROM model WHERE name = ?) AND alias = ?",
            values);
    if (updated == 0) {
      session.update(
          "INSERT INTO rollout (champion, candidate, strategy, phase, step, begun, changed,"
              + " changed_by, reason, revision, model_id, alias)"
              + " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, (SELECT id FROM model WHERE name = ?), ?)",
          values);
    }
  }

  private static RolloutState row(ResultSet row) throws SQLException {
    return new RolloutState(
        text(row, "name"),
        text(row, "alias"),
        text(row, "champion"),
        text(row, "candidate"),
        text(row, "strategy"),
        RolloutPhase.valueOf(text(row, "phase")),
        row.getInt("step"),
        Micros.at(row.getLong("begun")),
        Micros.at(row.getLong("changed")),
        new Principal(text(row, "changed_by")),
        text(row, "reason"),
        row.getLong("revision"));
  }

  private static String text(ResultSet row, String column) throws SQLException {
    return Objects.requireNonNull(row.getString(column));
  }
}
