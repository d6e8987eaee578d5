package io.athanor.deploy.target;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.common.Secret;
import io.athanor.api.data.Task;
import io.athanor.api.error.AccessDeniedException;
import io.athanor.api.error.ConflictException;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.NotFoundException;
import io.athanor.api.error.OutcomeUnknownException;
import io.athanor.api.error.StorageException;
import io.athanor.api.error.ValidationException;
import io.athanor.api.model.ArtifactFolder;
import io.athanor.api.model.ModelArtifact;
import io.athanor.api.model.ModelCard;
import io.athanor.deploy.serve.InProcess;
import io.athanor.deploy.serve.TextDeployment;
import io.athanor.deploy.serve.TextRequest;
import io.athanor.model.Models;
import io.athanor.model.arch.Pretrained;
import io.athanor.model.generate.GenerationSettings;
import io.athanor.tck.fixture.TinyArtifacts;
import io.athanor.tck.reference.ReferenceBackendProvider;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Against a local server with the Hub's API. */
@Timeout(120)
class HubTargetTest {
  private static final String TOKEN = "hf_AbCdEf123456";
  private static final String ID = "team/model";
  private static final int PART = 4_096;

  private final FakeHub hub = new FakeHub(TOKEN, PART);

  @TempDir Path home;
  private Path folder;

  @BeforeEach
  void fillFolder() throws IOException {
    folder = Files.createDirectories(home.resolve("model"));
    byte[] weights = new byte[3 * PART + 100];
    new Random(3).nextBytes(weights);
    Files.write(folder.resolve("model.safetensors"), weights);
    Files.writeString(folder.resolve("config.json"), "{\"model_type\": \"tiny\"}");
    Files.writeString(folder.resolve("README.md"), "# Tiny\n");
    Files.createDirectories(folder.resolve("onnx"));
    Files.write(folder.resolve("onnx/model.onnx"), new byte[100]);
    Files.writeString(folder.resolve(".secret"), "not for others");
  }

  @AfterEach
  void close() {
    hub.close();
  }

  private HubTarget target() {
    return HubTarget.repository(ID)
        .at(hub.address())
        .token(Secret.of(TOKEN))
        .retries(FakeServer.hasty());
  }

  private void assertThere(String path) throws IOException {
    assertThat(hub.content(ID, "main", path)).isEqualTo(Files.readAllBytes(folder.resolve(path)));
  }

  @Test
  void everyFileIsThereInOneCommitAndTheRepositoryIsPrivate() throws IOException {
    HubCommit commit = target().publish(folder);

    assertThat(commit.commit()).isEqualTo("c1");
    assertThat(commit.changed()).isEqualTo(4);
    assertThat(commit.bytesSent()).isEqualTo(3 * PART + 200);
    assertThat(commit.repository()).hasToString(hub.address() + "/team/model");
    assertThat(hub.hidden(ID)).isTrue();
    assertThat(hub.commits(ID)).isEqualTo(1);
    for (String path :
        List.of("model.safetensors", "config.json", "README.md", "onnx/model.onnx")) {
      assertThere(path);
    }
    assertThat(hub.storage().requests("PUT")).hasSize(5);
  }

  @Test
  void whatIsThereIsNotSentAgain() throws IOException {
    target().publish(folder);
    Files.writeString(folder.resolve("config.json"), "{\"model_type\": \"other\"}");
    int uploads = hub.storage().requests("PUT").size();

    HubCommit second = target().publish(folder);
    HubCommit third = target().publish(folder);

    assertThat(second.changed()).isEqualTo(1);
    assertThat(second.bytesSent()).isZero();
    assertThat(third).isEqualTo(new HubCommit(second.repository(), "main", "c2", 0, 0));
    assertThat(hub.storage().requests("PUT")).hasSize(uploads);
    assertThat(hub.commits(ID)).isEqualTo(2);
    assertThere("config.json");
  }

  @Test
  void aPartThatIsCutOffIsSentAgainAndNoneBeforeIt() throws IOException {
    List<Duration> pauses = new ArrayList<>();
    hub.storage().cut("PUT /", 10);
    hub.storage().fail("PUT /", 500);
    hub.storage().busy("PUT /", 3);
    hub.fail("POST /api/models/team/model/preupload", 503);

    target().retries(FakeServer.hasty(pauses)).publish(folder);

    assertThere("model.safetensors");
    assertThat(hub.storage().requests("PUT")).hasSize(8);
    assertThat(pauses).hasSize(4).contains(Duration.ofSeconds(3));
  }

