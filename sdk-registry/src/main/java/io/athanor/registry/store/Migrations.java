package io.athanor.registry.store;

import io.athanor.api.error.ConflictException;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.StorageException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.sql.SQLException;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Set;

/** Brings a database's tables to the form this library knows, one numbered script after another. */
public final class Migrations {
  private static final List<String> SCRIPTS =
      List.of("V001__models_versions_aliases.sql", "V002__governance.sql");
  private static final String VERSIONS = "schema_version";

  private Migrations() {}

  /** The version of the tables that this library knows. */
  public static int schema() {
    return SCRIPTS.size();
  }

  /**
   * Runs the scripts that are missing, all or none; any number of processes may at once. MariaDB
   * commits after each statement, so its scripts are written to go on where they were interrupted.
   *
   * @throws FormatException if a newer library has made the tables
   * @throws ConflictException if there are tables of something else
   */
  public static void apply(Transactions transactions, Instant now) {
    if (transactions.read(session -> version(session)) == SCRIPTS.size()) {
      return;
    }
    transactions.write(
        session -> {
          requireOwn(session, transactions.database().place());
          session.update(
              "CREATE TABLE IF NOT EXISTS schema_version (version INTEGER PRIMARY KEY, script TEXT"
                  + " NOT NULL, applied BIGINT NOT NULL)");
          int found = version(session);
          if (found > SCRIPTS.size()) {
            throw new FormatException(
                transactions.database().place(),
                "tables of schema version "
                    + found
                    + "; this library knows versions up to "
                    + SCRIPTS.size()
                    + ". Use a newer Athanor");
          }
          for (int next = found + 1; next <= SCRIPTS.size(); next++) {
            String script = SCRIPTS.get(next - 1);
            for (String statement : statements(transactions.database().dialect(), script)) {
              session.update(statement);
            }
            session.update(
                "INSERT INTO schema_version (version, script, applied) VALUES (?, ?, ?)",
                next,
                script,
                Micros.of(now));
          }
          if (found == 1) {
            new WordTable().writeAll(session);
          }
          return found;
        });
  }

  private static void requireOwn(Session session, String place) throws SQLException {
    Set<String> tables = session.tables();
    if (!tables.isEmpty() && !tables.contains(VERSIONS)) {
      throw new ConflictException(
          place
              + ": there are tables of something else ("
              + String.join(", ", tables)
              + "). Give the registry a schema or database of its own",
          false);
    }
  }

  private static int version(Session session) throws SQLException {
    return session.tables().contains(VERSIONS)
        ? session.first("SELECT MAX(version) FROM schema_version", row -> row.getInt(1)).orElse(0)
        : 0;
  }

  private static List<String> statements(String dialect, String script) {
    try (InputStream in = Migrations.class.getResourceAsStream(dialect + "/" + script)) {
      if (in == null) {
        throw new IllegalStateException("The jar lacks its script " + dialect + "/" + script);
      }
      String text = new String(in.readAllBytes(), StandardCharsets.UTF_8);
      return Arrays.stream(text.replaceAll("(?m)--.*$", "").split(";\\s*(?:\n|$)", -1))
          .map(String::strip)
          .filter(statement -> !statement.isEmpty())
          .toList();
    } catch (IOException e) {
      throw new StorageException(script, "the library's own script cannot be read (" + e + ")", e);
    }
  }
}
