package io.athanor.registry.store;

import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A condition of a search as SQL.
 *
 * @param key the column with the versions' keys
 * @param source the tables and the condition on them
 * @param values what is bound
 * @param inOrder whether an index gives the versions that meet it in the order of their keys
 * @param range what it bounds on both sides, if that is what it does
 */
record SearchClause(
    String key, String source, List<Object> values, boolean inOrder, Optional<Range> range) {
  SearchClause {
    values = List.copyOf(values);
  }

  /**
   * Something between two values, both included.
   *
   * @param of what it is, in the words of {@link SearchOrder#of}
   */
  record Range(String of, Object low, Object high) {
    List<Object> values() {
      return List.of(low, high);
    }
  }

  /** A column of the versions that has a value. */
  static SearchClause own(String column, String value) {
    return equal("d.id", "version d WHERE d." + column + " = ?", value);
  }

  /** A column of the versions in a range. */
  static SearchClause own(Range range) {
    return within("d.id", "version d WHERE d." + range.of() + " BETWEEN ? AND ?", range);
  }

  /** Equality to values, which an index answers in the order of the keys. */
  static SearchClause equal(String key, String source, Object... values) {
    return new SearchClause(key, source, List.of(values), true, Optional.empty());
  }

  /** Something that no index answers in the order of the keys. */
  static SearchClause other(String key, String source, Object... values) {
    return new SearchClause(key, source, List.of(values), false, Optional.empty());
  }

  /**
   * A range.
   *
   * @param before values bound before its two ends
   */
  static SearchClause within(String key, String source, Range range, Object... before) {
    List<Object> values = new ArrayList<>(List.of(before));
    values.addAll(range.values());
    return new SearchClause(key, source, values, false, Optional.of(range));
  }

  /** The condition that a version meets it; names of tables in it mean nothing outside. */
  String testing(String version) {
    String inner = "(SELECT " + key + " AS id FROM " + source + ")";
    return " AND EXISTS (SELECT 1 FROM " + inner + " y WHERE y.id = " + version + ")";
  }

  boolean bounds(String what) {
    return range.isPresent() && range.get().of().equals(what);
  }

  /** How many rows meet it, counted up to a number. */
  int rows(Session session, int most) throws SQLException {
    List<Object> bound = new ArrayList<>(values);
    bound.add(most);
    return session
        .first(
            "SELECT COUNT(*) FROM (SELECT 1 FROM " + source + " LIMIT ?) counted",
            row -> row.getInt(1),
            bound.toArray())
        .orElse(0);
  }
}
