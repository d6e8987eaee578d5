package io.athanor.registry.store;

import io.athanor.api.common.Digest;
import io.athanor.api.common.Secret;
import io.athanor.api.error.AthanorException;
import io.athanor.api.error.UnsupportedException;
import java.nio.ByteBuffer;
import java.sql.Connection;
import java.sql.SQLException;
import java.time.Duration;
import java.util.HexFormat;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Pattern;

/**
 * A schema of a PostgreSQL database, version 12 or newer, shared by any number of machines. Readers
 * never wait; writers of one schema take turns. Needs the library {@code org.postgresql:postgresql}
 * on the class path. Immutable and thread-safe.
 *
 * <p>The address may have the driver's parameters, for example {@code sslmode=verify-full} for an
 * encrypted connection to a server that proves who it is, or {@code connectTimeout} in seconds. It
 * must lead to the server itself, not to a pool that shares connections between clients.
 */
public final class PostgresDatabase implements Database {
  private static final String SCHEME = "jdbc:postgresql:";
  private static final Pattern SCHEMA = Pattern.compile("[a-z_][a-z0-9_]{0,62}");
  private static final int OLDEST = 12;

  private final ServerAddress address;
  private final String schema;
  private final Duration patience;
  private final long turn;

  private PostgresDatabase(ServerAddress address, String schema, Duration patience) {
    this.address = address;
    this.schema = schema;
    this.patience = patience;
    byte[] digest = HexFormat.of().parseHex(Digest.ofText("athanor registry " + schema).hex());
    this.turn = ByteBuffer.wrap(digest).getLong();
  }

  /**
   * The schema "athanor" of a database, made if it is not there. Nothing is connected yet.
   *
   * @param url for example {@code "jdbc:postgresql://db.example.org:5432/models?sslmode=require"}
   * @throws IllegalArgumentException if it is not such an address, or holds a password
   */
  public static PostgresDatabase at(String url, String user, Secret password) {
    ServerAddress address = new ServerAddress(SCHEME, url, user, password);
    if (address.has("currentSchema")) {
      throw new IllegalArgumentException("url must not name a schema; name it with schema(name)");
    }
    return new PostgresDatabase(address, "athanor", ServerFailures.PATIENCE);
  }

  /**
   * Another schema: each holds a registry of its own.
   *
   * @param name of the characters a-z, 0-9 and _, at most 63
   */
  public PostgresDatabase schema(String name) {
    if (!SCHEMA.matcher(name).matches()) {
      throw new IllegalArgumentException(
          "name must be 1 to 63 of the characters a-z, 0-9 and '_', got '" + name + "'");
    }
    return new PostgresDatabase(address, name, patience);
  }

  /** How long to wait for other writers; a minute unless set. */
  public PostgresDatabase patience(Duration longest) {
    return new PostgresDatabase(address, schema, ServerFailures.requirePatience(longest));
  }

  @Override
  public String dialect() {
    return "postgresql";
  }

  @Override
  public String place() {
    return address + " schema " + schema;
  }

  @Override
  public Connection connect() throws SQLException {
    Connection connection =
        address.connect(
            "org.postgresql.Driver",
            "org.postgresql:postgresql",
            Map.of(
                "currentSchema", schema,
                "ApplicationName", "Athanor",
                "connectTimeout", "10",
                "socketTimeout", Long.toString(patience.toSeconds() + ServerFailures.ANSWER),
                "tcpKeepAlive", "true"));
    boolean ready = false;
    try {
      int version = connection.getMetaData().getDatabaseMajorVersion();
      if (version < OLDEST) {
        throw new UnsupportedException(
            "PostgreSQL " + version + " at " + place(), "Use version " + OLDEST + " or newer");
      }
      makeSchema(connection);
      ready = true;
      return connection;
    } finally {
      if (!ready) {
        connection.close();
      }
    }
  }

  /** The server notices within two minutes when this machine is gone, and lets others write. */
  private void makeSchema(Connection connection) throws SQLException {
    ServerAddress.execute(
        connection,
        "SET tcp_keepalives_idle = 60; SET tcp_keepalives_interval = 10;"
            + " SET tcp_keepalives_count = 6; SET client_min_messages = warning");
    if (connection.getSchema() == null) {
      ServerAddress.execute(
          connection,
          "BEGIN; SELECT pg_advisory_xact_lock("
              + turn
              + "); CREATE SCHEMA IF NOT EXISTS \""
              + schema
              + "\"; COMMIT");
    }
  }

  @Override
  public void beginRead(Connection connection) throws SQLException {
    ServerAddress.execute(connection, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY");
  }

  /** Each statement sees what is committed, and the writer before has committed. */
  @Override
  public void beginWrite(Connection connection) throws SQLException {
    ServerAddress.execute(
        connection,
        "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL lock_timeout = "
            + patience.toMillis()
            + "; SELECT pg_advisory_xact_lock("
            + turn
            + ")");
  }

  /** The end of the transaction has let the next writer in. */
  @Override
  public void endWrite(Connection connection) {}

  @Override
  public boolean lost(SQLException failure) {
    String state = state(failure);
    return state.startsWith("08") || state.startsWith("57P0") || state.equals("25P03");
  }

  @Override
  public AthanorException explain(SQLException failure) {
    ServerFailures failures = new ServerFailures(place(), failure);
    String state = state(failure);
    return switch (state) {
      case "08001", "57P03" -> failures.unreachable();
      case "28P01", "28000" -> failures.refused(address.user());
      case "3D000" -> failures.noDatabase();
      case "3F000", "42501" ->
          failures.mayNot(
              address.user(), "CREATE SCHEMA " + schema + " AUTHORIZATION " + address.user());
      case "53100" -> failures.fullDisk();
      case "53300" -> failures.tooManyConnections();
      case "25006" -> failures.readOnly();
      case "55P03" -> failures.busy(patience);
      case "40001", "40P01" -> failures.collidedInTime();
      case "XX001", "XX002" -> failures.damaged();
      default -> {
        if (lost(failure)) {
          yield failures.lost();
        }
        yield switch (state.length() < 2 ? "" : state.substring(0, 2)) {
          case "22", "54" -> failures.unfit();
          case "23" -> failures.collides();
          default -> failures.storage("failed");
        };
      }
    };
  }

  private static String state(SQLException failure) {
    return Objects.requireNonNullElse(failure.getSQLState(), "");
  }

  /** PostgreSQL has no check of its own that any user may run. */
  @Override
  public String integrityProblems(Session session) {
    return "";
  }

  /** The place; tells no secret. */
  @Override
  public String toString() {
    return place();
  }
}
