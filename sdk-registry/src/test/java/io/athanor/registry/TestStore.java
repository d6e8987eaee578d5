package io.athanor.registry;

import static org.assertj.core.api.Assumptions.assumeThat;

import io.athanor.api.common.Digest;
import io.athanor.api.common.Secret;
import io.athanor.registry.store.Database;
import io.athanor.registry.store.MariaDatabase;
import io.athanor.registry.store.PostgresDatabase;
import io.athanor.registry.store.SqliteDatabase;
import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import java.util.List;

/**
 * The databases that the contract is run on. Each registry folder has a schema of its own, whose
 * name follows from the folder's, so that several processes find the same one.
 */
enum TestStore {
  /** A file in the folder. */
  SQLITE("") {
    @Override
    Database database(Path folder) {
      return new SqliteDatabase(folder.resolve("registry.db"), Duration.ofMinutes(1));
    }

    @Override
    RegistryBuilder in(Path folder) {
      return ModelRegistry.in(folder);
    }
  },

  /**
   * The server at the system property {@code athanor.postgresql}, for example {@code
   * postgresql://127.0.0.1:5432}, user and password "postgres"; one that is started from Maven's
   * artifacts unless it is set.
   */
  POSTGRESQL("postgres") {
    @Override
    URI server() {
      String given = System.getProperty("athanor.postgresql");
      return given == null ? EmbeddedServer.ADDRESS : URI.create(given);
    }

    @Override
    Database at(int port, Path folder) {
      return PostgresDatabase.at(address(port, folder), user, password()).schema(schemaOf(folder));
    }

    @Override
    String address(int port, Path folder) {
      return "jdbc:postgresql://" + server().getHost() + ":" + port + "/postgres";
    }

    @Override
    Database forbidden(Path folder) throws SQLException {
      execute(
          folder,
          "DROP ROLE IF EXISTS athanor_poor; CREATE ROLE athanor_poor LOGIN PASSWORD 'poor'");
      return PostgresDatabase.at(
          address(server().getPort(), folder), "athanor_poor", Secret.of("poor"));
    }

    @Override
    String dropTrigger(String name) {
      return "DROP TRIGGER " + name + " ON audit";
    }
  },

  /**
   * The server at the system property {@code athanor.mariadb}, for example {@code
   * mariadb://127.0.0.1:3306}, user and password "athanor", who may do everything with databases
   * whose names begin with "athanor_".
   */
  MARIADB("athanor") {
    @Override
    void require() {
      assumeThat(System.getProperty("athanor.mariadb"))
          .as(
              "no MariaDB: start one with a user 'athanor', password 'athanor', who has all rights"
                  + " on `athanor\\_%`.*, and say -Dathanor.mariadb=mariadb://127.0.0.1:3306")
          .isNotNull();
    }

    @Override
    URI server() {
      return URI.create(System.getProperty("athanor.mariadb"));
    }

    @Override
    Database at(int port, Path folder) {
      make(folder);
      return MariaDatabase.at(address(port, folder), user, password());
    }

    private void make(Path folder) {
      try (Connection connection =
              DriverManager.getConnection("jdbc:" + server() + "/", user, "athanor");
          Statement statement = connection.createStatement()) {
        statement.execute("CREATE DATABASE IF NOT EXISTS " + schemaOf(folder));
      } catch (SQLException e) {
        throw new AssertionError("MariaDB at " + server(), e);
      }
    }

    @Override
    String address(int port, Path folder) {
      return "jdbc:mariadb://" + server().getHost() + ":" + port + "/" + schemaOf(folder);
    }

    @Override
    Database forbidden(Path folder) {
      return MariaDatabase.at("jdbc:" + server() + "/mysql", user, password());
    }
  };

  final String user;

  TestStore(String user) {
    this.user = user;
  }

  /** Skips the tests where the server is not there. */
  void require() {}

  /** Where the server is. */
  URI server() {
    throw new UnsupportedOperationException(this + " has no server");
  }

  Secret password() {
    return Secret.of(user);
  }

  /** The database behind a registry folder. */
  Database database(Path folder) {
    return at(server().getPort(), folder);
  }

  /** The same, through a port of this machine. */
  Database at(int port, Path folder) {
    throw new UnsupportedOperationException(this + " has no port");
  }

  /** Its address. */
  String address(int port, Path folder) {
    throw new UnsupportedOperationException(this + " has no address");
  }

  /** One where the user may not do what a registry needs. */
  Database forbidden(Path folder) throws SQLException {
    throw new UnsupportedOperationException(this + " has no users");
  }

  /** Begins to open a registry. */
  RegistryBuilder in(Path folder) {
    return ModelRegistry.in(folder).database(database(folder));
  }

  String dropTrigger(String name) {
    return "DROP TRIGGER " + name;
  }

  /** A connection past the registry. */
  Connection connect(Path folder) throws SQLException {
    return database(folder).connect();
  }

  /** Runs a statement past the registry. */
  void execute(Path folder, String sql) throws SQLException {
    try (Connection connection = connect(folder);
        Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }

  /** What another process needs to find the same server. */
  List<String> systemProperties() {
    return this == SQLITE ? List.of() : List.of("-Dathanor." + lowerName() + "=" + server());
  }

  private String lowerName() {
    return this == POSTGRESQL ? "postgresql" : "mariadb";
  }

  static String schemaOf(Path folder) {
    String path = folder.toAbsolutePath().normalize().toString();
    return "athanor_" + Digest.ofText(path).hex().substring(0, 16);
  }

  /** One for all tests of a process; ends with it. */
  private static final class EmbeddedServer {
    static final URI ADDRESS = start();

    private static URI start() {
      try {
        EmbeddedPostgres server =
            EmbeddedPostgres.builder().setPGStartupWait(Duration.ofMinutes(1)).start();
        return URI.create("postgresql://127.0.0.1:" + server.getPort());
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }
  }
}
