package io.athanor.registry.store;

import io.athanor.api.common.Digest;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Every row of every table, to take a registry from one database to another. Keys that a database
 * hands out itself are handed out anew and references follow them; numbers that people know stay
 * what they were.
 */
public final class TableRows {
  /** What a column holds. */
  public enum Kind {
    NUMBER,
    REAL,
    TEXT
  }

  /** What becomes of a table's {@code id}. */
  private enum Key {
    /** There is none, or it is a column like the others. */
    NONE,
    /** The database gives another one. */
    NEW,
    /** People know it, so it stays. */
    KEPT
  }

  /**
   * A column.
   *
   * @param references the table whose {@code id} it holds
   */
  public record Column(String name, Kind kind, @Nullable String references) {}

  /** A table. */
  public static final class Table {
    private final String name;
    private final Key key;
    private final List<Column> columns;
    private final String select;
    private final String insert;
    private final String insertWithKey;
    private final String delete;
    private final String probe;

    private Table(String name, Key key, int order, Column... columns) {
      this.name = name;
      this.key = key;
      this.columns = List.of(columns);
      String names = this.columns.stream().map(Column::name).collect(Collectors.joining(", "));
      this.select =
          "SELECT "
              + (key == Key.NONE ? "" : "id, ")
              + names
              + " FROM "
              + name
              + " ORDER BY "
              + order(key == Key.NONE ? order : 1);
      String values = Session.placeholders(columns.length);
      this.insert = "INSERT INTO " + name + " (" + names + ") VALUES (" + values + ")";
      this.insertWithKey =
          "INSERT INTO " + name + " (" + names + ", id) VALUES (" + values + ", ?)";
      this.delete = "DELETE FROM " + name + " WHERE id = ?";
      this.probe = "SELECT 1 FROM " + name + " LIMIT 1";
    }

    private static String order(int columns) {
      StringBuilder order = new StringBuilder("1");
      for (int i = 2; i <= columns; i++) {
        order.append(", ").append(i);
      }
      return order.toString();
    }

    public String name() {
      return name;
    }

    /** All columns; the key, where there is one, comes first. */
    public List<Column> columns() {
      List<Column> all = new ArrayList<>(columns);
      if (key != Key.NONE) {
        all.add(0, number("id"));
      }
      return all;
    }

    @Override
    public String toString() {
      return name;
    }
  }

  /** Every table, each after those it refers to. */
  public static final List<Table> ALL =
      List.of(
          new Table("model", Key.NEW, 1, text("name"), number("next_number")),
          new Table(
              "version",
              Key.NEW,
              1,
              reference("model_id", "model"),
              number("number"),
              text("digest"),
              number("created"),
              text("created_by"),
              number("updated"),
              text("updated_by"),
              number("revision"),
              text("semantic"),
              text("type"),
              text("kind"),
              text("relation"),
              text("state"),
              text("task"),
              text("architecture"),
              text("backend"),
              text("number_format"),
              number("parameters"),
              number("context_length"),
              number("bytes"),
              text("weights"),
              text("base"),
              text("plan"),
              text("job"),
              text("description"),
              text("licence"),
              text("terms"),
              text("specialisation"),
              text("report"),
              text("verdict"),
              text("folder"),
              reference("parent_id", "version")),
          new Table(
              "version_file",
              Key.NONE,
              2,
              reference("version_id", "version"),
              text("path"),
              number("bytes"),
              text("digest")),
          new Table(
              "version_metric",
              Key.NONE,
              2,
              reference("version_id", "version"),
              text("name"),
              new Column("value", Kind.REAL, null)),
          new Table(
              "version_tag",
              Key.NONE,
              2,
              reference("version_id", "version"),
              text("name"),
              text("value")),
          new Table(
              "version_data",
              Key.NONE,
              2,
              reference("version_id", "version"),
              number("position"),
              text("fingerprint")),
          new Table("version_word", Key.NONE, 2, text("word"), reference("version_id", "version")),
          new Table(
              "version_document",
              Key.NONE,
              3,
              reference("version_id", "version"),
              text("kind"),
              text("digest"),
              number("bytes"),
              text("media_type"),
              number("added"),
              text("added_by")),
          new Table(
              "version_usage",
              Key.NONE,
              1,
              reference("version_id", "version"),
              number("requests"),
              number("errors"),
              number("latency_nanos"),
              number("last_used")),
          new Table(
              "deployment",
              Key.KEPT,
              1,
              reference("model_id", "model"),
              number("number"),
              text("environment"),
              text("target"),
              number("since"),
              number("ended"),
              text("deployed_by")),
          new Table(
              "alias",
              Key.NONE,
              2,
              reference("model_id", "model"),
              text("name"),
              reference("version_id", "version")),
          new Table(
              "alias_move",
              Key.NEW,
              1,
              reference("model_id", "model"),
              text("alias"),
              number("from_number"),
              number("to_number"),
              number("moved"),
              text("reason")),
          new Table(
              "approval",
              Key.KEPT,
              1,
              reference("model_id", "model"),
              number("number"),
              text("alias"),
              text("artifact"),
              text("report"),
              number("requested"),
              text("requested_by"),
              text("reason"),
              text("status")),
          new Table(
              "approval_decision",
              Key.NONE,
              2,
              reference("approval_id", "approval"),
              text("principal"),
              text("decision"),
              number("decided"),
              text("reason")),
          new Table(
              "rollout",
              Key.NONE,
              2,
              reference("model_id", "model"),
              text("alias"),
              text("champion"),
              text("candidate"),
              text("strategy"),
              text("phase"),
              number("step"),
              number("begun"),
              number("changed"),
              text("changed_by"),
              text("reason"),
              number("revision")),
          new Table("setting", Key.NONE, 1, text("name"), text("value")),
          new Table(
              "role_permission",
              Key.NONE,
              4,
              text("role"),
              text("permission"),
              text("model"),
              text("stage")),
          new Table("role_member", Key.NONE, 2, text("role"), text("principal")),
          new Table(
              "audit",
              Key.NONE,
              1,
              number("id"),
              number("happened"),
              text("principal"),
              text("action"),
              text("subject"),
              text("old_value"),
              text("new_value"),
              text("reason"),
              text("hash")));

