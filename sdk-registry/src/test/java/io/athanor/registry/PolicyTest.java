package io.athanor.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.athanor.api.error.ConflictException;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.UnsupportedException;
import io.athanor.api.error.ValidationException;
import io.athanor.api.registry.AuditEntry;
import io.athanor.api.registry.ModelVersion;
import io.athanor.api.registry.Permission;
import io.athanor.api.registry.Principal;
import io.athanor.registry.governance.Approval;
import io.athanor.registry.governance.Document;
import io.athanor.registry.governance.Policy;
import io.athanor.registry.governance.StageRules;
import io.athanor.registry.signature.PemKeys;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyPair;
import java.security.KeyPairGenerator;
import java.sql.SQLException;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What a policy lets pass, and what it holds back. */
class PolicyTest extends RegistryContract {
  private static final String PRODUCTION = "production";

  @TempDir private Path temp;
  private ModelRegistry ann;
  private ModelRegistry bob;
  private ModelRegistry carl;

  @BeforeEach
  void open() {
    ann = store.in(temp.resolve("registry")).principal(new Principal("ann")).open();
    bob = ann.as(new Principal("bob"));
    carl = ann.as(new Principal("carl"));
  }

  @AfterEach
  void everythingIsInOrder() {
    assertThat(ann.verify().problems()).isEmpty();
    ann.close();
  }

  private Registration registration(String name) {
    return ann.registration(name, TestModels.folder(temp, name));
  }

  private static KeyPair pair(String algorithm) throws GeneralSecurityException {
    return KeyPairGenerator.getInstance(algorithm).generateKeyPair();
  }

  private ModelVersion register() {
    return registration("m").register();
  }

  private void rules(StageRules.Builder rules) {
    ann.policy(ann.policy().with(rules.build()), "for the test");
  }

  private List<String> refusals(ModelVersion version) {
    return ann.promote(version, PRODUCTION).plan().refusals();
  }

  @Test
  void aPolicyIsKeptAndRecorded() throws GeneralSecurityException {
    Policy policy =
        Policy.none()
            .with(
                StageRules.of("prod*")
                    .approvals(2)
                    .fourEyes()
                    .passedGates()
                    .documents("bias")
                    .signedBy(pair("Ed25519").getPublic(), pair("EC").getPublic())
                    .completeChecklist()
                    .allowedLicences("mit", "Apache-2.0")
                    .deniedLicences("GPL-2.0")
                    .inheritedLicences()
                    .keptVersions()
                    .build())
            .with(StageRules.of("staging").passedGates().build());
    assertThat(ann.policy()).isEqualTo(Policy.none());

    ann.policy(policy, "the board decided");
    ann.policy(policy, "the same again");

    assertThat(ann.policy()).isEqualTo(policy);
    assertThat(ann.policy().rules().get(0).signers()).hasSize(2);
    assertThat(policy.rules().get(0).deniedLicences()).containsExactly("GPL-2.0-only");
    assertThat(policy.about("production")).hasSize(1);
    assertThat(policy.about("staging")).hasSize(1);
    assertThat(policy.without("prod*").about("production")).isEmpty();
    assertThat(ann.audit().about("policy"))
        .singleElement()
        .satisfies(
            entry -> {
              assertThat(entry.reason()).isEqualTo("the board decided");
              assertThat(entry.after()).contains(policy.write());
            });
  }

  @Test
  void aDamagedPolicyLetsNothingPass() throws SQLException {
    ModelVersion version = register();
    rules(StageRules.of(PRODUCTION).passedGates());
    store.execute(temp.resolve("registry"), "UPDATE setting SET value = '{\"format\": \"x\"}'");

    assertThatThrownBy(() -> ann.promote(version, PRODUCTION).apply())
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("the registry's policy: 'format' must be athanor-policy-1, got 'x'");
    store.execute(temp.resolve("registry"), "DELETE FROM setting");
  }

