package io.athanor.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.athanor.api.error.AccessDeniedException;
import io.athanor.api.error.ValidationException;
import io.athanor.api.registry.AuditEntry;
import io.athanor.api.registry.JobOutput;
import io.athanor.api.registry.ModelVersion;
import io.athanor.api.registry.Permission;
import io.athanor.api.registry.Principal;
import io.athanor.api.registry.Search;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class AccessTest extends RegistryContract {
  private static final Principal ANN = new Principal("ann");
  private static final Principal BOB = new Principal("bob");

  @TempDir private Path temp;
  private ModelRegistry ann;
  private ModelRegistry bob;

  @BeforeEach
  void open() {
    ann = store.in(temp.resolve("registry")).principal(ANN).open();
    bob = ann.as(BOB);
  }

  @AfterEach
  void close() {
    ann.close();
  }

  private void enable() {
    for (Permission permission : Permission.values()) {
      ann.access().allow("administrator", permission);
    }
    ann.access().assign("administrator", ANN);
    ann.access().enable();
  }

  private ModelVersion register(ModelRegistry registry, String name) {
    return registry.registration(name, TestModels.folder(temp, "weights")).register();
  }

  @Test
  void everybodyMayDoEverythingUntilItIsEnabled() {
    assertThat(bob.access().enabled()).isFalse();
    bob.promote(register(bob, "m"), "production").apply();

    assertThat(bob.alias("m", "production").number()).isEqualTo(1);
  }

  @Test
  void nobodyMayDoAnythingWithoutARoleOnceItIsEnabled() {
    ModelVersion version = register(ann, "m");
    enable();

    assertThatThrownBy(() -> register(bob, "m"))
        .isInstanceOf(AccessDeniedException.class)
        .hasMessage(
            "'bob' may not register m. Somebody with ADMINISTER can allow it with access().allow");
    assertThatThrownBy(() -> bob.promote(version, "production").apply())
        .isInstanceOf(AccessDeniedException.class);
    assertThatThrownBy(() -> bob.delete(version).apply()).isInstanceOf(AccessDeniedException.class);
    assertThatThrownBy(() -> bob.version("m", 1))
        .isInstanceOf(AccessDeniedException.class)
        .hasMessageContaining("'bob' may not read m");
    assertThatThrownBy(() -> bob.audit().entries(0, 1)).isInstanceOf(AccessDeniedException.class);
    assertThatThrownBy(() -> bob.access().disable()).isInstanceOf(AccessDeniedException.class);
    assertThat(bob.models()).isEmpty();
    assertThat(bob.search(Search.all()).total()).isZero();
    assertThat(ann.versions("m")).hasSize(1);
    assertThat(ann.aliases("m")).isEmpty();
  }

  @Test
  void aRoleAllowsWhatItSaysOfModelsAndAliases() {
    ModelVersion mail = register(ann, "mail-spam");
    ModelVersion price = register(ann, "price");
    enable();
    ann.access().allow("mail-team", Permission.READ, "mail-*", Access.ANY);
    ann.access().allow("mail-team", Permission.PROMOTE, "mail-*", "staging");
    ann.access().assign("mail-team", BOB);

    bob.promote(mail, "staging").apply();
    assertThat(bob.alias("mail-spam", "staging")).isEqualTo(mail);
    assertThat(bob.models()).containsExactly("mail-spam");
    assertThat(bob.search(Search.all()).versions()).containsExactly(mail);
    assertThatThrownBy(() -> bob.promote(mail, "production").apply())
        .isInstanceOf(AccessDeniedException.class)
        .hasMessageContaining("'bob' may not promote mail-spam at production");
    assertThatThrownBy(() -> bob.promote(price, "staging"))
        .isInstanceOf(AccessDeniedException.class);

    ann.access().withdraw("mail-team", BOB);
    assertThatThrownBy(() -> bob.alias("mail-spam", "staging"))
        .isInstanceOf(AccessDeniedException.class);
  }

  @Test
  void jobsCountOnlyVersionsThatMayBeRead() {
    ann.registration("mail-spam", TestModels.folder(temp, "mail")).job("nightly").register();
    ann.registration("price", TestModels.folder(temp, "price")).job("nightly").register();
    ann.registration("price", TestModels.folder(temp, "other")).job("secret").register();
    enable();
    assertThat(bob.jobs(0, 10)).isEmpty();
    ann.access().allow("mail-team", Permission.READ, "mail-*", Access.ANY);
    ann.access().assign("mail-team", BOB);

    assertThat(bob.jobs(0, 10)).extracting(JobOutput::job).containsExactly("nightly");
    assertThat(bob.jobs(0, 10)).extracting(JobOutput::versions).containsExactly(1L);
    assertThat(ann.jobs(0, 10)).extracting(JobOutput::versions).containsExactly(1L, 2L);
  }

  @Test
  void somebodyMustBeLeftToAdminister() {
    assertThatThrownBy(() -> ann.access().enable())
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("nobody could administer the registry any more");
    assertThat(ann.access().enabled()).isFalse();
    enable();

    assertThatThrownBy(() -> ann.access().withdraw("administrator", ANN))
        .isInstanceOf(ValidationException.class);
    assertThat(ann.access().allows(ANN, Permission.ADMINISTER, Access.ANY, Access.ANY)).isTrue();
    ann.access().disable();
    register(bob, "m");
  }

  @Test
  void everyChangeOfRolesIsRecorded() {
    enable();
    ann.access().assign("administrator", ANN);

    assertThat(ann.audit().entries(0, 100))
        .hasSize(Permission.values().length + 2)
        .last()
        .satisfies(entry -> assertThat(entry.after()).contains("enabled"));
    assertThat(ann.audit().about("role administrator"))
        .extracting(AuditEntry::after)
        .last()
        .satisfies(after -> assertThat(after).contains("member ann"));
  }

  @Test
  void refusesPatternsThatAreNone() {
    assertThatThrownBy(() -> ann.access().allow("r", Permission.READ, "a*b", "*"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("model must be a name");
    assertThatThrownBy(() -> ann.access().allow("Two Words", Permission.READ))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("role must be");
  }

  @Test
  void tellsRolesToAdministratorsOnly() {
    enable();
    ann.access().allow("reader", Permission.READ, "mail-*", Access.ANY);
    ann.access().assign("guest", BOB);

    assertThat(ann.access().roles())
        .extracting(Access.Role::name)
        .containsExactly("administrator", "guest", "reader");
    assertThat(ann.access().roles().get(0).members()).containsExactly(ANN);
    assertThat(ann.access().roles().get(0).grants()).hasSize(Permission.values().length);
    assertThat(ann.access().roles().get(1).members()).containsExactly(BOB);
    assertThat(ann.access().roles().get(1).grants()).isEmpty();
    assertThat(ann.access().roles().get(2).grants().get(0).covers("mail-spam", Access.ANY))
        .isTrue();
    assertThatThrownBy(() -> bob.access().roles()).isInstanceOf(AccessDeniedException.class);
    assertThatThrownBy(
            () -> bob.access().allows(ANN, Permission.ADMINISTER, Access.ANY, Access.ANY))
        .isInstanceOf(AccessDeniedException.class);
    assertThat(bob.access().allows(BOB, Permission.READ, "mail-spam", Access.ANY)).isFalse();
  }

  @Test
  void permissionsThatAreNotAboutAliasesAreGivenForAll() {
    assertThatThrownBy(() -> ann.access().allow("r", Permission.DELETE, "m", "staging"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessage("alias must be '*', as DELETE is not about aliases, got 'staging'");
    assertThatThrownBy(() -> ann.access().allow("r", Permission.ADMINISTER, "mail-*", Access.ANY))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("ADMINISTER is about the whole registry");
  }

  @Test
  void everyReadAsks() {
    ModelVersion version = register(ann, "m");
    ModelVersion other = register(ann, "mail");
    enable();
    ann.access().allow("reader", Permission.READ, "mail", Access.ANY);
    ann.access().assign("reader", BOB);

    assertThatThrownBy(() -> bob.report(version)).isInstanceOf(AccessDeniedException.class);
    assertThatThrownBy(() -> bob.compare(other, version)).isInstanceOf(AccessDeniedException.class);
    assertThatThrownBy(() -> bob.lineage(version)).isInstanceOf(AccessDeniedException.class);
    assertThatThrownBy(() -> bob.card(version)).isInstanceOf(AccessDeniedException.class);
    assertThatThrownBy(() -> bob.delete(version).plan()).isInstanceOf(AccessDeniedException.class);
    assertThatThrownBy(() -> bob.promote(version, "a")).isInstanceOf(AccessDeniedException.class);
    assertThatThrownBy(() -> bob.verify()).isInstanceOf(AccessDeniedException.class);
    assertThatThrownBy(() -> bob.policy()).isInstanceOf(AccessDeniedException.class);
    assertThatThrownBy(() -> bob.audit().about("m:1")).isInstanceOf(AccessDeniedException.class);
    assertThatThrownBy(() -> bob.collectGarbage())
        .isInstanceOf(AccessDeniedException.class)
        .hasMessageContaining("'bob' may not administer the registry");
    assertThat(bob.audit().about("mail:1")).hasSize(1);
    assertThat(bob.report(other)).isEmpty();
    assertThat(bob.promote(other, "a").plan().refusals()).isEmpty();
  }

  @Test
  void aParentMustBeReadable() {
    ModelVersion secret = register(ann, "secret");
    enable();
    ann.access().allow("maker", Permission.REGISTER, "mine", Access.ANY);
    ann.access().assign("maker", BOB);
    Registration registration =
        bob.registration("mine", TestModels.folder(temp, "mine")).parent(secret);

    assertThatThrownBy(registration::register)
        .isInstanceOf(AccessDeniedException.class)
        .hasMessageContaining("'bob' may not read secret");
    assertThat(temp.resolve("registry/staging")).isEmptyDirectory();
  }
}
