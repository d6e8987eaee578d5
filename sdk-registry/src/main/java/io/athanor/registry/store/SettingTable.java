package io.athanor.registry.store;

import java.sql.SQLException;
import java.util.Optional;

/** What a registry is set to, by name. Thread-safe. */
public final class SettingTable {
  /** A setting's value, if it was ever set. */
  public Optional<String> value(Session session, String name) throws SQLException {
    return session.first("SELECT value FROM setting WHERE name = ?", row -> row.getString(1), name);
  }

  /** Sets a value. */
  public void set(Session session, String name, String value) throws SQLException {
    if (session.update("UPDATE setting SET value = ? WHERE name = ?", value, name) == 0) {
      session.update("INSERT INTO setting (name, value) VALUES (?, ?)", name, value);
    }
  }
}
