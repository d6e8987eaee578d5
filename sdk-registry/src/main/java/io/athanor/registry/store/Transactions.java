package io.athanor.registry.store;

import io.athanor.api.error.OutcomeUnknownException;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Deque;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Work on a database, whole or not at all. Thread-safe: each piece of work has a connection of its
 * own, and connections are used again.
 */
public final class Transactions implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Transactions.class);
  private static final int MOST_IDLE = 16;
  private static final long UNDOUBTED_NANOS = TimeUnit.SECONDS.toNanos(30);
  private static final int CHECK_SECONDS = 5;

  private final Database database;
  private final Deque<Idle> idle = new ConcurrentLinkedDeque<>();
  private volatile boolean closed;

  public Transactions(Database database) {
    this.database = database;
  }

  /** Something to do inside a transaction. */
  @FunctionalInterface
  public interface Work<T> {
    T run(Session session) throws SQLException;
  }

  private record Link(Connection connection, Statements statements) {
    static Link to(Connection connection) {
      return new Link(connection, new Statements(connection));
    }
  }

  private record Idle(Link link, long since) {
    boolean alive() throws SQLException {
      return System.nanoTime() - since < UNDOUBTED_NANOS
          || link.connection().isValid(CHECK_SECONDS);
    }
  }

  /** Reads one state of the database. */
  public <T> T read(Work<T> work) {
    return run(false, work);
  }

  /**
   * Changes the database, alone among writers of all threads and processes. If the work throws,
   * nothing is changed.
   *
   * @throws OutcomeUnknownException if the database was lost while it committed the change
   */
  public <T> T write(Work<T> work) {
    return run(true, work);
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

  private <T> T run(boolean writing, Work<T> work) {
    requireOpen();
    try {
      Link link = begin(writing);
      Connection connection = link.connection();
      boolean sound = false;
      try {
        boolean done = false;
        try {
          T result = work.run(new Session(connection, link.statements()));
          sound = commit(connection, writing);
          done = true;
          return result;
        } finally {
          if (!done) {
            sound = rollBack(connection);
          }
          if (writing && sound) {
            sound = endWrite(connection);
          }
        }
      } finally {
        release(link, sound);
      }
    } catch (SQLException e) {
      throw database.explain(e);
    }
  }

  /** Nothing has been asked yet, so a connection that died while idle may be replaced unnoticed. */
  private Link begin(boolean writing) throws SQLException {
    Idle used = idle.pollLast();
    if (used != null) {
      try {
        if (used.alive()) {
          begin(used.link().connection(), writing);
          return used.link();
        }
        used.link().connection().close();
      } catch (SQLException e) {
        if (!database.lost(e)) {
          throw e;
        }
      }
      closeIdle();
    }
    Connection connection = database.connect();
    begin(connection, writing);
    return Link.to(connection);
  }

  private void begin(Connection connection, boolean writing) throws SQLException {
    boolean begun = false;
    try {
      if (writing) {
        database.beginWrite(connection);
      } else {
        database.beginRead(connection);
      }
      begun = true;
    } finally {
      if (!begun) {
        closeQuietly(connection);
      }
    }
  }

  /** Says whether the connection can be used again; what was read is known even if it cannot. */
  private boolean commit(Connection connection, boolean writing) throws SQLException {
    try {
      execute(connection, "COMMIT");
      return true;
    } catch (SQLException e) {
      if (!writing && database.lost(e)) {
        return false;
      }
      if (database.lost(e)) {
        throw new OutcomeUnknownException(
            database.place()
                + ": the connection was lost while a change was being committed. Look whether it"
                + " took effect before you repeat it",
            e);
      }
      throw e;
    }
  }

  /** Says whether the connection can be used again; the first failure is the one reported. */
  private static boolean rollBack(Connection connection) {
    try {
      execute(connection, "ROLLBACK");
      return true;
    } catch (SQLException e) {
      return false;
    }
  }

  /** Says whether the connection can be used again; if not, closing it lets the next writer in. */
  private boolean endWrite(Connection connection) {
    try {
      database.endWrite(connection);
      return true;
    } catch (SQLException e) {
      return false;
    }
  }

  private void release(Link link, boolean sound) {
    if (!sound || idle.size() >= MOST_IDLE) {
      closeQuietly(link.connection());
      return;
    }
    idle.addLast(new Idle(link, System.nanoTime()));
    if (closed) {
      closeIdle();
    }
  }

  private static void execute(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }

  private void closeIdle() {
    for (Idle next = idle.poll(); next != null; next = idle.poll()) {
      closeQuietly(next.link().connection());
    }
  }

  /** What was to be done with it is done or has failed; that it does not close changes neither. */
  private static void closeQuietly(Connection connection) {
    try {
      connection.close();
    } catch (SQLException e) {
      LOG.debug("A connection did not close", e);
    }
  }

  /** Closes every connection, those in use as soon as their work ends; twice is fine. */
  @Override
  public void close() {
    closed = true;
    closeIdle();
  }
}
