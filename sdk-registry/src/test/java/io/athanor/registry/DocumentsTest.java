package io.athanor.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.athanor.api.error.AccessDeniedException;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.NotFoundException;
import io.athanor.api.error.StorageException;
import io.athanor.api.error.ValidationException;
import io.athanor.api.registry.AuditEntry;
import io.athanor.api.registry.ModelVersion;
import io.athanor.api.registry.Permission;
import io.athanor.api.registry.Principal;
import io.athanor.registry.governance.Checklist;
import io.athanor.registry.governance.Document;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What is attached to versions. */
class DocumentsTest extends RegistryContract {
  private static final byte[] RESULTS = "{\"gap\": 0.01}".getBytes(StandardCharsets.UTF_8);

  @TempDir private Path temp;
  private ModelRegistry registry;
  private ModelVersion version;
  private VersionDocuments documents;

  @BeforeEach
  void open() {
    registry = store.in(temp.resolve("registry")).principal(new Principal("ann")).open();
    version = registry.registration("m", TestModels.folder(temp, "a")).register();
    documents = registry.documents(version);
  }

  @AfterEach
  void close() {
    registry.close();
  }

  private Path blob(Document document) {
    String hex = document.digest().hex();
    return temp.resolve("registry/blobs/sha256").resolve(hex.substring(0, 2)).resolve(hex);
  }

  @Test
  void keepsWhatWasAttached() throws IOException {
    Path file = Files.writeString(temp.resolve("why.html"), "<p>because</p>");

    Document bias = documents.attach(Document.BIAS, RESULTS, "application/json");
    Document why = documents.attach(Document.EXPLAINABILITY, file, "text/html; charset=utf-8");
    Document again = documents.attach(Document.BIAS, RESULTS, "text/plain");

    assertThat(again).isEqualTo(bias);
    assertThat(documents.list()).containsExactlyInAnyOrder(bias, why);
    assertThat(documents.list(Document.BIAS)).containsExactly(bias);
    assertThat(documents.read(bias)).isEqualTo(RESULTS);
    assertThat(new String(documents.read(why), StandardCharsets.UTF_8)).contains("because");
    assertThat(bias.bytes()).isEqualTo(RESULTS.length);
    assertThat(bias.added().by()).contains(new Principal("ann"));
    assertThat(registry.audit().about("m:1"))
        .extracting(AuditEntry::action)
        .containsExactly("register", "attach", "attach");
    assertThat(temp.resolve("registry/staging")).isEmptyDirectory();
    assertThat(registry.verify().problems()).isEmpty();
  }

  @Test
  void garbageCollectionKnowsThem() {
    Document bias = documents.attach(Document.BIAS, RESULTS, "application/json");

    assertThat(registry.collectGarbage().contents()).isZero();
    assertThat(documents.read(bias)).isEqualTo(RESULTS);
    documents.detach(bias, "wrong model");
    assertThat(documents.list()).isEmpty();
    assertThat(registry.audit().head().orElseThrow().reason()).isEqualTo("wrong model");
    assertThat(registry.collectGarbage().contents()).isEqualTo(1);
    assertThat(blob(bias)).doesNotExist();
    assertThatThrownBy(() -> documents.read(bias))
        .isInstanceOf(NotFoundException.class)
        .hasMessageContaining("bias " + bias.digest().brief() + " of m:1");
    assertThatThrownBy(() -> documents.detach(bias, "")).isInstanceOf(NotFoundException.class);
  }

  @Test
  void theyGoWithTheVersion() {
    Document bias = documents.attach(Document.BIAS, RESULTS, "application/json");

    registry.delete(version).apply();

    assertThat(blob(bias)).doesNotExist();
    assertThatThrownBy(documents::list)
        .isInstanceOf(NotFoundException.class)
        .hasMessageContaining("No version m:1");
    assertThatThrownBy(() -> documents.attach(Document.BIAS, RESULTS, "text/plain"))
        .isInstanceOf(NotFoundException.class);
  }

  @Test
  void noticesDamage() throws IOException {
    Document bias = documents.attach(Document.BIAS, RESULTS, "application/json");
    blob(bias).toFile().setWritable(true);
    Files.writeString(blob(bias), "something else");

    assertThatThrownBy(() -> documents.read(bias))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("damaged or changed: expected digest " + bias.digest());
    assertThat(registry.verify().problems())
        .singleElement()
        .asString()
        .startsWith("bias " + bias.digest().brief() + " of m:1: ");
  }

  @Test
  void refusesWhatItCannotKeep() {
    assertThatThrownBy(
            () -> documents.attach("big", new byte[VersionDocuments.MAX_BYTES + 1], "text/plain"))
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("at most 33554432 bytes");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> documents.attach("../x", RESULTS, "text/plain"))
        .withMessageContaining("kind must be");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> documents.attach("x", RESULTS, "text\n"))
        .withMessageContaining("mediaType must look like application/json, got 'text?'");
    assertThatThrownBy(() -> documents.attach("x", temp.resolve("absent"), "text/plain"))
        .isInstanceOf(StorageException.class)
        .hasMessageContaining("absent");
    assertThatThrownBy(() -> documents.attach(Document.CHECKLIST, RESULTS, "application/json"))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("missing field 'format'");
    assertThat(documents.list()).isEmpty();
  }

  @Test
  void aChecklistIsAnsweredItemByItem() {
    Document bias = documents.attach(Document.BIAS, RESULTS, "application/json");
    assertThat(documents.checklist()).isEmpty();

    documents.answer("bias", "No group is worse by more than 1 %", Optional.of(bias));
    documents.answer("limits", "Only English", Optional.empty());

    Checklist checklist = documents.checklist().orElseThrow();
    assertThat(checklist.item("bias").orElseThrow().answer())
        .hasValueSatisfying(
            answer -> {
              assertThat(answer.text()).startsWith("No group");
              assertThat(answer.evidence()).contains(bias.digest());
              assertThat(answer.given().by()).contains(new Principal("ann"));
            });
    assertThat(checklist.open()).hasSize(Checklist.standard().items().size() - 2);
    assertThat(documents.list(Document.CHECKLIST)).hasSize(1);
    assertThat(Checklist.read("copy", checklist.write())).isEqualTo(checklist);
    assertThatThrownBy(() -> documents.answer("colour", "red", Optional.empty()))
        .isInstanceOf(NotFoundException.class)
        .hasMessageContaining("item 'colour' in the checklist")
        .hasMessageContaining("intended-use");
  }

  @Test
  void rolesSayWhoMayReadAndAttach() {
    Document bias = documents.attach(Document.BIAS, RESULTS, "application/json");
    for (Permission permission : Permission.values()) {
      registry.access().allow("administrator", permission);
    }
    registry.access().assign("administrator", registry.principal());
    registry.access().allow("reader", Permission.READ, "m", Access.ANY);
    registry.access().assign("reader", new Principal("bob"));
    registry.access().enable();
    VersionDocuments bob = registry.as(new Principal("bob")).documents(version);
    VersionDocuments eve = registry.as(new Principal("eve")).documents(version);

    assertThat(bob.read(bias)).isEqualTo(RESULTS);
    assertThatThrownBy(() -> bob.attach("x", RESULTS, "text/plain"))
        .isInstanceOf(AccessDeniedException.class)
        .hasMessageContaining("'bob' may not update m");
    assertThatThrownBy(() -> bob.detach(bias, "")).isInstanceOf(AccessDeniedException.class);
    assertThatThrownBy(eve::list).isInstanceOf(AccessDeniedException.class);
    assertThatThrownBy(() -> eve.read(bias)).isInstanceOf(AccessDeniedException.class);
  }
}
