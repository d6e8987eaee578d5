package io.athanor.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.athanor.api.error.AccessDeniedException;
import io.athanor.api.error.ConflictException;
import io.athanor.api.error.NotFoundException;
import io.athanor.api.registry.AuditEntry;
import io.athanor.api.registry.ModelVersion;
import io.athanor.api.registry.Permission;
import io.athanor.api.registry.Principal;
import io.athanor.registry.governance.Approval;
import io.athanor.registry.governance.Approval.Status;
import io.athanor.registry.governance.Policy;
import io.athanor.registry.governance.StageRules;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Who approves what, and what becomes of requests. */
class ApprovalsTest extends RegistryContract {
  private static final String PRODUCTION = "production";

  @TempDir private Path temp;
  private ModelRegistry ann;
  private ModelRegistry bob;

  @BeforeEach
  void open() {
    ann = store.in(temp.resolve("registry")).principal(new Principal("ann")).open();
    bob = ann.as(new Principal("bob"));
  }

  @AfterEach
  void everythingIsInOrder() {
    assertThat(ann.verify().problems()).isEmpty();
    ann.close();
  }

  private ModelVersion register(String name) {
    return ann.registration(name, TestModels.folder(temp, name)).register();
  }

  private Approval request(ModelVersion version) {
    return ann.approvals().request(version, PRODUCTION, "better than before");
  }

  @Test
  void aRequestIsAboutFilesAndReport() {
    ModelVersion version = register("m");

    Approval request = request(version);

    assertThat(request.status()).isEqualTo(Status.PENDING);
    assertThat(request.artifact()).isEqualTo(version.digest());
    assertThat(request.report()).isEmpty();
    assertThat(request.requested().by()).contains(ann.principal());
    assertThat(request.reason()).isEqualTo("better than before");
    assertThat(request.isAbout(version)).isTrue();
    assertThat(bob.approvals().find(request.number())).isEqualTo(request);
    assertThat(ann.approvals().of(version)).containsExactly(request);
  }

  @Test
  void everyStepIsRecorded() {
    ModelVersion version = register("m");
    Approval request = request(version);
    Approval approved = bob.approvals().approve(request.number(), "fine");
    Approval withdrawn = ann.approvals().withdraw(request.number(), "changed my mind");

    assertThat(approved.status()).isEqualTo(Status.APPROVED);
    assertThat(approved.approvers()).containsExactly(bob.principal());
    assertThat(withdrawn.status()).isEqualTo(Status.WITHDRAWN);
    assertThat(ann.audit().about("m:1"))
        .extracting(AuditEntry::action)
        .containsExactly("register", "request approval", "approve", "withdraw approval");
    AuditEntry entry = ann.audit().about("m:1").get(2);
    assertThat(entry.principal()).isEqualTo(bob.principal());
    assertThat(entry.before()).contains(request.number() + " at production: pending");
    assertThat(entry.after())
        .contains(request.number() + " at production: approved, approved by bob");
    assertThat(entry.reason()).isEqualTo("fine");
  }

  @Test
  void saysWhyAStepIsTooLate() {
    ModelVersion version = register("m");
    Approval request = request(version);
    assertThatThrownBy(() -> request(version))
        .isInstanceOf(ConflictException.class)
        .hasMessageContaining("of m:1 at production (PENDING) already");
    bob.approvals().approve(request.number(), "fine");
    assertThatThrownBy(() -> bob.approvals().approve(request.number(), "again"))
        .isInstanceOf(ConflictException.class)
        .hasMessageContaining("You decided on approval");
    Approval rejected = bob.approvals().reject(request.number(), "it lies");
    assertThat(rejected.status()).isEqualTo(Status.REJECTED);
    assertThat(rejected.decisions()).hasSize(1);
    assertThatThrownBy(() -> ann.approvals().approve(request.number(), "fine"))
        .isInstanceOf(ConflictException.class)
        .hasMessageContaining("Too late for approval")
        .hasMessageContaining("(REJECTED); request approval anew");
    assertThatThrownBy(() -> ann.approvals().withdraw(request.number(), "fine"))
        .isInstanceOf(ConflictException.class);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> ann.approvals().request(version, PRODUCTION, " "))
        .withMessage("reason must say something");

