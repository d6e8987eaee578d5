package io.athanor.registry.store;

import io.athanor.api.registry.Search.Sort;
import io.athanor.registry.store.SearchClause.Range;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * The order of a search as SQL that indexes can answer: first the versions that have what they are
 * ordered by, then those that have not.
 *
 * @param of what they are ordered by
 * @param column where it is
 * @param key the column with the versions' keys
 * @param from the tables and a condition
 * @param values bound in it
 * @param by the order
 * @param absent gives the versions without it, if there may be such
 */
record SearchOrder(
    String of,
    String column,
    String key,
    String from,
    List<Object> values,
    String by,
    Optional<SearchOrder> absent) {
  static final String NAME = "name";
  static final String CREATED = "created";
  private static final String ALL = "version v WHERE 1 = 1";

  SearchOrder {
    values = List.copyOf(values);
  }

  static SearchOrder of(Sort sort) {
    String direction = sort.descending() ? " DESC" : " ASC";
    if (sort instanceof Sort.ByMetric metric) {
      String name = metric.name();
      String without =
          ALL
              + " AND NOT EXISTS"
              + " (SELECT 1 FROM version_metric o WHERE o.version_id = v.id AND o.name = ?)";
      return new SearchOrder(
          metric(name),
          "s.value",
          "s.version_id",
          "version_metric s WHERE s.name = ?",
          List.of(name),
          "s.value" + direction + ", s.version_id DESC",
          Optional.of(newest(without, name)));
    }
    if (sort instanceof Sort.BySize size) {
      String column = SearchClauses.column(size.measure());
      return own(
          column,
          " AND v." + column + " IS NOT NULL",
          "v." + column + direction + ", v.id DESC",
          Optional.of(newest(ALL + " AND v." + column + " IS NULL")));
    }
    if (sort instanceof Sort.ByName) {
      return new SearchOrder(
          NAME,
          "m.name",
          "v.id",
          "model m JOIN version v ON v.model_id = m.id WHERE 1 = 1",
          List.of(),
          "m.name" + direction + ", v.number DESC",
          Optional.empty());
    }
    if (sort instanceof Sort.ByUpdated) {
      return own("updated", "", "v.updated" + direction + ", v.id DESC", Optional.empty());
    }
    return own(CREATED, "", "v.created" + direction + ", v.id" + direction, Optional.empty());
  }

  /** How a metric is called among the things to order by and to bound. */
  static String metric(String name) {
    return "metric " + name;
  }

  private static SearchOrder own(
      String column, String condition, String by, Optional<SearchOrder> absent) {
    return new SearchOrder(column, "v." + column, "v.id", ALL + condition, List.of(), by, absent);
  }

  private static SearchOrder newest(String from, Object... values) {
    return new SearchOrder(
        CREATED, "v.created", "v.id", from, List.of(values), "v.id DESC", Optional.empty());
  }

  /** Only the versions in a range of what they are ordered by. */
  SearchOrder within(Range range) {
    List<Object> bound = new ArrayList<>(values);
    bound.addAll(range.values());
    return new SearchOrder(
        of, column, key, from + " AND " + column + " BETWEEN ? AND ?", bound, by, Optional.empty());
  }

  /** Whether the versions' keys are the order, too. */
  boolean byRegistration() {
    return of.equals(CREATED);
  }

  boolean descending() {
    return by.endsWith(" DESC");
  }
}