  @Test
  void refusesRulesThatAreNone() {
    assertThatIllegalArgumentException().isThrownBy(() -> StageRules.of("a*b"));
    assertThatIllegalArgumentException()
        .isThrownBy(() -> StageRules.of("a").approvals(0))
        .withMessageContaining("people must be 1 to 20");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> StageRules.of("a").allowedLicences("MIT OR ISC"))
        .withMessageContaining("single licences");
  }

  @Test
  void nobodyPassesOverWhatThePolicyRefuses() {
    ModelVersion bad =
        registration("m").report(TestModels.gated(Map.of("f1", 0.5), false)).register();
    rules(StageRules.of(PRODUCTION).passedGates());

    AliasChange overriding = ann.promote(bad, PRODUCTION).overriding("I want it");
    assertThat(overriding.plan().refusals())
        .containsExactly("its evaluation must have passed gates, which cannot be overridden here");
    assertThatThrownBy(overriding::apply)
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("cannot be overridden here");
    assertThat(refusals(register())).hasSize(1);
    assertThat(ann.aliases("m")).isEmpty();

    ann.promote(bad, "staging").overriding("nobody sees it").apply();
    ModelVersion good =
        registration("m").report(TestModels.gated(Map.of("f1", 0.95), true)).register();
    ann.promote(good, PRODUCTION).apply();
    assertThat(ann.alias("m", PRODUCTION)).isEqualTo(good);
  }

  @Test
  void asManyMustApproveAsThePolicySays() {
    ModelVersion version = register();
    rules(StageRules.of(PRODUCTION).approvals(2));
    assertThat(refusals(version)).containsExactly("it needs 2 approvals, and none was requested");

    Approval request = ann.approvals().request(version, PRODUCTION, "better");
    assertThat(refusals(version)).containsExactly("it needs 2 approvals and has none yet");
    bob.approvals().approve(request.number(), "I looked at it");
    assertThat(refusals(version)).containsExactly("it needs 2 approvals and has that of bob only");
    assertThatThrownBy(() -> ann.promote(version, PRODUCTION).apply())
        .isInstanceOf(ValidationException.class);

    carl.approvals().approve(request.number(), "me too");
    ann.promote(version, PRODUCTION).apply();
    assertThat(ann.alias("m", PRODUCTION)).isEqualTo(version);
  }

  @Test
  void anApprovalTakenBackAfterThePlanCounts() {
    ModelVersion version = register();
    rules(StageRules.of(PRODUCTION).approvals(1));
    Approval request = ann.approvals().request(version, PRODUCTION, "better");
    bob.approvals().approve(request.number(), "fine");
    AliasChange promotion = ann.promote(version, PRODUCTION);
    assertThat(promotion.plan().refusals()).isEmpty();

    bob.approvals().reject(request.number(), "I was wrong");

    assertThatThrownBy(promotion::apply)
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("it needs 1 approval; bob rejected it: I was wrong");
    assertThat(ann.aliases("m")).isEmpty();
  }

  @Test
  void anApprovalDoesNotHoldForAnotherReport() throws SQLException {
    ModelVersion version =
        registration("m").report(TestModels.report(Map.of("f1", 0.5))).register();
    rules(StageRules.of(PRODUCTION).approvals(1));
    Approval request = ann.approvals().request(version, PRODUCTION, "better");
    bob.approvals().approve(request.number(), "fine");
    assertThat(refusals(version)).isEmpty();
    String report = version.report().orElseThrow().hex();

    store.execute(
        temp.resolve("registry"),
        "UPDATE version SET report = '" + version.manifest().files().get(0).digest().hex() + "'");
    assertThat(refusals(version))
        .containsExactly(
            "it needs 1 approval, and those requested were about another evaluation report");
    assertThatThrownBy(() -> carl.approvals().approve(request.number(), "fine"))
        .isInstanceOf(ConflictException.class)
        .hasMessageContaining("m:1 has another evaluation report now");
    store.execute(temp.resolve("registry"), "UPDATE version SET report = '" + report + "'");
  }

  @Test
  void documentsAndChecklistAreAskedFor() {
    ModelVersion version = register();
    rules(StageRules.of("*").documents(Document.BIAS, "results").completeChecklist());
    assertThat(refusals(version))
        .containsExactly(
            "it needs a document of kind 'bias', and has none",
            "it needs a document of kind 'results', and has none",
            "it needs a complete checklist, and has none");

    VersionDocuments documents = ann.documents(version);
    documents.attach(Document.BIAS, new byte[] {1}, "text/plain");
    documents.attach("results", new byte[] {2}, "text/plain");
    documents.answer("limits", "Only English", Optional.empty());
    assertThat(refusals(version))
        .singleElement()
        .asString()
        .startsWith("its checklist lacks answers to intended-use, data-licence, ");
    documents
        .checklist()
        .orElseThrow()
        .open()
        .forEach(item -> documents.answer(item, "done", Optional.empty()));
    ann.promote(version, PRODUCTION).apply();
  }

  @Test
  void oneOfTheTrustedMustHaveSignedTheFiles() throws Exception {
    KeyPair trusted = pair("EC");
    KeyPair stranger = pair("EC");
    ModelVersion version = register();
    ModelVersion other = registration("other").register();
    rules(StageRules.of(PRODUCTION).signedBy(pair("Ed25519").getPublic(), trusted.getPublic()));
    String needed = "it needs a signature of one of the keys ";
    assertThat(refusals(version)).singleElement().asString().startsWith(needed).endsWith("none");

    ann.documents(version).attach(Document.SIGNATURE, new byte[] {'{'}, "application/json");
    assertThat(refusals(version)).singleElement().asString().contains("not JSON");
    String strange = ann.signatures().sign(version, stranger);
    assertThat(refusals(version))
        .singleElement()
        .asString()
        .contains("was made with the key " + PemKeys.brief(stranger.getPublic()) + ", not ");
    attach(version, ann.signatures().sign(other, trusted));
    assertThat(refusals(version))
        .singleElement()
        .asString()
        .contains("'weights.bin' was signed as");
    attach(
        version,
        strange.replace(
            PemKeys.fingerprint(stranger.getPublic()), PemKeys.fingerprint(trusted.getPublic())));
    assertThat(refusals(version))
        .singleElement()
        .asString()
        .contains("was not made with the key " + PemKeys.brief(trusted.getPublic()));
    assertThatThrownBy(() -> ann.promote(version, PRODUCTION).overriding("trust me").apply())
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining(needed);

    ann.signatures().sign(version, trusted);
    ann.promote(version, PRODUCTION).apply();
    assertThat(ann.alias("m", PRODUCTION)).isEqualTo(version);
  }

  private void attach(ModelVersion version, String bundle) {
    ann.documents(version)
        .attach(Document.SIGNATURE, bundle.getBytes(StandardCharsets.UTF_8), "application/json");
  }

  @Test
  void aSignatureThatLeavesOutFilesIsNotEnough() throws Exception {
    Path folder = TestModels.folder(temp, "weights");
    Files.writeString(folder.resolve(".gitattributes"), "x");
    ModelVersion version = ann.registration("m", folder).register();
    attach(version, new String(fixture("p256.sig"), StandardCharsets.UTF_8));
    String pem = new String(fixture("p256-public.pem"), StandardCharsets.US_ASCII);
    rules(StageRules.of(PRODUCTION).signedBy(PemKeys.publicKey("the fixture", pem)));

    assertThat(refusals(version))
        .singleElement()
        .asString()
        .startsWith("it needs a signature of the key ")
        .endsWith("leaves out '.gitattributes'");
  }

  private static byte[] fixture(String name) throws IOException {
    try (InputStream in =
        Objects.requireNonNull(PolicyTest.class.getResourceAsStream("signature/" + name))) {
      return in.readAllBytes();
    }
  }

  @Test
  void trustsNoKeysOfOtherKinds() throws GeneralSecurityException {
    KeyPair rsa = pair("RSA");
    assertThatThrownBy(() -> StageRules.of(PRODUCTION).signedBy(rsa.getPublic()))
        .isInstanceOf(UnsupportedException.class)
        .hasMessageContaining("ECDSA on P-256, P-384 or P-521, or of Ed25519");
  }

  @Test
  void licencesAreAllowedOrDenied() {
    ModelVersion none = register();
    ModelVersion mit = registration("m").licence("mit").register();
    ModelVersion gpl = registration("m").licence("GPL-3.0-only").register();
    ModelVersion both = registration("m").licence("GPL-3.0-only OR MIT").register();
    rules(StageRules.of(PRODUCTION).allowedLicences("MIT", "Apache-2.0"));

    assertThat(mit.notes().licence()).contains("MIT");
    assertThat(refusals(none)).containsExactly("it needs a licence, and has none");
    assertThat(refusals(mit)).isEmpty();
    assertThat(refusals(gpl))
        .containsExactly("its licence GPL-3.0-only is none of Apache-2.0, MIT");
    assertThat(refusals(both)).isEmpty();

    rules(StageRules.of(PRODUCTION).deniedLicences("GPL-3.0-only"));
    assertThat(refusals(gpl)).containsExactly("its licence GPL-3.0-only is denied");
    assertThat(refusals(both)).isEmpty();
    assertThatIllegalArgumentException()
        .isThrownBy(() -> registration("m").licence("Apache 2"))
        .withMessageContaining("the most alike is Apache");
  }

  @Test
  void licencesOfAncestorsWarnOrRefuse() {
    ModelVersion base = registration("base").licence("CC-BY-NC-4.0").register();
    ModelVersion middle = registration("middle").parent(base).licence("CC-BY-NC-4.0").register();
    ModelVersion tuned = registration("tuned").parent(middle).licence("MIT").register();
    AliasChange promotion = ann.promote(tuned, PRODUCTION);

    assertThat(promotion.plan().refusals()).isEmpty();
    assertThat(promotion.plan().warnings())
        .contains(
            "base:1, which it was made from, is under CC-BY-NC-4.0, which forbids commercial use;"
                + " it is under MIT")
        .hasSize(3);

    rules(StageRules.of(PRODUCTION).inheritedLicences());
    assertThat(promotion.plan().refusals()).hasSize(2);
    assertThat(refusals(middle)).isEmpty();
  }

  @Test
  void namesNoAncestorThatTheReaderMayNotRead() {
    ModelVersion base = registration("secret").licence("CC-BY-NC-4.0").register();
    ModelVersion tuned = registration("tuned").parent(base).licence("MIT").register();
    for (Permission permission : Permission.values()) {
      ann.access().allow("administrator", permission);
    }
    ann.access().assign("administrator", ann.principal());
    ann.access().allow("tuner", Permission.READ, "tuned", Access.ANY);
    ann.access().assign("tuner", bob.principal());
    ann.access().enable();

    assertThat(bob.promote(tuned, PRODUCTION).plan().warnings())
        .anyMatch(w -> w.startsWith("a version of a model you may not read, which it was made"))
        .noneMatch(w -> w.contains("secret"));
    assertThat(bob.lineage(tuned).ancestors()).isEmpty();
    assertThat(ann.lineage(tuned).ancestors()).containsExactly(base);
  }

  @Test
  void versionsThatWereLiveAreKept() {
    ModelVersion first = register();
    ModelVersion second = register();
    rules(StageRules.of("prod*").keptVersions());
    ann.promote(first, PRODUCTION).apply();
    ann.promote(second, PRODUCTION).apply();

    assertThat(ann.delete(first).plan().keptFor()).containsExactly(PRODUCTION);
    assertThatThrownBy(() -> ann.delete(first).apply())
        .isInstanceOf(ConflictException.class)
        .hasMessageContaining("refused: 'production' pointed to it, and the policy keeps such");
    ann.policy(Policy.none(), "storage is full");
    ann.delete(first).apply();
    assertThat(ann.audit().about("policy")).extracting(AuditEntry::reason).hasSize(2);
  }
}
