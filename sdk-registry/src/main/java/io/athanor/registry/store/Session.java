package io.athanor.registry.store;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** Statements inside one transaction. Texts are constants, values are bound. Not thread-safe. */
public final class Session {
  private static final String[] TABLES = {"TABLE"};

  private final Connection connection;
  private final Statements statements;

  Session(Connection connection, Statements statements) {
    this.connection = connection;
    this.statements = statements;
  }

  /** Reads one row. */
  @FunctionalInterface
  public interface Mapper<T> {
    T map(ResultSet row) throws SQLException;
  }

  /** Every row of a query. */
  public <T> List<T> query(String sql, Mapper<T> mapper, @Nullable Object... values)
      throws SQLException {
    return statements.with(
        sql,
        statement -> {
          bind(statement, values);
          try (ResultSet rows = statement.executeQuery()) {
            List<T> all = new ArrayList<>();
            while (rows.next()) {
              all.add(mapper.map(rows));
            }
            return all;
          }
        });
  }

  /** The first row of a query. */
  public <T> Optional<T> first(String sql, Mapper<T> mapper, @Nullable Object... values)
      throws SQLException {
    return query(sql, mapper, values).stream().findFirst();
  }

  /** Whether a query has a row. */
  public boolean exists(String sql, @Nullable Object... values) throws SQLException {
    return first(sql, row -> true, values).isPresent();
  }

  /** Changes rows. */
  public int update(String sql, @Nullable Object... values) throws SQLException {
    return statements.with(
        sql,
        statement -> {
          bind(statement, values);
          return statement.executeUpdate();
        });
  }

  /** Adds a row and gives the {@code id} it was assigned. */
  public long insert(String sql, @Nullable Object... values) throws SQLException {
    return first(sql + " RETURNING id", row -> row.getLong(1), values).orElseThrow();
  }

  /** The names of the tables in the registry's schema. */
  Set<String> tables() throws SQLException {
    Set<String> names = new TreeSet<>();
    try (ResultSet tables =
        connection
            .getMetaData()
            .getTables(connection.getCatalog(), connection.getSchema(), "%", TABLES)) {
      while (tables.next()) {
        names.add(tables.getString("TABLE_NAME"));
      }
    }
    return names;
  }

  /** {@code "?, ?, ?"}. */
  static String placeholders(int count) {
    return String.join(", ", Collections.nCopies(count, "?"));
  }

  private static void bind(PreparedStatement statement, @Nullable Object... values)
      throws SQLException {
    for (int i = 0; i < values.length; i++) {
      statement.setObject(i + 1, values[i]);
    }
  }
}