    assertThat(request(version).number()).isGreaterThan(request.number());
  }

  @Test
  void saysWhenThereIsNothingToDecide() {
    ModelVersion version = register("m");
    Approval request = request(version);
    ann.delete(version).apply();

    assertThatThrownBy(() -> bob.approvals().approve(request.number(), "fine"))
        .isInstanceOf(NotFoundException.class)
        .hasMessageContaining("version m:1");
    assertThatThrownBy(() -> request(version)).isInstanceOf(NotFoundException.class);
    assertThatThrownBy(() -> ann.approvals().approve(99, "fine"))
        .isInstanceOf(NotFoundException.class)
        .hasMessageContaining("approval 99");
    assertThat(bob.approvals().reject(request.number(), "it is gone").status())
        .isEqualTo(Status.REJECTED);
  }

  @Test
  void nobodyApprovesTheirOwnWhereFourEyesAreAskedFor() {
    ModelVersion version = register("m");
    ann.policy(Policy.none().with(StageRules.of("*").fourEyes().build()), "audit");
    ModelRegistry carl = ann.as(new Principal("carl"));
    Approval request = bob.approvals().request(version, PRODUCTION, "better");

    assertThatThrownBy(() -> ann.approvals().approve(request.number(), "I made it"))
        .isInstanceOf(AccessDeniedException.class)
        .hasMessageContaining("'ann' may not approve m:1 at production, which is their own");
    assertThatThrownBy(() -> bob.approvals().approve(request.number(), "I want it"))
        .isInstanceOf(AccessDeniedException.class);
    carl.approvals().approve(request.number(), "fine");
    ann.promote(version, PRODUCTION).apply();
  }

  @Test
  void approvalsOfTheirOwnDoNotCountOnceFourEyesAreAskedFor() {
    ModelVersion version = register("m");
    Approval request = request(version);
    ann.approvals().approve(request.number(), "fine");
    ann.policy(Policy.none().with(StageRules.of("*").fourEyes().build()), "audit");

    assertThat(ann.promote(version, PRODUCTION).plan().refusals())
        .containsExactly(
            "it needs 1 approval of others than who registered or requested it and has none yet");
  }

  @Test
  void rolesSayWhoMayRequestAndApprove() {
    ModelVersion version = register("m");
    for (Permission permission : Permission.values()) {
      ann.access().allow("administrator", permission);
    }
    ann.access().assign("administrator", ann.principal());
    ann.access().allow("tester", Permission.READ);
    ann.access().allow("tester", Permission.APPROVE, "m", "staging");
    ann.access().assign("tester", bob.principal());
    ann.access().enable();
    Approval production = request(version);
    Approval staging = ann.approvals().request(version, "staging", "try it");

    assertThatThrownBy(() -> bob.approvals().approve(production.number(), "fine"))
        .isInstanceOf(AccessDeniedException.class)
        .hasMessageContaining("'bob' may not approve m at production");
    assertThatThrownBy(() -> bob.approvals().request(version, "other", "please"))
        .isInstanceOf(AccessDeniedException.class)
        .hasMessageContaining("'bob' may not update m");
    assertThatThrownBy(() -> bob.approvals().withdraw(production.number(), "no"))
        .isInstanceOf(AccessDeniedException.class)
        .hasMessageContaining("'bob' may not administer the registry");
    assertThat(bob.approvals().approve(staging.number(), "fine").approvers())
        .containsExactly(bob.principal());
    ModelRegistry eve = ann.as(new Principal("eve"));
    assertThatThrownBy(() -> eve.approvals().find(staging.number()))
        .isInstanceOf(AccessDeniedException.class);
    assertThatThrownBy(() -> eve.approvals().of(version)).isInstanceOf(AccessDeniedException.class);
    assertThat(eve.approvals().pending(0, 10)).isEmpty();
  }

  @Test
  void listsPageAfterPage() {
    for (int i = 0; i < 5; i++) {
      request(register("m" + i));
    }
    List<Approval> all = ann.approvals().list(Optional.empty(), 0, 100);
    bob.approvals().approve(all.get(1).number(), "fine");

    List<Approval> first = ann.approvals().pending(0, 3);
    List<Approval> second = ann.approvals().pending(first.get(2).number(), 3);

    assertThat(all).hasSize(5);
    assertThat(first)
        .extracting(approval -> approval.version().name())
        .containsExactly("m0", "m2", "m3");
    assertThat(second).extracting(approval -> approval.version().name()).containsExactly("m4");
    assertThat(ann.approvals().list(Optional.of(Status.APPROVED), 0, 10)).hasSize(1);
    assertThatIllegalArgumentException()
        .isThrownBy(() -> ann.approvals().pending(-1, 0))
        .withMessageContaining("limit 1 to 1000");
  }
}
