package io.athanor.registry.store;

import io.athanor.api.common.Digest;
import io.athanor.api.registry.Search;
import io.athanor.api.registry.Search.Condition;
import io.athanor.api.registry.Search.Measure;
import io.athanor.api.registry.SearchPage;
import io.athanor.api.registry.VersionId;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * A search as SQL: the text is put together of constants, every value is bound.
 *
 * <p>Where one condition leaves few versions, those are fetched by its index, tested for the others
 * and sorted. Where each leaves many, all versions are walked in the order asked for until the page
 * is full. Both touch a small part of the tables, however many versions there are.
 */
public final class SearchQuery {
  private static final int FEW = 1000;

  private final Session session;
  private final Search search;
  private final List<Clause> clauses = new ArrayList<>();

  private SearchQuery(Session session, Search search) {
    this.session = session;
    this.search = search;
    search.conditions().forEach(this::add);
  }

  /**
   * A condition.
   *
   * @param key the column with the versions' keys
   * @param source the tables and the condition on them
   * @param values what is bound
   */
  private record Clause(String key, String source, List<Object> values) {
    static Clause of(String key, String source, Object... values) {
      return new Clause(key, source, List.of(values));
    }

    /** As the condition that versions are fetched by. */
    String fetching() {
      return "v.id IN (SELECT " + key + " FROM " + source + ")";
    }

    /** As a condition that each version is tested for. */
    String testing() {
      return "EXISTS (SELECT 1 FROM " + source + " AND " + key + " = v.id)";
    }

    boolean leavesFew(Session session) throws SQLException {
      List<Object> bound = new ArrayList<>(values);
      bound.add(FEW + 1);
      return session
          .first(
              "SELECT COUNT(*) FROM (SELECT 1 FROM " + source + " LIMIT ?) few",
              row -> row.getInt(1) <= FEW,
              bound.toArray())
          .orElse(false);
    }
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
    SearchQuery query = new SearchQuery(session, search);
    if (readable.isPresent()) {
      query.only(readable.get());
    }
    Found found = query.find();
    return new SearchPage(
        versions.load(session, found.keys()),
        search.offset(),
        Math.min(found.total(), search.countUpTo()));
  }

  private record Found(List<Long> keys, long total) {}

  private Found find() throws SQLException {
    SearchOrder order = SearchOrder.of(search.sort());
    for (Clause clause : clauses) {
      if (clause.leavesFew(session)) {
        List<Long> all = keys(order, where(Optional.of(clause)), Integer.MAX_VALUE, 0);
        int from = (int) Math.min(search.offset(), all.size());
        return new Found(
            all.subList(from, Math.min(from + search.limit(), all.size())), all.size());
      }
    }
    Where where = where(Optional.empty());
    List<Long> page = keys(order, where, search.limit(), search.offset());
    boolean last = page.size() < search.limit() && (search.offset() == 0 || !page.isEmpty());
    return new Found(page, last ? search.offset() + page.size() : count());
  }

  private record Where(String text, List<Object> values) {}

  /** All conditions; those that do not fetch the versions only test them. */
  private Where where(Optional<Clause> fetching) {
    List<String> texts = new ArrayList<>();
    List<Object> values = new ArrayList<>();
    for (Clause clause : clauses) {
      boolean fetches = fetching.equals(Optional.of(clause));
      texts.add(" AND " + (fetches ? clause.fetching() : clause.testing()));
      values.addAll(clause.values());
    }
    return new Where(String.join("", texts), values);
  }

  private List<Long> keys(SearchOrder order, Where where, int limit, long offset)
      throws SQLException {
    List<Long> keys = part(order, order.present(), where, limit, offset);
    if (order.absent().isPresent() && keys.size() < limit) {
      long present = offset;
      if (offset > 0 && keys.isEmpty()) {
        present =
            number("SELECT COUNT(*) FROM version v" + order.join() + order.present(), order, where);
      }
      keys.addAll(
          part(
              order,
              order.absent().get(),
              where,
              limit - keys.size(),
              keys.isEmpty() ? offset - present : 0));
    }
    return keys;
  }

  private List<Long> part(SearchOrder order, String which, Where where, int limit, long offset)
      throws SQLException {
    List<Object> values = values(order, where);
    values.add(limit);
    values.add(offset);
    return session.query(
        "SELECT v.id FROM version v"
            + order.join()
            + which
            + where.text()
            + " ORDER BY "
            + order.by()
            + " LIMIT ? OFFSET ?",
        row -> row.getLong(1),
        values.toArray());
  }

  private long number(String counting, SearchOrder order, Where where) throws SQLException {
    return session
        .first(counting + where.text(), row -> row.getLong(1), values(order, where).toArray())
        .orElse(0L);
  }

  private static List<Object> values(SearchOrder order, Where where) {
    List<Object> values = new ArrayList<>(order.values());
    values.addAll(where.values());
    return values;
  }

  private long count() throws SQLException {
    if (search.countUpTo() == 0) {
      return 0;
    }
    if (clauses.size() == 1 && search.countUpTo() == Long.MAX_VALUE) {
      Clause only = clauses.get(0);
      return session
          .first(
              "SELECT COUNT(DISTINCT " + only.key() + ") FROM " + only.source(),
              row -> row.getLong(1),
              only.values().toArray())
          .orElse(0L);
    }
    List<Object> values = new ArrayList<>();
    List<String> texts = new ArrayList<>();
    for (Clause clause : clauses) {
      texts.add((texts.isEmpty() ? " WHERE " : " AND ") + clause.fetching());
      values.addAll(clause.values());
    }
    String all = " FROM version v" + String.join("", texts);
    if (search.countUpTo() == Long.MAX_VALUE) {
      return session
          .first("SELECT COUNT(*)" + all, row -> row.getLong(1), values.toArray())
          .orElse(0L);
    }
    values.add(search.countUpTo());
    return session
        .first(
            "SELECT COUNT(*) FROM (SELECT 1" + all + " LIMIT ?) counted",
            row -> row.getLong(1),
            values.toArray())
        .orElse(0L);
  }

