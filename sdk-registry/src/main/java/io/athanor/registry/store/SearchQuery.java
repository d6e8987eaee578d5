package io.athanor.registry.store;

import io.athanor.api.registry.Search;
import io.athanor.api.registry.SearchPage;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * A search as SQL: the text is put together of constants, every value is bound.
 *
 * <p>Where one condition leaves few versions, those are fetched by its index, tested for the others
 * and sorted. Where each leaves many, versions are walked in the order asked for, by an index that
 * knows it, until the page is full. Both touch a small part of the tables, however many versions
 * there are; the number of results is counted no further than it is asked for.
 */
public final class SearchQuery {
  /** As many can be fetched and sorted in a few milliseconds. */
  private static final int FEW = 5000;

  private final Session session;
  private final Search search;
  private final int few;
  private final List<SearchClause> clauses;
  private final SearchOrder order;

  private SearchQuery(Session session, Search search, Optional<SearchClause> readable, int few) {
    this.session = session;
    this.few = few;
    this.search = search;
    this.clauses = SearchClauses.of(search.conditions());
    readable.ifPresent(clauses::add);
    this.order = SearchOrder.of(search.sort());
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
    return run(session, search, versions, readable, FEW);
  }

  /**
   * Runs a search.
   *
   * @param readable the models that may be found; empty if all
   * @param few how many versions are fetched rather than walked to
   */
  public static SearchPage run(
      Session session,
      Search search,
      VersionTable versions,
      Optional<List<RoleTable.Grant>> readable,
      int few)
      throws SQLException {
    SearchQuery query =
        new SearchQuery(session, search, readable.map(SearchClauses::readable), few);
    Results results = query.results();
    List<Long> keys = query.page(results);
    long reached = search.offset() + keys.size();
    boolean last = keys.size() < search.limit() && (search.offset() == 0 || !keys.isEmpty());
    long most = Math.max(search.countUpTo(), keys.isEmpty() ? 0 : reached);
    long found = last ? reached : query.count(results, most == Long.MAX_VALUE ? most : most + 1);
    return new SearchPage(
        versions.load(session, keys), search.offset(), Math.min(found, most), found <= most);
  }

  /**
   * What meets all conditions, in order.
   *
   * @param keys gives their keys
   * @param by the order
   * @param counted gives a row for each
   * @param rest what comes after them
   */
  private record Results(Text keys, String by, Text counted, Optional<Results> rest) {}

  private record Text(String sql, List<Object> values) {
    Text with(Text more) {
      return new Text(sql + more.sql, joined(values, more.values));
    }
  }

  private Results results() throws SQLException {
    Optional<SearchClause> bounding =
        clauses.stream().filter(clause -> clause.bounds(order.of())).findFirst();
    if (bounding.isPresent() && leavesFew(bounding.get())) {
      return walked(bounding);
    }
    for (SearchClause clause : clauses) {
      if (!bounding.equals(Optional.of(clause)) && leavesFew(clause)) {
        return fetched(clause);
      }
    }
    if (order.byRegistration() && bounding.isEmpty()) {
      Optional<SearchClause> inOrder = clauses.stream().filter(SearchClause::inOrder).findFirst();
      if (inOrder.isPresent()) {
        return fetched(inOrder.get());
      }
    }
    return walked(bounding);
  }

  private boolean leavesFew(SearchClause clause) throws SQLException {
    return clause.rows(session, few + 1) <= few;
  }

  /** Fetches what meets one condition and tests it for the others. */
  private Results fetched(SearchClause clause) {
    Text keys = keys(clause);
    if (order.byRegistration()) {
      String by = clause.key() + (order.descending() ? " DESC" : " ASC");
      return new Results(keys, by, keys, Optional.empty());
    }
    return sorted(keys, order);
  }

  private static Results sorted(Text found, SearchOrder order) {
    Text keys =
        new Text("SELECT " + order.key() + " FROM (", List.of())
            .with(found)
            .with(
                new Text(
                    ") c CROSS JOIN " + order.from() + " AND " + order.key() + " = c.id",
                    order.values()));
    return new Results(keys, order.by(), found, order.absent().map(rest -> sorted(found, rest)));
  }

  /** Walks through the versions in order, those in a range if there is one. */
  private Results walked(Optional<SearchClause> bounding) {
    return walked(
        bounding.flatMap(SearchClause::range).map(order::within).orElse(order),
        bounding,
        clauses.isEmpty() ? new Text("SELECT id FROM version", List.of()) : keys(clauses.get(0)));
  }

  private Results walked(SearchOrder path, Optional<SearchClause> bounding, Text counted) {
    Text keys =
        new Text("SELECT " + path.key() + " FROM " + path.from(), path.values())
            .with(tests(bounding, path.key()));
    return new Results(
        keys, path.by(), counted, path.absent().map(rest -> walked(rest, bounding, counted)));
  }

  /** Gives the keys of what meets all conditions, in no order, by the index of one of them. */
  private Text keys(SearchClause clause) {
    return new Text(
            "SELECT DISTINCT " + clause.key() + " AS id FROM " + clause.source(), clause.values())
        .with(tests(Optional.of(clause), clause.key()));
  }

  /** All conditions but one. */
  private Text tests(Optional<SearchClause> but, String version) {
    Text tests = new Text("", List.of());
    for (SearchClause clause : clauses) {
      if (!but.equals(Optional.of(clause))) {
        tests = tests.with(new Text(clause.testing(version), clause.values()));
      }
    }
    return tests;
  }

  private List<Long> page(Results results) throws SQLException {
    List<Long> keys = part(results, search.limit(), search.offset());
    if (results.rest().isPresent() && keys.size() < search.limit()) {
      long before = search.offset();
      if (before > 0 && keys.isEmpty()) {
        before = count(results.keys(), Long.MAX_VALUE);
      }
      keys.addAll(
          part(
              results.rest().get(),
              search.limit() - keys.size(),
              keys.isEmpty() ? search.offset() - before : 0));
    }
    return keys;
  }

  private List<Long> part(Results results, int limit, long offset) throws SQLException {
    return session.query(
        results.keys().sql() + " ORDER BY " + results.by() + " LIMIT ? OFFSET ?",
        row -> row.getLong(1),
        joined(results.keys().values(), List.of(limit, offset)).toArray());
  }

  private long count(Results results, long most) throws SQLException {
    return count(results.counted(), most);
  }

  private long count(Text keys, long most) throws SQLException {
    return session
        .first(
            "SELECT COUNT(*) FROM (" + keys.sql() + " LIMIT ?) counted",
            row -> row.getLong(1),
            joined(keys.values(), List.of(most)).toArray())
        .orElse(0L);
  }

  private static List<Object> joined(List<Object> first, List<Object> second) {
    List<Object> all = new ArrayList<>(first);
    all.addAll(second);
    return all;
  }
}
