package io.athanor.deploy.target;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.error.BackendException;
import io.athanor.api.error.ConflictException;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.NotFoundException;
import io.athanor.api.error.OutcomeUnknownException;
import io.athanor.api.error.StorageException;
import io.athanor.api.error.UnsupportedException;
import io.athanor.api.error.ValidationException;
import io.athanor.api.model.Export;
import io.athanor.api.model.ModelArtifact;
import io.athanor.deploy.serve.InProcess;
import io.athanor.deploy.serve.TextAnswer;
import io.athanor.deploy.serve.TextDeployment;
import io.athanor.deploy.serve.TextRequest;
import io.athanor.model.format.gguf.Gguf;
import io.athanor.model.format.gguf.GgufPrecision;
import io.athanor.model.generate.FinishReason;
import io.athanor.model.generate.GenerationSettings;
import io.athanor.model.text.ChatMessage;
import io.athanor.tck.fixture.TinyArtifacts;
import io.athanor.tck.reference.ReferenceBackendProvider;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Against a local server with Ollama's API, which generates from the file that it was sent. */
@Timeout(120)
class OllamaTargetTest {
  private static final ModelArtifact MODEL = ChatModels.chat(5);
  private static final GenerationSettings SIX =
      GenerationSettings.greedy().toBuilder().maxNewTokens(6).build();
  private static final List<TextRequest> QUESTIONS =
      List.of(
          TextRequest.of("win a").settings(SIX),
          TextRequest.chat(ChatMessage.user("meet at noon")).settings(SIX),
          TextRequest.chat(
                  ChatMessage.system("prize"),
                  ChatMessage.user("win"),
                  ChatMessage.assistant("a prize"),
                  ChatMessage.user("at noon"))
              .settings(SIX));

  private final Backend backend = new ReferenceBackendProvider().open(BackendOptions.defaults());

  @TempDir Path blobs;
  private FakeOllama ollama;

  private OllamaTarget target() {
    ollama = ollama == null ? new FakeOllama(blobs, new GgufMouth(backend)) : ollama;
    return OllamaTarget.at(ollama.address())
        .retries(FakeServer.hasty())
        .precision(GgufPrecision.F32);
  }

  private GoldenTranscript<TextDeployment> golden(ModelArtifact model) {
    try (TextDeployment here = new InProcess().backend(backend).text("helper", model)) {
      return GoldenTranscript.ofTexts(here, QUESTIONS);
    }
  }

  @AfterEach
  void close() {
    if (ollama != null) {
      ollama.close();
    }
    backend.close();
  }

  @Test
  void whatIsThereSaysWhatIsHere() {
    try (OllamaDeployment live = target().deploy("team/helper:2", MODEL, golden(MODEL))) {
      assertThat(ollama.names()).containsExactly("team/helper:2");
      assertThat(target().models()).containsExactly("team/helper:2");
      assertThat(ollama.parameters("team/helper:2").toString())
          .isEqualTo("{\"num_ctx\":64,\"stop\":[\"<|im_end|>\"]}");
      List<String> pieces = new ArrayList<>();
      TextAnswer answer = live.generate(QUESTIONS.get(0), pieces::add);
      assertThat(String.join("", pieces)).isEqualTo(answer.text()).isNotEmpty();
      assertThat(answer.version()).isEqualTo(MODEL.weightsDigest().brief());
      assertThat(answer.generated().finish()).isEqualTo(FinishReason.LENGTH);
      assertThat(answer.generated().promptTokens()).isEqualTo(7);
      assertThat(live.stats().answered()).isEqualTo(1);
    }
  }

  @Test
  void whatIsThereAlreadyIsNeitherSentNorMadeAgain() {
    target().deploy("helper", MODEL).close();
    target().deploy("helper", MODEL, golden(MODEL)).close();

    assertThat(ollama.requests("POST /api/blobs")).hasSize(1);
    assertThat(ollama.requests("POST /api/create")).hasSize(1);
    assertThat(ollama.names()).containsExactly("helper:latest");
  }

