package io.athanor.registry.store;

import io.athanor.api.registry.JobOutput;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** The jobs that made versions. */
public final class JobQuery {
  private static final String JOBS =
      "SELECT v.job, COUNT(*), MIN(v.created), MAX(v.created), MAX(v.id) AS latest"
          + " FROM version v WHERE v.job IS NOT NULL";
  private static final String PAGE = " GROUP BY v.job ORDER BY latest DESC LIMIT ? OFFSET ?";

  private JobQuery() {}

  /**
   * Some of them, those first that registered something last.
   *
   * @param readable the models whose versions count; empty if all
   */
  public static List<JobOutput> run(
      Session session, Optional<List<RoleTable.Grant>> readable, long offset, int limit)
      throws SQLException {
    StringBuilder sql = new StringBuilder(JOBS);
    List<Object> values = new ArrayList<>();
    if (readable.isPresent()) {
      SearchClause models = SearchClauses.readable(readable.get());
      sql.append(models.testing("v.id"));
      values.addAll(models.values());
    }
    values.add(limit);
    values.add(offset);
    return session.query(
        sql.append(PAGE).toString(),
        row ->
            new JobOutput(
                row.getString(1),
                row.getLong(2),
                Micros.at(row.getLong(3)),
                Micros.at(row.getLong(4))),
        values.toArray());
  }
}
