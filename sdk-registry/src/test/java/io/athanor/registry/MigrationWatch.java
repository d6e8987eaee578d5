package io.athanor.registry;

import io.athanor.api.error.AthanorException;
import io.athanor.registry.store.Database;
import io.athanor.registry.store.Session;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Proxy;
import java.sql.Connection;
import java.sql.SQLException;
import java.util.function.Consumer;

/** A database that tells when a transaction begins to change tables, and when it has ended. */
final class MigrationWatch implements Database {
  static final String BEGUN = "migrating";
  static final String ENDED = "migrated";

  private final Database behind;
  private final Consumer<String> told;
  private boolean migrating;

  MigrationWatch(Database behind, Consumer<String> told) {
    this.behind = behind;
    this.told = told;
  }

  @Override
  public Connection connect() throws SQLException {
    Connection connection = behind.connect();
    return (Connection)
        Proxy.newProxyInstance(
            Connection.class.getClassLoader(),
            new Class<?>[] {Connection.class},
            (proxy, method, arguments) -> {
              if (method.getName().equals("prepareStatement")) {
                prepare((String) arguments[0]);
              }
              try {
                return method.invoke(connection, arguments);
              } catch (InvocationTargetException e) {
                throw e.getCause();
              }
            });
  }

  private synchronized void prepare(String sql) {
    if (!migrating && sql.matches("(?s)(CREATE|ALTER|DROP) .*")) {
      migrating = true;
      told.accept(BEGUN);
    }
  }

  @Override
  public void endWrite(Connection connection) throws SQLException {
    behind.endWrite(connection);
    synchronized (this) {
      if (migrating) {
        migrating = false;
        told.accept(ENDED);
      }
    }
  }

  @Override
  public String dialect() {
    return behind.dialect();
  }

  @Override
  public String place() {
    return behind.place();
  }

  @Override
  public void beginRead(Connection connection) throws SQLException {
    behind.beginRead(connection);
  }

  @Override
  public void beginWrite(Connection connection) throws SQLException {
    behind.beginWrite(connection);
  }

  @Override
  public boolean lost(SQLException failure) {
    return behind.lost(failure);
  }

  @Override
  public AthanorException explain(SQLException failure) {
    return behind.explain(failure);
  }

  @Override
  public String integrityProblems(Session session) throws SQLException {
    return behind.integrityProblems(session);
  }
}