  private void add(Condition condition) {
    if (condition instanceof Condition.NameContains name) {
      named("%" + escape(name.text()) + "%");
    } else if (condition instanceof Condition.NamePrefix name) {
      named(escape(name.prefix()) + "%");
    } else if (condition instanceof Condition.Text text) {
      words(Words.of(text.words()));
    } else if (condition instanceof Condition.Tag tag) {
      clause(
          "t.version_id", "version_tag t WHERE t.name = ? AND t.value = ?", tag.key(), tag.value());
    } else if (condition instanceof Condition.Metric metric) {
      clause(
          "x.version_id",
          "version_metric x WHERE x.name = ? AND x.value BETWEEN ? AND ?",
          metric.name(),
          metric.low(),
          metric.high());
    } else if (condition instanceof Condition.Alias alias) {
      clause("a.version_id", "alias a WHERE a.name = ?", alias.name());
    } else if (condition instanceof Condition.TrainedOn data) {
      clause("f.version_id", "version_data f WHERE f.fingerprint = ?", data.fingerprint().hex());
    } else if (condition instanceof Condition.MadeFrom made) {
      VersionId parent = made.parent();
      clause(
          "d.id",
          "version d JOIN version o ON o.id = d.parent_id JOIN model n ON n.id = o.model_id"
              + " WHERE n.name = ? AND o.number = ?",
          parent.name(),
          parent.number());
    } else {
      addOwn(condition);
    }
  }

  /** Conditions on the version's own row. */
  private void addOwn(Condition condition) {
    if (condition instanceof Condition.Architecture architecture) {
      own("architecture", architecture.name());
    } else if (condition instanceof Condition.Task task) {
      own("task", task.name());
    } else if (condition instanceof Condition.Type type) {
      own("type", type.type().name());
    } else if (condition instanceof Condition.Kind kind) {
      own("kind", kind.kind().name());
    } else if (condition instanceof Condition.State state) {
      own("state", state.state().name());
    } else if (condition instanceof Condition.Licence licence) {
      own("licence", licence.expression());
    } else if (condition instanceof Condition.Backend backend) {
      own("backend", backend.name());
    } else if (condition instanceof Condition.Precision precision) {
      own("number_format", precision.format().name());
    } else if (condition instanceof Condition.Semantic semantic) {
      own("semantic", semantic.version().toString());
    } else if (condition instanceof Condition.CreatedBy created) {
      own("created_by", created.principal().name());
    } else if (condition instanceof Condition.UpdatedBy updated) {
      own("updated_by", updated.principal().name());
    } else if (condition instanceof Condition.Base base) {
      Digest weights = base.weights();
      own("base", weights.hex());
    } else if (condition instanceof Condition.Size size) {
      range(column(size.measure()), size.low(), size.high());
    } else if (condition instanceof Condition.Created created) {
      time("created", Micros.of(created.from()), Micros.of(created.before()));
    } else if (condition instanceof Condition.Updated updated) {
      time("updated", Micros.of(updated.from()), Micros.of(updated.before()));
    }
  }

  private void clause(String key, String source, Object... values) {
    clauses.add(Clause.of(key, source, values));
  }

  private void own(String column, String value) {
    clause("d.id", "version d WHERE d." + column + " = ?", value);
  }

  private void range(String column, long low, long high) {
    clause("d.id", "version d WHERE d." + column + " BETWEEN ? AND ?", low, high);
  }

  private void time(String column, long from, long before) {
    clause("d.id", "version d WHERE d." + column + " >= ? AND d." + column + " < ?", from, before);
  }

  /** Names have small letters only, so that capital letters in a pattern may mean them. */
  private void named(String pattern) {
    clause(
        "d.id",
        "version d JOIN model n ON n.id = d.model_id WHERE n.name LIKE ? ESCAPE '!'",
        pattern.toLowerCase(Locale.ROOT));
  }

  private void words(List<String> words) {
    for (String word : words.subList(0, words.size() - 1)) {
      clause("w.version_id", "version_word w WHERE w.word = ?", word);
    }
    String begun = words.get(words.size() - 1);
    clause(
        "w.version_id",
        "version_word w WHERE w.word >= ? AND w.word < ?",
        begun,
        begun + Character.toString(Character.MAX_CODE_POINT));
  }

  private void only(List<RoleTable.Grant> readable) {
    List<String> any = new ArrayList<>(List.of("1 = 0"));
    List<Object> bound = new ArrayList<>();
    for (RoleTable.Grant grant : readable) {
      any.add("n.name LIKE ? ESCAPE '!'");
      String name = grant.model();
      bound.add(
          name.endsWith("*") ? escape(name.substring(0, name.length() - 1)) + "%" : escape(name));
    }
    clause(
        "d.id",
        "version d JOIN model n ON n.id = d.model_id WHERE (" + String.join(" OR ", any) + ")",
        bound.toArray());
  }

  /** The column of a measure. */
  static String column(Measure measure) {
    return switch (measure) {
      case PARAMETERS -> "parameters";
      case BYTES -> "bytes";
      case CONTEXT_LENGTH -> "context_length";
    };
  }

  private static String escape(String text) {
    return text.replace("!", "!!").replace("%", "!%").replace("_", "!_");
  }
}
