package io.athanor.registry.store;

import io.athanor.api.registry.Search;
import io.athanor.api.registry.Search.Condition;
import io.athanor.api.registry.Search.Sort;
import io.athanor.api.registry.SearchPage;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** A search as SQL: the text is put together of constants, every value is bound. */
public final class SearchQuery {
  private static final String BY_NAME =
      "v.model_id IN (SELECT id FROM model WHERE name LIKE ? ESCAPE '!')";

  private final StringBuilder where = new StringBuilder(" WHERE 1 = 1");
  private final List<Object> values = new ArrayList<>();

  private SearchQuery(List<Condition> conditions) {
    conditions.forEach(this::add);
  }

  /**
   * Runs a search.
   *
   * @param readable the models that may be found; empty if all
   */
  public static SearchPage run(
      Session session,
      Search search,
      VersionTable versions,
      Optional<List<RoleTable.Grant>> readable)
      throws SQLException {
    SearchQuery query = new SearchQuery(search.conditions());
    readable.ifPresent(query::only);
    long total =
        session
            .first(
                "SELECT COUNT(*) FROM version v" + query.where,
                row -> row.getLong(1),
                query.values.toArray())
            .orElse(0L);
    List<Object> all = new ArrayList<>();
    String order = order(search.sort(), all);
    all.addAll(query.values);
    all.add(search.limit());
    all.add(search.offset());
    List<Long> keys =
        session.query(
            "SELECT v.id FROM version v" + String.format(order, query.where) + " LIMIT ? OFFSET ?",
            row -> row.getLong(1),
            all.toArray());
    return new SearchPage(versions.load(session, keys), search.offset(), total);
  }

  /** Has a place for the conditions; the values of the sort come before theirs. */
  private static String order(Sort sort, List<Object> values) {
    String direction = sort.descending() ? " DESC" : " ASC";
    if (sort instanceof Sort.ByMetric metric) {
      values.add(metric.name());
      return " LEFT JOIN version_metric s ON s.version_id = v.id AND s.name = ?%s"
          + " ORDER BY CASE WHEN s.value IS NULL THEN 1 ELSE 0 END, s.value"
          + direction
          + ", v.id DESC";
    }
    return sort instanceof Sort.ByName
        ? " JOIN model m ON m.id = v.model_id%s ORDER BY m.name" + direction + ", v.number DESC"
        : "%s ORDER BY v.created" + direction + ", v.id DESC";
  }

  private void add(Condition condition) {
    if (condition instanceof Condition.NameContains name) {
      and(BY_NAME, "%" + escape(name.text()) + "%");
    } else if (condition instanceof Condition.NamePrefix name) {
      and(BY_NAME, escape(name.prefix()) + "%");
    } else if (condition instanceof Condition.Architecture architecture) {
      and("v.architecture = ?", architecture.name());
    } else if (condition instanceof Condition.Task task) {
      and("v.task = ?", task.name());
    } else if (condition instanceof Condition.Tag tag) {
      and(
          "v.id IN (SELECT version_id FROM version_tag WHERE name = ? AND value = ?)",
          tag.key(),
          tag.value());
    } else if (condition instanceof Condition.Metric metric) {
      and(
          "v.id IN (SELECT version_id FROM version_metric"
              + " WHERE name = ? AND value BETWEEN ? AND ?)",
          metric.name(),
          metric.low(),
          metric.high());
    } else if (condition instanceof Condition.Created created) {
      and(
          "v.created >= ? AND v.created < ?",
          Micros.of(created.from()),
          Micros.of(created.before()));
    } else if (condition instanceof Condition.Alias alias) {
      and("v.id IN (SELECT version_id FROM alias WHERE name = ?)", alias.name());
    }
  }

  private void only(List<RoleTable.Grant> readable) {
    List<String> any = new ArrayList<>(List.of("1 = 0"));
    List<Object> bound = new ArrayList<>();
    for (RoleTable.Grant grant : readable) {
      any.add(BY_NAME);
      String name = grant.model();
      bound.add(
          name.endsWith("*") ? escape(name.substring(0, name.length() - 1)) + "%" : escape(name));
    }
    and("(" + String.join(" OR ", any) + ")", bound.toArray());
  }

  private void and(String condition, Object... bound) {
    where.append(" AND ").append(condition);
    values.addAll(List.of(bound));
  }

  /** Names have small letters only; some databases tell small from capital letters here. */
  private static String escape(String text) {
    return text.toLowerCase(Locale.ROOT).replace("!", "!!").replace("%", "!%").replace("_", "!_");
  }
}