  private static final List<String> CONTENTS =
      List.of(
          "SELECT DISTINCT digest, bytes FROM version_file ORDER BY digest",
          "SELECT DISTINCT digest, bytes FROM version_document ORDER BY digest",
          "SELECT DISTINCT report, 0 FROM version WHERE report IS NOT NULL ORDER BY report");

  private TableRows() {}

  private static Column number(String name) {
    return new Column(name, Kind.NUMBER, null);
  }

  private static Column text(String name) {
    return new Column(name, Kind.TEXT, null);
  }

  private static Column reference(String name, String table) {
    return new Column(name, Kind.NUMBER, table);
  }

  /** Receives rows: values by column, {@code Long}, {@code Double}, {@code String} or null. */
  @FunctionalInterface
  public interface Sink {
    void accept(Map<String, @Nullable Object> row);
  }

  /** Reads all rows of a table, in an order that does not depend on the database's file. */
  public static void read(Session session, Table table, Sink sink) throws SQLException {
    List<Column> columns = table.columns();
    session.query(
        table.select,
        row -> {
          sink.accept(row(row, columns));
          return true;
        });
  }

  private static Map<String, @Nullable Object> row(ResultSet row, List<Column> columns)
      throws SQLException {
    Map<String, @Nullable Object> values = new LinkedHashMap<>();
    for (Column column : columns) {
      Object value =
          switch (column.kind()) {
            case NUMBER -> row.getLong(column.name());
            case REAL -> row.getDouble(column.name());
            case TEXT -> row.getString(column.name());
          };
      values.put(column.name(), row.wasNull() ? null : value);
    }
    return values;
  }

  /** Every content that a version has, with its size; that of reports is not known. */
  public static Map<Digest, Long> contents(Session session) throws SQLException {
    Map<Digest, Long> contents = new LinkedHashMap<>();
    for (String query : CONTENTS) {
      session.query(
          query, row -> contents.putIfAbsent(new Digest(row.getString(1)), row.getLong(2)) == null);
    }
    return contents;
  }

  /** The tables that have rows. */
  public static Set<String> filled(Session session) throws SQLException {
    Set<String> filled = new TreeSet<>();
    for (Table table : ALL) {
      if (session.exists(table.probe)) {
        filled.add(table.name);
      }
    }
    return filled;
  }

  /** Fills empty tables inside one writing transaction. Not thread-safe. */
  public static final class Loader {
    private final Map<String, Map<Long, Long>> keys = new HashMap<>();

    /**
     * Adds a row; rows it refers to must have been added.
     *
     * @throws IllegalArgumentException if it refers to a row that has not
     */
    public void add(Session session, Table table, Map<String, @Nullable Object> row)
        throws SQLException {
      @Nullable Object[] values = new @Nullable Object[table.columns.size()];
      for (int i = 0; i < values.length; i++) {
        values[i] = value(table, table.columns.get(i), row);
      }
      if (table.key == Key.NONE) {
        session.update(table.insert, values);
        return;
      }
      if (!(row.get("id") instanceof Long old)) {
        throw new IllegalArgumentException("a row of " + table.name + " has no id");
      }
      long key =
          table.key == Key.NEW
              ? session.insert(table.insert, values)
              : insertKept(session, table, values, old);
      if (keys.computeIfAbsent(table.name, name -> new HashMap<>()).put(old, key) != null) {
        throw new IllegalArgumentException("two rows of " + table.name + " have the id " + old);
      }
    }

    private @Nullable Object value(Table table, Column column, Map<String, @Nullable Object> row) {
      Object value = row.get(column.name());
      if (column.references() == null || value == null) {
        return value;
      }
      Long key = keys.getOrDefault(column.references(), Map.of()).get(value);
      if (key == null) {
        throw new IllegalArgumentException(
            "a row of "
                + table.name
                + " refers to "
                + column.references()
                + " "
                + value
                + ", which is not there");
      }
      return key;
    }

    /**
     * Lets the database count up to the number, so that it goes on after it; rows below it that
     * were only for counting are removed.
     */
    private static long insertKept(
        Session session, Table table, @Nullable Object[] values, long wanted) throws SQLException {
      List<Long> counted = new ArrayList<>();
      long key = session.insert(table.insert, values);
      while (key < wanted) {
        counted.add(key);
        key = session.insert(table.insert, values);
      }
      if (key > wanted) {
        counted.add(key);
        @Nullable Object[] withKey = Arrays.copyOf(values, values.length + 1);
        withKey[values.length] = wanted;
        session.update(table.insertWithKey, withKey);
      }
      for (long other : counted) {
        session.update(table.delete, other);
      }
      return wanted;
    }
  }
}