  @Test
  void aModelThatSaysSomethingElseGetsNoNameAndLeavesTheOldOne() {
    ModelArtifact other = ChatModels.chat(6);
    target().deploy("helper", MODEL).close();
    Map<String, String> before = ollama.state();

    assertThatThrownBy(() -> target().replacing().deploy("helper", other, golden(MODEL)))
        .isInstanceOf(ValidationException.class)
        .hasMessageStartingWith("Invalid copy of helper:" + MODEL.weightsDigest().brief())
        .hasMessageContaining("question 1 of 3, 'win a': expected '");

    assertThat(ollama.state()).isEqualTo(before);
  }

  @Test
  void anotherModelOfTheNameStaysUnlessItIsToBeReplaced() {
    ModelArtifact other = ChatModels.chat(6);
    target().deploy("helper", MODEL).close();

    assertThatThrownBy(() -> target().deploy("helper", other))
        .isInstanceOf(ConflictException.class)
        .hasMessageContaining("has another model 'helper:latest'")
        .hasMessageContaining("replacing()");
    Map<String, String> before = ollama.state();
    target().replacing().deploy("helper", other, golden(other)).close();

    assertThat(ollama.state()).isNotEqualTo(before);
    assertThat(target().delete("helper")).isTrue();
    assertThat(target().delete("helper")).isFalse();
  }

  @Test
  void brokenUploadsAndPassingFailuresAreRepeated() {
    List<Duration> pauses = new ArrayList<>();
    OllamaTarget target = target().retries(FakeServer.hasty(pauses));
    ollama.cut("POST /api/blobs", 5_000);
    ollama.fail("POST /api/blobs", 500);
    ollama.busy("POST /api/create", 7);
    ollama.lose("POST /api/copy");

    target.deploy("helper", MODEL, golden(MODEL)).close();

    assertThat(ollama.requests("POST /api/blobs")).hasSize(3);
    assertThat(ollama.names()).containsExactly("helper:latest");
    assertThat(pauses)
        .containsExactly(
            Duration.ofMillis(200),
            Duration.ofMillis(400),
            Duration.ofSeconds(7),
            Duration.ofMillis(200));
  }

  @Test
  void aFullDiskThereIsSaidInItsWords() {
    OllamaTarget target = target();
    ollama.fill();

    assertThatThrownBy(() -> target.deploy("helper", MODEL))
        .isInstanceOf(StorageException.class)
        .hasMessageContaining("Ollama answered 500")
        .hasMessageContaining("no space left on device");
    assertThat(ollama.names()).isEmpty();
  }

  @Test
  void whatIsNoAnswerOfOllamaIsSaidAndLeavesNothing() {
    OllamaTarget target = target();
    ollama.instead("POST /api/show", 200, Map.of(), "<html>Welcome</html>");
    assertThatThrownBy(() -> target.deploy("helper", MODEL)).isInstanceOf(FormatException.class);
    ollama.instead("POST /api/create", 200, Map.of(), "{\"status\":\"succ");
    assertThatThrownBy(() -> target.deploy("helper", MODEL)).isInstanceOf(FormatException.class);
    ollama.instead("POST /api/create", 302, Map.of("Location", "http://127.0.0.1:1/"), "");
    assertThatThrownBy(() -> target.deploy("helper", MODEL))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("expected an answer of Ollama, got Ollama answered 302");
    assertThat(ollama.names()).isEmpty();
    try (TextDeployment there = target.deploy("helper", MODEL)) {
      ollama.instead("POST /api/generate", 200, Map.of(), "{\"response\":\"so\",\"do");
      assertThatThrownBy(() -> there.generate(QUESTIONS.get(0)))
          .isInstanceOf(BackendException.class);
      ollama.instead("POST /api/generate", 200, Map.of(), "{\"response\":\"so\"}\n");
      assertThatThrownBy(() -> there.generate(QUESTIONS.get(0)))
          .isInstanceOf(BackendException.class)
          .hasMessageContaining("the answer was cut off; ask again");
      ollama.breakOff("POST /api/generate", 60);
      assertThatThrownBy(() -> there.generate(QUESTIONS.get(0)))
          .isInstanceOf(BackendException.class)
          .hasMessageContaining("cut the connection");
      assertThat(there.stats().failed()).isEqualTo(3);
    }
  }

