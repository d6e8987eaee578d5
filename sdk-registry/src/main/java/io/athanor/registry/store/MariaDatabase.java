package io.athanor.registry.store;

import io.athanor.api.common.Digest;
import io.athanor.api.common.Secret;
import io.athanor.api.error.AthanorException;
import io.athanor.api.error.StorageException;
import io.athanor.api.error.UnsupportedException;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.Map;
import java.util.Objects;

/**
 * A database of a MariaDB server, version 10.6 or newer, for the registry alone, shared by any
 * number of machines. Readers never wait; writers take turns. Needs the library {@code
 * org.mariadb.jdbc:mariadb-java-client} on the class path. Immutable and thread-safe.
 *
 * <p>The address may have the driver's parameters, for example {@code sslMode=verify-full} for an
 * encrypted connection to a server that proves who it is, or {@code connectTimeout} in
 * milliseconds. It must lead to the one server that takes changes: writers of a cluster take turns
 * only if they speak with the same member.
 *
 * <p>Paths of files, names of metrics and of tags have at most 700 characters, and metrics are
 * finite.
 */
public final class MariaDatabase implements Database {
  private static final String SCHEME = "jdbc:mariadb:";
  private static final int OLDEST_MAJOR = 10;
  private static final int OLDEST_MINOR = 6;
  private static final String BUSY = "HYT00";

  private final ServerAddress address;
  private final Duration patience;

  private MariaDatabase(ServerAddress address, Duration patience) {
    this.address = address;
    this.patience = patience;
  }

  /**
   * A database that is there already. Nothing is connected yet.
   *
   * @param url for example {@code "jdbc:mariadb://db.example.org:3306/models?sslMode=verify-full"}
   * @throws IllegalArgumentException if it is not such an address, or holds a password
   */
  public static MariaDatabase at(String url, String user, Secret password) {
    return new MariaDatabase(
        new ServerAddress(SCHEME, url, user, password), ServerFailures.PATIENCE);
  }

  /** How long to wait for other writers; a minute unless set. */
  public MariaDatabase patience(Duration longest) {
    return new MariaDatabase(address, ServerFailures.requirePatience(longest));
  }

  @Override
  public String dialect() {
    return "mariadb";
  }

  @Override
  public String place() {
    return address.toString();
  }

  @Override
  public Connection connect() throws SQLException {
    Connection connection =
        address.connect(
            "org.mariadb.jdbc.Driver",
            "org.mariadb.jdbc:mariadb-java-client",
            Map.of(
                "connectTimeout", "10000",
                "socketTimeout", Long.toString(patience.toMillis() + ServerFailures.ANSWER * 1000),
                "useServerPrepStmts", "true"));
    boolean ready = false;
    try {
      requireKnown(connection.getMetaData());
      if (connection.getCatalog() == null) {
        throw new StorageException(
            place(), "names no database. Put its name behind the server's, as in //server/models");
      }
      ServerAddress.execute(
          connection,
          "SET SESSION sql_mode = 'STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,"
              + "NO_ENGINE_SUBSTITUTION,ANSI_QUOTES,PIPES_AS_CONCAT',"
              + " SESSION tx_isolation = 'REPEATABLE-READ',"
              + " SESSION collation_connection = 'utf8mb4_nopad_bin'");
      ready = true;
      return connection;
    } finally {
      if (!ready) {
        connection.close();
      }
    }
  }

  private void requireKnown(DatabaseMetaData server) throws SQLException {
    int major = server.getDatabaseMajorVersion();
    boolean old =
        major < OLDEST_MAJOR
            || (major == OLDEST_MAJOR && server.getDatabaseMinorVersion() < OLDEST_MINOR);
    if (old || !server.getDatabaseProductName().equals("MariaDB")) {
      throw new UnsupportedException(
          server.getDatabaseProductName()
              + " "
              + server.getDatabaseProductVersion()
              + " at "
              + place(),
          "Use MariaDB " + OLDEST_MAJOR + "." + OLDEST_MINOR + " or newer, or PostgreSQL");
    }
  }

  /** The first statement fixes what all see. */
  @Override
  public void beginRead(Connection connection) throws SQLException {
    ServerAddress.execute(connection, "START TRANSACTION READ ONLY");
  }

  /**
   * A named lock, not one on a row: MariaDB commits, and frees rows, at every change of a table.
   */
  @Override
  public void beginWrite(Connection connection) throws SQLException {
    try (Statement statement = connection.createStatement();
        ResultSet got =
            statement.executeQuery(
                "SELECT GET_LOCK('" + turn(connection) + "', " + patience.toSeconds() + ")")) {
      if (!got.next() || got.getInt(1) != 1) {
        throw new SQLException("the registry's named lock was not free", BUSY);
      }
    }
    ServerAddress.execute(connection, "START TRANSACTION READ WRITE");
  }

  @Override
  public void endWrite(Connection connection) throws SQLException {
    ServerAddress.execute(connection, "DO RELEASE_LOCK('" + turn(connection) + "')");
  }

  /** Locks are the whole server's, and their names short. */
  private static String turn(Connection connection) throws SQLException {
    return "athanor." + Digest.ofText(connection.getCatalog()).hex().substring(0, 40);
  }

  @Override
  public boolean lost(SQLException failure) {
    String state = Objects.requireNonNullElse(failure.getSQLState(), "");
    return state.startsWith("08") || (state.equals("70100") && failure.getErrorCode() == 1927);
  }

  @Override
  public AthanorException explain(SQLException failure) {
    ServerFailures failures = new ServerFailures(place(), failure);
    String state = Objects.requireNonNullElse(failure.getSQLState(), "");
    if (state.equals(BUSY)) {
      return failures.busy(patience);
    }
    return switch (failure.getErrorCode()) {
      case 1045, 1698 -> failures.refused(address.user());
      case 1044, 1142, 1143 -> failures.mayNot(address.user(), grant());
      case 1419 ->
          failures.storage(
              "the server lets only administrators make triggers. Let one say: SET GLOBAL"
                  + " log_bin_trust_function_creators = 1");
      case 1049 -> failures.noDatabase();
      case 1040, 1203, 1226 -> failures.tooManyConnections();
      case 1021, 1114 -> failures.fullDisk();
      case 1290, 1792, 1836 -> failures.readOnly();
      case 1205 -> failures.busy(patience);
      case 1020, 1213 -> failures.collidedInTime();
      case 1264, 1366, 1406 -> failures.unfit();
      case 1062, 1451, 1452 -> failures.collides();
      case 126, 1034, 1194, 1712, 1877 -> failures.damaged();
      default -> {
        if (state.equals("08001") || (state.equals("08000") && failure.getErrorCode() == 0)) {
          yield failures.unreachable();
        }
        yield lost(failure) ? failures.lost() : failures.storage("failed");
      }
    };
  }

  private String grant() {
    String url = address.toString();
    return "GRANT ALL ON "
        + url.substring(url.lastIndexOf('/') + 1)
        + ".* TO '"
        + address.user()
        + "'";
  }

  /** MariaDB has no check of its own that fits into a transaction. */
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
