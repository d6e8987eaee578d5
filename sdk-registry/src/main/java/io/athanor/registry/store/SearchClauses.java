package io.athanor.registry.store;

import io.athanor.api.registry.Search.Condition;
import io.athanor.api.registry.Search.Measure;
import io.athanor.api.registry.VersionId;
import io.athanor.registry.store.SearchClause.Range;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** Turns the conditions of a search into SQL. Not thread-safe. */
final class SearchClauses {
  private static final String OF_MODELS =
      "version d WHERE d.model_id IN (SELECT n.id FROM model n WHERE ";
  private static final String LAST = Character.toString(Character.MAX_CODE_POINT);

  private final List<SearchClause> clauses = new ArrayList<>();
  private final Map<String, double[]> metrics = new LinkedHashMap<>();
  private final Map<String, long[]> columns = new LinkedHashMap<>();

  private SearchClauses() {}

  /** One clause for each condition, but one only for several ranges of the same thing. */
  static List<SearchClause> of(List<Condition> conditions) {
    SearchClauses all = new SearchClauses();
    conditions.forEach(all::add);
    all.metrics.forEach(all::metric);
    all.columns.forEach(
        (column, ends) -> all.clauses.add(SearchClause.own(new Range(column, ends[0], ends[1]))));
    return all.clauses;
  }

  /** Versions of the models that somebody may read. */
  static SearchClause readable(List<RoleTable.Grant> grants) {
    List<String> any = new ArrayList<>(List.of("1 = 0"));
    List<Object> bound = new ArrayList<>();
    for (RoleTable.Grant grant : grants) {
      String name = grant.model();
      if (name.endsWith("*")) {
        String prefix = name.substring(0, name.length() - 1);
        any.add("n.name BETWEEN ? AND ?");
        bound.addAll(List.of(prefix, prefix + LAST));
      } else {
        any.add("n.name = ?");
        bound.add(name);
      }
    }
    return SearchClause.other("d.id", OF_MODELS + String.join(" OR ", any) + ")", bound.toArray());
  }

  private void add(Condition condition) {
    if (condition instanceof Condition.NameContains name) {
      clauses.add(
          SearchClause.other(
              "d.id",
              OF_MODELS + "n.name LIKE ? ESCAPE '!')",
              "%" + escape(small(name.text())) + "%"));
    } else if (condition instanceof Condition.NamePrefix name) {
      String prefix = small(name.prefix());
      clauses.add(
          SearchClause.within(
              "d.id",
              OF_MODELS + "n.name BETWEEN ? AND ?)",
              new Range(SearchOrder.NAME, prefix, prefix + LAST)));
    } else if (condition instanceof Condition.Text text) {
      words(Words.of(text.words()));
    } else if (condition instanceof Condition.Tag tag) {
      clauses.add(
          SearchClause.equal(
              "t.version_id",
              "version_tag t WHERE t.name = ? AND t.value = ?",
              tag.key(),
              tag.value()));
    } else if (condition instanceof Condition.Metric metric) {
      double[] ends =
          metrics.computeIfAbsent(
              metric.name(),
              name -> new double[] {Double.NEGATIVE_INFINITY, Double.POSITIVE_INFINITY});
      ends[0] = Math.max(ends[0], metric.low());
      ends[1] = Math.min(ends[1], metric.high());
    } else if (condition instanceof Condition.Alias alias) {
      clauses.add(SearchClause.other("a.version_id", "alias a WHERE a.name = ?", alias.name()));
    } else if (condition instanceof Condition.TrainedOn data) {
      clauses.add(
          SearchClause.equal(
              "f.version_id", "version_data f WHERE f.fingerprint = ?", data.fingerprint().hex()));
    } else if (condition instanceof Condition.MadeFrom made) {
      VersionId parent = made.parent();
      clauses.add(
          SearchClause.other(
              "d.id",
              "version d JOIN version o ON o.id = d.parent_id JOIN model n ON n.id = o.model_id"
                  + " WHERE n.name = ? AND o.number = ?",
              parent.name(),
              parent.number()));
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
    } else if (condition instanceof Condition.Job job) {
      own("job", job.name());
    } else if (condition instanceof Condition.Precision precision) {
      own("number_format", precision.format().name());
    } else if (condition instanceof Condition.Semantic semantic) {
      own("semantic", semantic.version().toString());
    } else if (condition instanceof Condition.CreatedBy created) {
      own("created_by", created.principal().name());
    } else if (condition instanceof Condition.UpdatedBy updated) {
      own("updated_by", updated.principal().name());
    } else if (condition instanceof Condition.Base base) {
      own("base", base.weights().hex());
    } else if (condition instanceof Condition.Size size) {
      bound(column(size.measure()), size.low(), size.high());
    } else if (condition instanceof Condition.Created created) {
      bound(SearchOrder.CREATED, Micros.of(created.from()), Micros.of(created.before()) - 1);
    } else if (condition instanceof Condition.Updated updated) {
      bound("updated", Micros.of(updated.from()), Micros.of(updated.before()) - 1);
    }
  }

  private void own(String column, String value) {
    clauses.add(SearchClause.own(column, value));
  }

  private void bound(String column, long low, long high) {
    long[] ends =
        columns.computeIfAbsent(column, name -> new long[] {Long.MIN_VALUE, Long.MAX_VALUE});
    ends[0] = Math.max(ends[0], low);
    ends[1] = Math.min(ends[1], high);
  }

  private void metric(String name, double[] ends) {
    clauses.add(
        SearchClause.within(
            "x.version_id",
            "version_metric x WHERE x.name = ? AND x.value BETWEEN ? AND ?",
            new Range(SearchOrder.metric(name), ends[0], ends[1]),
            name));
  }

  /** The last word may be the beginning of one. */
  private void words(List<String> words) {
    for (String word : words.subList(0, words.size() - 1)) {
      clauses.add(SearchClause.equal("w.version_id", "version_word w WHERE w.word = ?", word));
    }
    String begun = words.get(words.size() - 1);
    clauses.add(
        SearchClause.other(
            "w.version_id", "version_word w WHERE w.word BETWEEN ? AND ?", begun, begun + LAST));
  }

  /** The column of a measure. */
  static String column(Measure measure) {
    return switch (measure) {
      case PARAMETERS -> "parameters";
      case BYTES -> "bytes";
      case CONTEXT_LENGTH -> "context_length";
    };
  }

  /** Names have small letters only, so that capital letters may mean them. */
  private static String small(String text) {
    return text.toLowerCase(Locale.ROOT);
  }

  private static String escape(String text) {
    return text.replace("!", "!!").replace("%", "!%").replace("_", "!_");
  }
}
