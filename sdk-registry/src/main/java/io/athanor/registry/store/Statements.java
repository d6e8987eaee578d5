package io.athanor.registry.store;

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Prepared statements of a connection, kept to be used again: for small queries, preparing takes
 * longer than running. They end with the connection. Not thread-safe.
 */
final class Statements {
  private static final int MOST = 100;

  private final Connection connection;
  private final Map<String, PreparedStatement> unused = new LinkedHashMap<>();

  Statements(Connection connection) {
    this.connection = connection;
  }

  /** Something to do with a statement. */
  @FunctionalInterface
  interface Work<T> {
    T run(PreparedStatement statement) throws SQLException;
  }

  /** Does something with a statement that nobody else has, not even a caller further up. */
  <T> T with(String sql, Work<T> work) throws SQLException {
    PreparedStatement kept = unused.remove(sql);
    PreparedStatement statement = kept == null ? connection.prepareStatement(sql) : kept;
    T result;
    try {
      result = work.run(statement);
    } catch (SQLException | RuntimeException e) {
      close(statement, e);
      throw e;
    }
    keep(sql, statement);
    return result;
  }

  private static void close(PreparedStatement statement, Exception failure) {
    try {
      statement.close();
    } catch (SQLException e) {
      failure.addSuppressed(e);
    }
  }

  private void keep(String sql, PreparedStatement statement) throws SQLException {
    PreparedStatement other = unused.put(sql, statement);
    if (other != null) {
      other.close();
    }
    if (unused.size() > MOST) {
      Iterator<PreparedStatement> oldest = unused.values().iterator();
      oldest.next().close();
      oldest.remove();
    }
  }
}
