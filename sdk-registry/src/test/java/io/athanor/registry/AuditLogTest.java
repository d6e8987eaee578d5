package io.athanor.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.athanor.api.common.Digest;
import io.athanor.api.registry.AuditEntry;
import io.athanor.api.registry.ModelVersion;
import io.athanor.api.registry.Principal;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class AuditLogTest extends RegistryContract {
  @TempDir private Path temp;
  private ModelRegistry registry;

  @BeforeEach
  void open() {
    registry = store.in(temp.resolve("registry")).principal(new Principal("ann")).open();
  }

  @AfterEach
  void close() {
    registry.close();
  }

  private ModelVersion register(String content) {
    return registry.registration("m", TestModels.folder(temp, content)).register();
  }

  @Test
  void tellsWhoChangedWhatAndWhy() {
    ModelVersion first = register("a");
    registry.promote(first, "production").because("it is the first").apply();
    ModelVersion second = register("b");
    registry.as(new Principal("bob")).promote(second, "production").apply();
    registry.delete(first).apply();

    List<AuditEntry> entries = registry.audit().entries(0, 100);

    assertThat(entries).extracting(AuditEntry::number).containsExactly(1L, 2L, 3L, 4L, 5L);
    assertThat(entries)
        .extracting(AuditEntry::action)
        .containsExactly("register", "promote", "register", "promote", "delete");
    assertThat(entries)
        .extracting(entry -> entry.principal().name())
        .containsExactly("ann", "ann", "ann", "bob", "ann");
    AuditEntry moved = entries.get(3);
    assertThat(moved.subject()).isEqualTo("m@production");
    assertThat(moved.before()).contains("m:1");
    assertThat(moved.after()).contains("m:2");
    assertThat(entries.get(1).reason()).isEqualTo("it is the first");
    assertThat(registry.audit().about("m:1"))
        .extracting(AuditEntry::action)
        .containsExactly("register", "delete");
    assertThat(registry.audit().head()).contains(entries.get(4));
    assertThat(registry.audit().entries(3, 1)).containsExactly(moved);
    assertThat(registry.audit().verify()).isEmpty();
  }

  @Test
  void recordsNothingOfWhatDidNotHappen() {
    ModelVersion version = register("a");
    registry.promote(version, "production").apply();
    assertThatThrownBy(() -> registry.delete(version).apply()).hasMessageContaining("production");

    assertThat(registry.audit().entries(0, 100))
        .extracting(AuditEntry::action)
        .containsExactly("register", "promote");
  }

  @Test
  void rowsCannotBeChangedByChance() throws SQLException {
    register("a");

    assertThatThrownBy(() -> execute("UPDATE audit SET principal = 'eve'"))
        .hasMessageContaining("the audit log is append-only");
    assertThatThrownBy(() -> execute("DELETE FROM audit"))
        .hasMessageContaining("the audit log is append-only");
  }

  @Test
  void findsAChangedRow() throws SQLException {
    register("a");
    register("b");
    register("c");
    execute(store.dropTrigger("audit_is_not_changed"));
    execute("UPDATE audit SET principal = 'eve' WHERE id = 2");

    assertThat(registry.audit().verify())
        .containsExactly("audit entry 2 (register of m:2) or the one before it has been changed");
    assertThat(registry.verify().problems())
        .containsExactly("audit entry 2 (register of m:2) or the one before it has been changed");
  }

  @Test
  void findsARemovedRow() throws SQLException {
    register("a");
    register("b");
    register("c");
    execute(store.dropTrigger("audit_is_not_shortened"));
    execute("DELETE FROM audit WHERE id = 2");

    assertThat(registry.audit().verify()).containsExactly("audit entries 2 to 2 have been removed");
  }

  @Test
  void whoKeptAHashFindsALogThatWasCut() throws SQLException {
    register("a");
    register("b");
    AuditEntry head = registry.audit().head().orElseThrow();
    assertThat(registry.audit().verify(head.number(), head.hash())).isEmpty();
    execute(store.dropTrigger("audit_is_not_shortened"));
    execute("DELETE FROM audit WHERE id = 2");

    assertThat(registry.audit().verify()).isEmpty();
    assertThat(registry.audit().verify(head.number(), head.hash()))
        .containsExactly(
            "audit entry 2 with hash " + head.hash().brief() + " is not there any more");
  }

  @Test
  void anEmptyLogHasNoHead() {
    assertThat(registry.audit().head()).isEqualTo(Optional.empty());
    assertThat(registry.audit().verify()).isEmpty();
    assertThat(registry.audit().verify(1, Digest.ofText("x"))).hasSize(1);
  }

  private void execute(String sql) throws SQLException {
    store.execute(temp.resolve("registry"), sql);
  }
}