  @Test
  void anUploadThatBrokeOffGoesOnWhereItWas() throws IOException {
    for (int i = 0; i < 4; i++) {
      hub.cut("POST /api/models/team/model/preupload", 10);
    }
    assertThatThrownBy(() -> target().publish(folder)).isInstanceOf(StorageException.class);
    for (int i = 0; i < 4; i++) {
      hub.fail("POST /api/models/team/model/commit", 503);
    }
    assertThatThrownBy(() -> target().publish(folder))
        .isInstanceOf(StorageException.class)
        .hasMessageContaining("the Hub answered 503, 'told to fail'");
    assertThat(hub.commits(ID)).isZero();
    int uploads = hub.storage().requests("PUT").size();

    HubCommit commit = target().publish(folder);

    assertThat(commit.bytesSent()).isZero();
    assertThat(commit.changed()).isEqualTo(4);
    assertThat(hub.storage().requests("PUT")).hasSize(uploads);
    assertThere("model.safetensors");
  }

  @Test
  void addressesThatAreNoLongerGoodAreAskedForAgain() throws IOException {
    hub.storage().fail("PUT /", 403);

    target().publish(folder);

    assertThere("model.safetensors");
    assertThere("onnx/model.onnx");
    assertThat(hub.requests("POST /team/model.git/info/lfs/objects/batch")).hasSize(2);
  }

  @Test
  void aCommitWhoseAnswerIsLostIsFoundAndNotRepeated() {
    hub.lose("POST /api/models/team/model/commit");

    HubCommit commit = target().publish(folder);

    assertThat(commit.commit()).isEqualTo("c1");
    assertThat(hub.commits(ID)).isEqualTo(1);
  }

  @Test
  void aCommitThatNeverArrivedIsRepeated() throws IOException {
    hub.cut("POST /api/models/team/model/commit", 10);

    target().publish(folder);

    assertThat(hub.commits(ID)).isEqualTo(1);
    assertThat(hub.requests("POST /api/models/team/model/commit")).hasSize(2);
    assertThere("README.md");
  }

  @Test
  void aCommitOfWhichTheHubDoesNotTellIsUnknown() {
    hub.lose("POST /api/models/team/model/commit");
    hub.before(
        "POST /api/models/team/model/commit",
        () -> hub.fail("GET /api/models/team/model/revision", 503));
    HubTarget impatient = target().retries(FakeServer.hasty().attempts(1));

    assertThatThrownBy(() -> impatient.publish(folder))
        .isInstanceOf(OutcomeUnknownException.class)
        .hasMessageContaining("Nobody can know whether POST /api/models/team/model/commit/main");
    assertThat(hub.commits(ID)).isEqualTo(1);
  }

  @Test
  void somebodyElsesCommitIsNotOverwritten() {
    hub.create(ID, true);
    hub.before(
        "POST /api/models/team/model/commit",
        () -> hub.commitElsewhere(ID, "main", "notes.txt", "mine"));

    assertThatThrownBy(() -> target().publish(folder))
        .isInstanceOf(ConflictException.class)
        .hasMessageContaining("412, 'A commit has happened since")
        .satisfies(e -> assertThat(((ConflictException) e).retryable()).isTrue());
    assertThat(hub.commits(ID)).isEqualTo(1);

    assertThat(target().publish(folder).commit()).isEqualTo("c2");
    assertThat(new String(hub.content(ID, "main", "notes.txt"), StandardCharsets.UTF_8))
        .isEqualTo("mine");
  }

  @Test
  void whatIsToBePrivateDoesNotGoToAPublicRepository() {
    hub.create(ID, false);

    assertThatThrownBy(() -> target().publish(folder))
        .isInstanceOf(ConflictException.class)
        .hasMessageContaining("is public, and this upload is to be private; nothing was sent");
    assertThat(hub.storage().requests("")).isEmpty();
    assertThat(target().publicly().publish(folder).commit()).isEqualTo("c1");
  }

  @Test
  void aWrongTokenIsRefusedAndNeverShown() {
    HubTarget other = target().token(Secret.of("hf_Wr0ngT0ken"));

    assertThatThrownBy(() -> other.publish(folder))
        .isInstanceOf(AccessDeniedException.class)
        .hasMessageContaining("the Hub answered 401, 'Invalid credentials, got Bearer ********'")
        .satisfies(e -> assertThat(e.toString()).doesNotContain("Wr0ng"));
    assertThatThrownBy(
            () ->
                HubTarget.repository(ID)
                    .at(hub.address())
                    .retries(FakeServer.hasty())
                    .publish(folder))
        .isInstanceOf(AccessDeniedException.class)
        .hasMessageContaining("give a token that may, none was");
  }

  @Test
  void signaturesOfAddressesAreNeverShown() {
    for (int i = 0; i < 4; i++) {
      hub.storage().fail("PUT /", 500);
    }
    assertThatThrownBy(() -> target().publish(folder))
        .isInstanceOf(StorageException.class)
        .satisfies(e -> assertThat(e.getMessage()).doesNotContain("s3cr3t"));
  }

