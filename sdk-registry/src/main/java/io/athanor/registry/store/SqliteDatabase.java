package io.athanor.registry.store;

import io.athanor.api.error.AthanorException;
import io.athanor.api.error.ConflictException;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.StorageException;
import io.athanor.api.error.UnsupportedException;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;
import org.sqlite.SQLiteConfig;
import org.sqlite.SQLiteErrorCode;

/**
 * A SQLite file in write-ahead mode: readers never wait, writers take turns, and any number of
 * processes of one machine may take part.
 */
public final class SqliteDatabase implements Database {
  private static final int PRIMARY_CODE = 0xff;
  private static final Duration PAUSE = Duration.ofMillis(20);

  /** Of each connection, at most; SQLite's own 2,000 are too few for searches. */
  private static final int CACHE_KIBIBYTES = 32_000;

  private final Path file;
  private final Duration patience;

  /**
   * @param file in an existing folder of a local disk; created if absent
   * @param patience how long to wait for other writers
   * @throws UnsupportedException if the path cannot be named in a SQLite address
   */
  public SqliteDatabase(Path file, Duration patience) {
    this.file = file.toAbsolutePath();
    this.patience = patience;
    if (this.file.toString().contains("?")) {
      throw new UnsupportedException(
          "a registry below a folder with '?' in its name, got '" + this.file + "'",
          "Choose another folder");
    }
  }

  @Override
  public String dialect() {
    return "sqlite";
  }

  @Override
  public String place() {
    return file.toString();
  }

  @Override
  public Connection connect() throws SQLException {
    SQLiteConfig config = new SQLiteConfig();
    config.setBusyTimeout(Math.toIntExact(patience.toMillis()));
    config.setSynchronous(SQLiteConfig.SynchronousMode.FULL);
    config.enforceForeignKeys(true);
    config.setCacheSize(-CACHE_KIBIBYTES);
    Connection connection = config.createConnection("jdbc:sqlite:" + file);
    try {
      turnOnWriteAhead(connection);
      return connection;
    } catch (SQLException e) {
      connection.close();
      throw e;
    }
  }

  /** SQLite does not wait by itself while another process turns it on, too. */
  private void turnOnWriteAhead(Connection connection) throws SQLException {
    long end = System.nanoTime() + patience.toNanos();
    while (true) {
      try {
        execute(connection, "PRAGMA journal_mode = WAL");
        return;
      } catch (SQLException e) {
        if (code(e) != SQLiteErrorCode.SQLITE_BUSY.code || System.nanoTime() > end) {
          throw e;
        }
        pause(e);
      }
    }
  }

  private static void pause(SQLException busy) throws SQLException {
    try {
      Thread.sleep(PAUSE.toMillis());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw busy;
    }
  }

  @Override
  public void beginRead(Connection connection) throws SQLException {
    execute(connection, "BEGIN DEFERRED");
  }

  @Override
  public void beginWrite(Connection connection) throws SQLException {
    execute(connection, "BEGIN IMMEDIATE");
  }

  /** The end of the transaction has let the next writer in. */
  @Override
  public void endWrite(Connection connection) {}

  /** There is nothing between this process and the file that could be lost. */
  @Override
  public boolean lost(SQLException failure) {
    return false;
  }

  @Override
  public AthanorException explain(SQLException failure) {
    String place = file.toString();
    return switch (SQLiteErrorCode.getErrorCode(code(failure))) {
      case SQLITE_CORRUPT, SQLITE_NOTADB ->
          new FormatException(
              place,
              "damaged, or not a database (" + message(failure) + "). Restore it from a copy",
              failure);
      case SQLITE_BUSY, SQLITE_LOCKED ->
          new StorageException(
              place,
              "another process has been writing for more than " + patience + ". Try again",
              failure);
      case SQLITE_FULL -> new StorageException(place, "the disk is full. Free some space", failure);
      case SQLITE_READONLY, SQLITE_CANTOPEN, SQLITE_PERM, SQLITE_AUTH ->
          new StorageException(
              place,
              "cannot be opened for writing ("
                  + message(failure)
                  + "). Check that folder and file are writable",
              failure);
      case SQLITE_CONSTRAINT ->
          new ConflictException(
              place + ": what was to be stored collides with what is (" + message(failure) + ")",
              true);
      default -> new StorageException(place, "failed (" + message(failure) + ")", failure);
    };
  }

  private static String message(SQLException failure) {
    return String.valueOf(failure.getMessage());
  }

  private static int code(SQLException failure) {
    return failure.getErrorCode() & PRIMARY_CODE;
  }

  @Override
  public String integrityProblems(Session session) throws SQLException {
    List<String> found = session.query("PRAGMA integrity_check(10)", row -> row.getString(1));
    return found.equals(List.of("ok")) ? "" : String.join("; ", found);
  }

  private static void execute(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }
}
