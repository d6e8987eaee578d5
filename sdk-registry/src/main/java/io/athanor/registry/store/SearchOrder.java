package io.athanor.registry.store;

import io.athanor.api.registry.Search.Sort;
import java.util.List;
import java.util.Optional;

/**
 * The order of a search as SQL that indexes can answer: first the versions that have what they are
 * ordered by, then those that have not.
 *
 * @param join the tables it needs besides {@code version v}
 * @param values bound in the join
 * @param present the condition of the versions that have it
 * @param absent the condition of those that have not, if there may be such
 * @param by the order
 */
record SearchOrder(
    String join, List<Object> values, String present, Optional<String> absent, String by) {
  private static final String ALL = " WHERE 1 = 1";

  static SearchOrder of(Sort sort) {
    String direction = sort.descending() ? " DESC" : " ASC";
    if (sort instanceof Sort.ByMetric metric) {
      return new SearchOrder(
          " LEFT JOIN version_metric s ON s.version_id = v.id AND s.name = ?",
          List.of(metric.name()),
          " WHERE s.value IS NOT NULL",
          Optional.of(" WHERE s.value IS NULL"),
          "s.value" + direction + ", v.id DESC");
    }
    if (sort instanceof Sort.BySize size) {
      String column = "v." + SearchQuery.column(size.measure());
      return new SearchOrder(
          "",
          List.of(),
          " WHERE " + column + " IS NOT NULL",
          Optional.of(" WHERE " + column + " IS NULL"),
          column + direction + ", v.id DESC");
    }
    if (sort instanceof Sort.ByName) {
      return new SearchOrder(
          " JOIN model m ON m.id = v.model_id",
          List.of(),
          ALL,
          Optional.empty(),
          "m.name" + direction + ", v.number DESC");
    }
    String time = sort instanceof Sort.ByUpdated ? "v.updated" : "v.created";
    return new SearchOrder("", List.of(), ALL, Optional.empty(), time + direction + ", v.id DESC");
  }
}
