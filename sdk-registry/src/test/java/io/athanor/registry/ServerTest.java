package io.athanor.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.athanor.api.common.Secret;
import io.athanor.api.error.AthanorException;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.OutcomeUnknownException;
import io.athanor.api.error.StorageException;
import io.athanor.api.error.UnsupportedException;
import io.athanor.api.registry.ModelVersion;
import io.athanor.registry.store.Database;
import io.athanor.registry.store.MariaDatabase;
import io.athanor.registry.store.PostgresDatabase;
import java.net.ServerSocket;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.time.Duration;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.BeforeParameterizedClassInvocation;
import org.junit.jupiter.params.Parameter;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.EnumSource;

/** What happens when a database server is not as it should be, or far away. */
@ParameterizedClass(name = "{0}")
@EnumSource(names = {"POSTGRESQL", "MARIADB"})
class ServerTest {
  private static final Secret WRONG = Secret.of("swordfish");

  @TempDir private Path temp;
  @Parameter private TestStore store;
  private Path folder;

  @BeforeParameterizedClassInvocation
  static void requireServer(TestStore needed) {
    needed.require();
  }

  @BeforeEach
  void choose() {
    folder = temp.resolve("registry");
  }

  private ModelVersion register(ModelRegistry registry) {
    return registry.registration("m", TestModels.folder(temp, "a")).register();
  }

  private ModelRegistry open(Database database) {
    return ModelRegistry.in(folder).database(database).open();
  }

  private Database at(String address, String user, Secret password) {
    return store == TestStore.POSTGRESQL
        ? PostgresDatabase.at(address, user, password)
        : MariaDatabase.at(address, user, password);
  }

  private Database patient(Duration patience) {
    return store.database(folder) instanceof PostgresDatabase postgres
        ? postgres.patience(patience)
        : ((MariaDatabase) store.database(folder)).patience(patience);
  }

  @Test
  void saysWhoIsRefusedAndNotWithWhichPassword() {
    String address = store.address(store.server().getPort(), folder);

    assertThatThrownBy(() -> open(at(address + "?connectTimeout=9000", "nobody", WRONG)))
        .isInstanceOf(StorageException.class)
        .hasMessageStartingWith(address)
        .hasMessageContaining("the server refuses the user 'nobody'")
        .satisfies(e -> assertThat(everything(e)).doesNotContain("swordfish"));
  }

  private static String everything(Throwable failure) {
    StringBuilder text = new StringBuilder();
    for (Throwable next = failure; next != null; next = next.getCause()) {
      text.append(next).append('\n');
    }
    return text.toString();
  }

  @Test
  void takesNoPasswordInTheAddress() {
    String address = store.address(store.server().getPort(), folder);

    for (String wrong :
        new String[] {
          address + "?user=x&password=swordfish",
          address.replace("//", "//x:swordfish@"),
          "jdbc:other://host/?password=swordfish"
        }) {
      assertThatThrownBy(() -> at(wrong, "x", WRONG))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageStartingWith("url must ")
          .satisfies(e -> assertThat(everything(e)).doesNotContain("swordfish"));
    }
    assertThat(at(address + "?ssl=false", "x", WRONG).toString())
        .startsWith(address)
        .doesNotContain("swordfish");
  }

  @Test
  void saysThatThereIsNoSuchDatabase() {
    String address = store.address(store.server().getPort(), temp.resolve("other"));
    String absent =
        store == TestStore.POSTGRESQL
            ? address + "_absent"
            : address.replace("athanor_", "athanor_x");

    assertThatThrownBy(() -> open(at(absent, store.user, store.password())))
        .isInstanceOf(StorageException.class)
        .hasMessageContaining("there is no such database. Let an administrator make it");
  }

  @Test
  void saysThatTheServerCannotBeReached() throws Exception {
    int closed;
    try (ServerSocket socket = new ServerSocket(0)) {
      closed = socket.getLocalPort();
    }
    String address = store.address(closed, folder);

    assertThatThrownBy(() -> open(at(address, "x", WRONG)))
        .isInstanceOfSatisfying(StorageException.class, e -> assertThat(e.retryable()).isTrue())
        .hasMessageStartingWith(address)
        .hasMessageContaining("cannot be reached. Check that the server runs, and its address");
  }

  @Test
  void saysThatAnotherWriterDoesNotEnd() throws SQLException {
    Database patient = store.database(folder);
    try (var registry = open(patient(Duration.ofSeconds(1)));
        Connection other = patient.connect()) {
      register(registry);
      patient.beginWrite(other);

      assertThatThrownBy(() -> register(registry))
          .isInstanceOf(StorageException.class)
          .hasMessageContaining("another process has been writing for more than PT1S. Try again");
      assertThat(registry.versions("m")).as("readers do not wait").hasSize(1);

      run(other, "COMMIT");
      patient.endWrite(other);
      assertThat(register(registry).number()).isEqualTo(2);
    }
  }

