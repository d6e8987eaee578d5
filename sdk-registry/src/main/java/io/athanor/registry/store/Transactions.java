package io.athanor.registry.store;

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;

/**
 * Work on a database, whole or not at all. Thread-safe: each piece of work has a connection of its
 * own, and connections are used again.
 */
public final class Transactions implements AutoCloseable {
  private final Database database;
  private final Queue<Connection> idle = new ConcurrentLinkedQueue<>();
  private volatile boolean closed;

  public Transactions(Database database) {
    this.database = database;
  }

  /** Something to do inside a transaction. */
  @FunctionalInterface
  public interface Work<T> {
    T run(Session session) throws SQLException;
  }

  /** Reads one state of the database. */
  public <T> T read(Work<T> work) {
    return run(database::beginRead, work);
  }

  /**
   * Changes the database, alone among writers of all threads and processes. If the work throws,
   * nothing is changed.
   */
  public <T> T write(Work<T> work) {
    return run(database::beginWrite, work);
  }

  /**
   * Checks that there is still something to work with.
   *
   * @throws IllegalStateException after {@link #close}
   */
  public void requireOpen() {
    if (closed) {
      throw new IllegalStateException("registry is closed");
    }
  }

  public Database database() {
    return database;
  }

  @FunctionalInterface
  private interface Begin {
    void on(Connection connection) throws SQLException;
  }

  private <T> T run(Begin begin, Work<T> work) {
    requireOpen();
    try {
      Connection connection = idle.poll();
      if (connection == null) {
        connection = database.connect();
      }
      boolean sound = false;
      try {
        begin.on(connection);
        T result = finish(connection, work);
        sound = true;
        return result;
      } finally {
        release(connection, sound);
      }
    } catch (SQLException e) {
      throw database.explain(e);
    }
  }

  private static <T> T finish(Connection connection, Work<T> work) throws SQLException {
    boolean done = false;
    try {
      T result = work.run(new Session(connection));
      execute(connection, "COMMIT");
      done = true;
      return result;
    } finally {
      if (!done) {
        rollBack(connection);
      }
    }
  }

  private static void rollBack(Connection connection) {
    try {
      execute(connection, "ROLLBACK");
    } catch (SQLException e) {
      // The connection is closed next, which rolls back too; the first failure is reported.
    }
  }

  private void release(Connection connection, boolean sound) throws SQLException {
    if (!sound) {
      connection.close();
      return;
    }
    idle.add(connection);
    if (closed) {
      closeIdle();
    }
  }

  private static void execute(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }

  private void closeIdle() throws SQLException {
    for (Connection next = idle.poll(); next != null; next = idle.poll()) {
      next.close();
    }
  }

  /** Closes every connection, those in use as soon as their work ends; twice is fine. */
  @Override
  public void close() {
    closed = true;
    try {
      closeIdle();
    } catch (SQLException e) {
      throw database.explain(e);
    }
  }
}
