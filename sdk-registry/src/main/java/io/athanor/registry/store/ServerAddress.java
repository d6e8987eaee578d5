package io.athanor.registry.store;

import io.athanor.api.common.Secret;
import io.athanor.api.error.UnsupportedException;
import java.sql.Connection;
import java.sql.Driver;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.Locale;
import java.util.Map;
import java.util.Properties;

/** Where a database server is, and as whom to speak with it. Thread-safe. */
final class ServerAddress {
  private final String url;
  private final String user;
  private final Secret password;

  /**
   * @param scheme what the address begins with
   * @param url of JDBC; must hold no password
   */
  ServerAddress(String scheme, String url, String user, Secret password) {
    if (!url.startsWith(scheme)) {
      throw new IllegalArgumentException(
          "url must begin with " + scheme + ", got '" + withoutParameters(url) + "'");
    }
    String lower = url.toLowerCase(Locale.ROOT);
    if (lower.contains("password=") || lower.contains("pwd=") || authority(url).contains("@")) {
      throw new IllegalArgumentException(
          "url must hold no password, which would show in logs; give it as the Secret");
    }
    if (user.isBlank()) {
      throw new IllegalArgumentException("user must not be blank");
    }
    this.url = url;
    this.user = user;
    this.password = password;
  }

  private static String withoutParameters(String url) {
    int parameters = url.indexOf('?');
    return parameters < 0 ? url : url.substring(0, parameters);
  }

  private static String authority(String url) {
    int begin = url.indexOf("//");
    return begin < 0 ? "" : withoutParameters(url.substring(begin + 2)).split("/", 2)[0];
  }

  String user() {
    return user;
  }

  /** Whether the address says something of a parameter. */
  boolean has(String parameter) {
    return url.contains(parameter + "=");
  }

  /**
   * A new connection.
   *
   * @param driver the class of the driver
   * @param library where Maven finds it
   * @param defaults parameters for when the address says nothing of them
   */
  Connection connect(String driver, String library, Map<String, String> defaults)
      throws SQLException {
    Properties properties = new Properties();
    defaults.forEach(
        (name, value) -> {
          if (!has(name)) {
            properties.setProperty(name, value);
          }
        });
    properties.setProperty("user", user);
    properties.setProperty("password", password.reveal());
    Connection connection = load(driver, library).connect(url, properties);
    if (connection == null) {
      throw new SQLException("the driver does not understand the address", "08001");
    }
    return connection;
  }

  private static Driver load(String driver, String library) {
    try {
      return Class.forName(driver).asSubclass(Driver.class).getDeclaredConstructor().newInstance();
    } catch (ReflectiveOperationException e) {
      throw new UnsupportedException(
          "this database without its driver", "Add the library " + library + " to the class path");
    }
  }

  static void execute(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }

  /** Without parameters. */
  @Override
  public String toString() {
    return withoutParameters(url);
  }
}