  private static void run(Connection connection, String sql) throws SQLException {
    try (Statement statement = connection.createStatement()) {
      statement.execute(sql);
    }
  }

  @Test
  void replacesIdleConnectionsThatDied() throws Exception {
    try (Wire wire = new Wire(store.server().getPort());
        var registry = open(store.at(wire.port(), folder))) {
      register(registry);
      wire.cut();

      assertThat(register(registry).number()).isEqualTo(2);
      wire.cut();
      assertThat(registry.versions("m")).hasSize(2);
    }
  }

  @Test
  void tellsWhenNobodyKnowsWhetherAChangeWasMade() throws Exception {
    try (Wire wire = new Wire(store.server().getPort());
        var registry = open(store.at(wire.port(), folder))) {
      register(registry);
      wire.cutAfterCommit();
      assertThat(registry.models()).as("what was read is known").containsExactly("m");
      wire.cutAfterCommit();

      assertThatThrownBy(
              () ->
                  registry
                      .transactions()
                      .write(session -> session.update("UPDATE model SET next_number = 9")))
          .isInstanceOfSatisfying(
              OutcomeUnknownException.class, e -> assertThat(e.retryable()).isFalse())
          .hasMessageContaining("the connection was lost while a change was being committed")
          .hasMessageContaining("Look whether it took effect before you repeat it");

      assertThat(register(registry).number()).as("the server had made it").isEqualTo(9);
      assertThat(registry.verify().problems()).isEmpty();
    }
  }

  @Test
  void changesNothingWhenTheServerIsLostInTheMiddle() throws Exception {
    try (Wire wire = new Wire(store.server().getPort());
        var registry = open(store.at(wire.port(), folder))) {
      register(registry);

      assertThatThrownBy(
              () ->
                  registry
                      .transactions()
                      .write(
                          session -> {
                            session.update("UPDATE model SET next_number = 99");
                            wire.cut();
                            return session.update("UPDATE model SET next_number = 100");
                          }))
          .isInstanceOfSatisfying(AthanorException.class, e -> assertThat(e.retryable()).isTrue())
          .hasMessageContaining("the connection was lost; nothing has been changed. Try again");
      assertThat(register(registry).number()).isEqualTo(2);
    }
  }

  @Test
  void refusesWhatTheDatabaseCannotKeep() {
    try (var registry = store.in(folder).open()) {
      String text = store == TestStore.POSTGRESQL ? "nul \0" : "x".repeat(701);

      assertThatThrownBy(
              () ->
                  registry
                      .registration("m", TestModels.folder(temp, "a"))
                      .tag(text, "value")
                      .register())
          .isInstanceOf(FormatException.class)
          .hasMessageContaining("cannot keep a text or number that was to be stored");
      assertThat(registry.models()).isEmpty();
    }
  }

  @Test
  void saysWhatTheUserMayNotDo() throws SQLException {
    Database forbidden = store.forbidden(folder);

    assertThatThrownBy(() -> open(forbidden))
        .isInstanceOf(StorageException.class)
        .hasMessageContaining("' may not do this")
        .hasMessageContaining("Let an administrator say: ");
  }

  @Test
  void needsItsDriverOnlyWhenItIsUsed() throws Exception {
    try (var without = new WithoutDrivers()) {
      Class<?> database = without.loadClass(store.database(folder).getClass().getName());
      Object made =
          database
              .getMethod("at", String.class, String.class, Secret.class)
              .invoke(null, store.address(store.server().getPort(), folder), "x", WRONG);

      assertThatThrownBy(() -> database.getMethod("connect").invoke(made))
          .cause()
          .isInstanceOf(UnsupportedException.class)
          .hasMessageContaining("this database without its driver. Add the library org.");
    }
  }

  /** Loads the registry anew, where no driver is. */
  private static final class WithoutDrivers extends URLClassLoader {
    WithoutDrivers() {
      super(
          new URL[] {PostgresDatabase.class.getProtectionDomain().getCodeSource().getLocation()},
          ServerTest.class.getClassLoader());
    }

    @Override
    protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
      if (name.startsWith("org.postgresql.") || name.startsWith("org.mariadb.")) {
        throw new ClassNotFoundException(name);
      }
      if (!name.startsWith("io.athanor.registry.store.")) {
        return super.loadClass(name, resolve);
      }
      Class<?> loaded = findLoadedClass(name);
      return loaded == null ? findClass(name) : loaded;
    }
  }
}
