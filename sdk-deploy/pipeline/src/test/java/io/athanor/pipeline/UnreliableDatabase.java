package io.athanor.pipeline;

import io.athanor.api.error.AthanorException;
import io.athanor.registry.store.Database;
import io.athanor.registry.store.Session;
import io.athanor.registry.store.SqliteDatabase;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;

/** A database that takes no changes while it cannot be reached. */
final class UnreliableDatabase implements Database {
  private final Database database;
  boolean reachable = true;
  int refused;

  UnreliableDatabase(Path file) {
    this.database = new SqliteDatabase(file, Duration.ofSeconds(10));
  }

  @Override
  public String dialect() {
    return database.dialect();
  }

  @Override
  public String place() {
    return database.place();
  }

  @Override
  public Connection connect() throws SQLException {
    return database.connect();
  }

  @Override
  public void beginRead(Connection connection) throws SQLException {
    database.beginRead(connection);
  }

  @Override
  public void beginWrite(Connection connection) throws SQLException {
    if (!reachable) {
      refused++;
      throw new SQLException("no route to host");
    }
    database.beginWrite(connection);
  }

  @Override
  public void endWrite(Connection connection) throws SQLException {
    database.endWrite(connection);
  }

  @Override
  public boolean lost(SQLException failure) {
    return database.lost(failure);
  }

  @Override
  public AthanorException explain(SQLException failure) {
    return database.explain(failure);
  }

  @Override
  public String integrityProblems(Session session) throws SQLException {
    return database.integrityProblems(session);
  }
}