  @Test
  void whatIsNoAnswerOfTheHubIsSaidAndNoOtherServerGetsTheToken() {
    hub.instead("GET /api/models/team/model", 200, Map.of(), "<html>Welcome</html>");
    assertThatThrownBy(() -> target().publish(folder)).isInstanceOf(FormatException.class);
    hub.instead("POST /team/model.git/info/lfs", 200, Map.of(), "{\"objects\":[{\"oid\":");
    assertThatThrownBy(() -> target().publish(folder)).isInstanceOf(FormatException.class);
    try (FakeHub other = new FakeHub(TOKEN, PART)) {
      for (String start : List.of("GET /api/models", "POST /api/models")) {
        Map<String, String> away = Map.of("Location", other.address() + "/api/models/team/model");
        hub.instead(start, 307, away, "");
        assertThatThrownBy(() -> target().publish(folder))
            .isInstanceOf(FormatException.class)
            .hasMessageContaining("answered 307")
            .satisfies(e -> assertThat(e.toString()).doesNotContain(TOKEN));
      }
      assertThat(other.requests("")).isEmpty();
    }
    assertThat(target().publish(folder).commit()).isEqualTo("c1");
  }

  @Test
  void filesThatArriveDamagedAreNotCommitted() {
    hub.fail("POST /verify", 422);
    assertThatThrownBy(() -> target().publish(folder))
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("422");
    assertThat(hub.commits(ID)).isZero();
  }

  @Test
  void aFullHubIsSaidInItsWords() {
    hub.refuse("You have exceeded your private storage limit");
    assertThatThrownBy(() -> target().publish(folder))
        .isInstanceOf(StorageException.class)
        .hasMessageContaining("507, 'You have exceeded your private storage limit'");
    assertThat(hub.commits(ID)).isZero();
  }

  @Test
  void branchesAreMade() throws IOException {
    HubCommit commit = target().branch("release/2").message("Second").publish(folder);

    assertThat(commit.branch()).isEqualTo("release/2");
    assertThat(hub.content(ID, "release/2", "README.md"))
        .isEqualTo(Files.readAllBytes(folder.resolve("README.md")));
  }

  @Test
  void namesAndFoldersAreChecked() {
    assertThatThrownBy(() -> HubTarget.repository("model"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("got 'model'");
    assertThatThrownBy(() -> target().branch("../x")).isInstanceOf(IllegalArgumentException.class);
    assertThatThrownBy(() -> target().publish(Files.createDirectory(home.resolve("empty"))))
        .isInstanceOf(NotFoundException.class)
        .hasMessageContaining("No file below");
    assertThat(hub.requests("")).isEmpty();
  }

  @Test
  void aLanguageModelGoesThereAsTransformersReadsItOnceItSaysTheSame() {
    ModelArtifact model = ChatModels.chat(5);
    GenerationSettings six = GenerationSettings.greedy().toBuilder().maxNewTokens(6).build();
    try (Backend backend = new ReferenceBackendProvider().open(BackendOptions.defaults());
        TextDeployment here = new InProcess().backend(backend).text("helper", model);
        TextDeployment other =
            new InProcess().backend(backend).text("helper", ChatModels.chat(6))) {
      List<TextRequest> questions = List.of(TextRequest.of("win a").settings(six));

      HubTarget target =
          target()
              .checkedBy(
                  GoldenTranscript.ofTexts(here, questions)
                      .readBy(files -> new InProcess().backend(backend).text("x", read(files))));
      HubCommit commit = target.publish(model, ModelCard.of(model));

      assertThat(commit.changed()).isEqualTo(7);
      assertThat(new String(hub.content(ID, "main", "README.md"), StandardCharsets.UTF_8))
          .contains("library_name: athanor");
      HubTarget wrong =
          target()
              .checkedBy(
                  GoldenTranscript.ofTexts(other, questions)
                      .readBy(files -> new InProcess().backend(backend).text("x", read(files))));
      int requests = hub.requests("").size();
      assertThatThrownBy(() -> wrong.publish(model, ModelCard.of(model)))
          .isInstanceOf(ValidationException.class)
          .hasMessageContaining("question 1 of 1");
      assertThat(hub.requests("")).hasSize(requests);
    }
  }

  private static ModelArtifact read(Path files) {
    Pretrained read = Models.huggingFace(files);
    return read.artifact(read.encoding(new Task.Generation("text"), 32), Clock.systemUTC());
  }

  @Test
  void aModelThatTransformersDoesNotKnowGoesThereAsAthanorReadsIt() throws IOException {
    ModelArtifact model = TinyArtifacts.spam();
    target().publish(model, ModelCard.of(model));

    Path back = Files.createDirectory(home.resolve("back"));
    for (String file :
        List.of(
            "athanor.json", "config.json", "model.safetensors", "tokenizer.json", "labels.json")) {
      Files.write(back.resolve(file), hub.content(ID, "main", file));
    }
    assertThat(ArtifactFolder.read(back).weightsDigest()).isEqualTo(model.weightsDigest());
  }
}