  @Test
  void aNameOfWhichNobodyHearsIsUnknown() {
    OllamaTarget target = target();
    for (int i = 0; i < 4; i++) {
      ollama.lose("POST /api/copy");
    }

    assertThatThrownBy(() -> target.deploy("helper", MODEL))
        .isInstanceOf(OutcomeUnknownException.class)
        .hasMessageContaining("Nobody can know whether POST /api/copy")
        .hasMessageContaining("look before repeating it");
  }

  @Test
  void whatOllamaCannotHoldIsRefusedBeforeAnythingIsSent() {
    OllamaTarget target = target();
    assertThatThrownBy(() -> target.deploy("prices", TinyArtifacts.prices()))
        .isInstanceOf(UnsupportedException.class)
        .hasMessageContaining("Ollama generates text");
    assertThatThrownBy(
            () -> target.deploy("x", ChatModels.chat(5, ChatModels.encoding("llama31.jinja"))))
        .isInstanceOf(UnsupportedException.class)
        .hasMessageContaining("date");
    assertThatThrownBy(() -> target.deploy("no spaces", MODEL))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageStartingWith("name must be of letters");
    assertThat(ollama.requests("")).isEmpty();
  }

  @Test
  void requestsThatOllamaCannotAnswerAreRefused() {
    OllamaDeployment live = target().deploy("helper", MODEL);
    assertThatThrownBy(() -> live.generate(QUESTIONS.get(0).adapter("polite:1")))
        .isInstanceOf(NotFoundException.class)
        .hasMessageContaining("adapter 'polite:1'");
    assertThatThrownBy(
            () -> live.generate(QUESTIONS.get(0).settings(SIX.toBuilder().likelihoods().build())))
        .isInstanceOf(UnsupportedException.class);
    ollama.cut("POST /api/generate", 0);
    ollama.fail("POST /api/generate", 500);
    assertThat(live.generate(QUESTIONS.get(0)).text()).isNotEmpty();
    live.close();
    assertThatThrownBy(() -> live.generate(QUESTIONS.get(0)))
        .isInstanceOf(IllegalStateException.class);
  }

  @Test
  void aListenerThatHasHeardEnoughEndsTheAnswer() throws Exception {
    OllamaDeployment live = target().deploy("helper", MODEL);
    List<String> heard = new ArrayList<>();
    TextAnswer answer =
        live.generate(
            QUESTIONS.get(0),
            piece -> {
              heard.add(piece);
              return heard.size() < 2;
            });
    assertThat(heard).hasSize(2);
    assertThat(answer.generated().finish()).isEqualTo(FinishReason.CANCELLED);
    assertThat(answer.text()).isEqualTo(String.join("", heard));
    assertThat(live.generateAsync(QUESTIONS.get(1), piece -> true).get(60, TimeUnit.SECONDS).text())
        .isNotEmpty();
    for (int i = 0; i < 4; i++) {
      ollama.fail("POST /api/chat", 503);
    }
    assertThatThrownBy(() -> live.generate(QUESTIONS.get(1)))
        .isInstanceOf(BackendException.class)
        .satisfies(e -> assertThat(((BackendException) e).retryable()).isTrue());
  }

  @Test
  void theFolderIsWhatOllamaCreateTakes() throws Exception {
    Path folder = blobs.resolve("folder");
    Export.of(MODEL).to(folder, OllamaTarget.format(GgufPrecision.F16)).write();

    assertThat(Gguf.read(folder.resolve("model.gguf")).chatTemplate()).isPresent();
    assertThat(Files.readString(folder.resolve("Modelfile")))
        .startsWith("FROM ./model.gguf\nTEMPLATE \"\"\"")
        .contains("PARAMETER stop \"\"\"<|im_end|>\"\"\"");
  }
}
