package io.athanor.registry.store;

import io.athanor.api.error.AthanorException;
import java.sql.Connection;
import java.sql.SQLException;

/** What differs between database systems. Thread-safe. */
public interface Database {
  /** Names the folder of its migrations. */
  String dialect();

  /** Named in errors; tells no secret. */
  String place();

  /** A new connection in auto-commit mode, with foreign keys checked. */
  Connection connect() throws SQLException;

  /** Begins a transaction that sees one state of the database. */
  void beginRead(Connection connection) throws SQLException;

  /** Begins a transaction that no other writing transaction runs beside, waiting for its turn. */
  void beginWrite(Connection connection) throws SQLException;

  /**
   * Lets the next writer in, after the writing transaction was committed or rolled back; closing
   * the connection does, too.
   */
  void endWrite(Connection connection) throws SQLException;

  /** Whether the connection is gone, so that nobody knows what became of the statement. */
  boolean lost(SQLException failure);

  /** A failure in our own words. */
  AthanorException explain(SQLException failure);

  /** What the database itself finds wrong with its content; empty if nothing. */
  String integrityProblems(Session session) throws SQLException;
}
