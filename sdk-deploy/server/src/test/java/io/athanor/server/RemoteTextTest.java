package io.athanor.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.common.Digest;
import io.athanor.api.data.LanguageEncoding;
import io.athanor.api.data.Task;
import io.athanor.api.data.Tokenizer;
import io.athanor.api.deploy.DeploymentStats;
import io.athanor.api.deploy.ServedModel;
import io.athanor.api.error.AthanorException;
import io.athanor.api.error.BackendException;
import io.athanor.api.error.ConflictException;
import io.athanor.api.error.NotFoundException;
import io.athanor.api.error.OverloadException;
import io.athanor.api.error.ValidationException;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.Weights;
import io.athanor.api.model.ModelArtifact;
import io.athanor.api.model.Provenance;
import io.athanor.deploy.Deployments;
import io.athanor.deploy.serve.EmbeddingDeployment;
import io.athanor.deploy.serve.TextAnswer;
import io.athanor.deploy.serve.TextDeployment;
import io.athanor.deploy.serve.TextRequest;
import io.athanor.deploy.target.GoldenTranscript;
import io.athanor.deploy.target.HttpTarget;
import io.athanor.deploy.target.RetryPolicy;
import io.athanor.model.Models;
import io.athanor.model.arch.Llama;
import io.athanor.model.generate.FinishReason;
import io.athanor.model.generate.GenerationSettings;
import io.athanor.model.text.BytePairTraining;
import io.athanor.model.text.ChatMessage;
import io.athanor.model.text.ChatTemplate;
import io.athanor.model.text.SubwordTokenizer;
import io.athanor.tck.reference.ReferenceBackendProvider;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.URI;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.function.Predicate;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.Timeout;

/** Language models of a real server, asked through {@link HttpTarget} as if they were here. */
@Timeout(120)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
class RemoteTextTest {
  private static final int CONTEXT = 2_048;
  private static final Tokenizer TOKENIZER =
      SubwordTokenizer.read(
          "tiny",
          BytePairTraining.of(300)
              .specialTokens("<|im_start|>", "<|im_end|>")
              .train(List.of("win a prize", "meet at noon", "a prize at noon", "win at noon")));
  private static final TextRequest PROMPT =
      TextRequest.of("win a").settings(GenerationSettings.builder().maxNewTokens(12).build());
  private static final TextRequest LONG =
      PROMPT.settings(GenerationSettings.builder().maxNewTokens(2_000).build());

  private final Backend backend = new ReferenceBackendProvider().open(BackendOptions.defaults());
  private final Watched here =
      new Watched(Deployments.inProcess().backend(backend).text("helper", model()));
  private final ModelServer server =
      ModelServer.on(0).serve(here).serve(new FakeEmbedding()).start();

  @AfterAll
  void stop() {
    server.close();
    here.close();
    backend.close();
  }

  /** Whose words mean nothing and do not end. */
  private static ModelArtifact model() {
    LanguageEncoding encoding =
        new LanguageEncoding(
            new Task.Generation("text"),
            TOKENIZER,
            CONTEXT,
            List.of(),
            Optional.of(ChatTemplate.chatMl().text()),
            Map.of());
    Llama llama = Models.llama(1, 16, 2, 1, 24);
    Graph graph = llama.graph(encoding.signature());
    return new ModelArtifact(
        llama.name(),
        llama.config(),
        graph,
        Weights.initialize(graph, 3),
        encoding,
        Map.of(),
        new Provenance(Instant.EPOCH, 1, "{}", List.of(), Optional.empty(), Map.of()));
  }

  /** Hands out the answers that are begun, to see what becomes of them. */
  private static final class Watched implements TextDeployment {
    private final TextDeployment real;
    private final BlockingQueue<CompletableFuture<TextAnswer>> begun = new LinkedBlockingQueue<>();

    Watched(TextDeployment real) {
      this.real = real;
    }

    @Override
    public ServedModel model() {
      return real.model();
    }

    @Override
    public List<String> adapters() {
      return real.adapters();
    }

    @Override
    public TextAnswer generate(TextRequest request, Predicate<String> listener) {
      return real.generate(request, listener);
    }

    @Override
    public CompletableFuture<TextAnswer> generateAsync(
        TextRequest request, Predicate<String> listener) {
      CompletableFuture<TextAnswer> answer = real.generateAsync(request, listener);
      begun.add(answer);
      return answer;
    }

    @Override
    public DeploymentStats stats() {
      return real.stats();
    }

    @Override
    public void close() {
      real.close();
    }
  }

  private HttpTarget target(URI address) {
    return Deployments.http(address).retries(RetryPolicy.standard().attempts(1));
  }

  @Test
  void theServersTextsAreThoseOfTheModelHere() {
    TextRequest chat =
        TextRequest.chat(List.of(ChatMessage.system("be short"), ChatMessage.user("meet")))
            .settings(PROMPT.settings());
    TextRequest drawn =
        PROMPT.settings(
            GenerationSettings.builder()
                .maxNewTokens(20)
                .temperature(0.8)
                .topK(30)
                .topP(0.9)
                .repetitionPenalty(1.2)
                .seed(11)
                .build());
    try (TextDeployment there = target(server.address()).text(here.model())) {
      GoldenTranscript.ofTexts(here, List.of(PROMPT, chat)).require(there);
      List<String> pieces = new ArrayList<>();
      TextAnswer answer = there.generate(drawn, pieces::add);
      TextAnswer right = here.generate(drawn);
      assertThat(answer.text()).isEqualTo(right.text()).isEqualTo(String.join("", pieces));
      assertThat(answer.generated().finish()).isEqualTo(right.generated().finish());
      assertThat(answer.generated().promptTokens()).isEqualTo(right.generated().promptTokens());
    }
  }

  @Test
  void aListenerThatWantsNoMoreStopsTheWorkThere() throws Exception {
    here.begun.clear();
    try (TextDeployment there = target(server.address()).text(here.model())) {
      TextAnswer answer = there.generate(LONG, piece -> false);
      assertThat(answer.generated().finish()).isEqualTo(FinishReason.CANCELLED);
      assertStopped();
    }
  }

  @Test
  void cancellingStopsTheWorkThere() throws Exception {
    here.begun.clear();
    try (TextDeployment there = target(server.address()).text(here.model())) {
      CountDownLatch spoken = new CountDownLatch(1);
      CompletableFuture<TextAnswer> answer =
          there.generateAsync(
              LONG,
              piece -> {
                spoken.countDown();
                return true;
              });
      assertThat(spoken.await(60, TimeUnit.SECONDS)).isTrue();
      answer.cancel(false);
      assertStopped();
    }
  }

  /** The server has given up the answer long before it was complete. */
  private void assertStopped() throws Exception {
    CompletableFuture<TextAnswer> begun = here.begun.poll(60, TimeUnit.SECONDS);
    assertThat(begun).isNotNull();
    FinishReason end =
        begun
            .handle((done, failure) -> failure == null ? done.generated().finish() : null)
            .get(60, TimeUnit.SECONDS);
    assertThat(begun.isCancelled() || end == FinishReason.CANCELLED).isTrue();
  }

  @Test
  void aConnectionThatIsKilledInTheMiddleIsAnErrorAndNoTextThatLooksWhole() throws Exception {
    try (CuttingRelay relay = new CuttingRelay(server.address());
        TextDeployment there = target(relay.address()).text(here.model())) {
      List<String> pieces = new ArrayList<>();
      assertThatThrownBy(
              () ->
                  there.generate(
                      LONG,
                      piece -> {
                        relay.cutAfter(0);
                        return pieces.add(piece);
                      }))
          .isInstanceOf(BackendException.class)
          .hasMessageContaining("the Athanor server at http://")
          .hasMessageContaining("cut the connection")
          .satisfies(e -> assertThat(((AthanorException) e).retryable()).isTrue());
      assertThat(pieces).isNotEmpty();
    }
  }

  @Test
  void whatTheServerRefusesIsSaidInItsWords() {
    try (TextDeployment there = target(server.address()).text(here.model())) {
      assertThatThrownBy(
              () ->
                  there.generate(
                      PROMPT.settings(
                          GenerationSettings.builder().maxNewTokens(1_000_000).build())))
          .isInstanceOf(ValidationException.class)
          .hasMessageContaining("'maxNewTokens' must be a whole number from 1 to 4096");
      assertThatThrownBy(() -> there.generate(TextRequest.of("win a prize ".repeat(3_000))))
          .isInstanceOf(ValidationException.class);
      assertThatThrownBy(() -> there.generate(PROMPT.adapter("polite:1")))
          .isInstanceOf(NotFoundException.class)
          .hasMessageContaining("adapter 'polite:1'");
    }
    ServedModel real = here.model();
    ServedModel other =
        new ServedModel(
            real.name(),
            "9",
            real.architecture(),
            Digest.ofText("other"),
            real.encoding(),
            Map.of());
    assertThatThrownBy(() -> target(server.address()).text(other))
        .isInstanceOf(ConflictException.class)
        .hasMessageContaining("instead of 9");
  }

  @Test
  void aModelThatIsBusyIsARetryableRefusal() {
    FakeText busy = new FakeText();
    busy.refusal = Optional.of(new OverloadException("fake", "too much"));
    try (ModelServer other = ModelServer.on(0).serve(busy).start();
        TextDeployment there = target(other.address()).text(busy.model())) {
      assertThatThrownBy(() -> there.generate(PROMPT))
          .isInstanceOf(BackendException.class)
          .hasMessageContaining("answered 429, 'Too much is waiting for this model")
          .satisfies(e -> assertThat(((AthanorException) e).retryable()).isTrue());
    }
  }

  @Test
  void adaptersAreAskedForByName() {
    FakeText text = new FakeText();
    try (ModelServer other = ModelServer.on(0).serve(text).start();
        TextDeployment there = target(other.address()).text(text.model())) {
      assertThat(there.adapters()).containsExactly("polite:7");
      TextAnswer answer = there.generate(TextRequest.of("one two").adapter("polite:7"));
      assertThat(answer.text()).isEqualTo("one two");
      assertThat(answer.model()).isEqualTo("polite");
      assertThat(answer.version()).isEqualTo("7");
      assertThatThrownBy(() -> there.generate(TextRequest.of("break")))
          .isInstanceOf(BackendException.class)
          .hasMessageContaining("answered 500, 'The model failed; try again later'");
    }
  }

  @Test
  void vectorsComeInTheOrderOfTheTexts() {
    FakeEmbedding local = new FakeEmbedding();
    try (EmbeddingDeployment there = target(server.address()).embedding(local.model())) {
      assertThat(there.dimensions()).isEqualTo(2);
      assertThat(there.embed(List.of("a", "four")).vectors())
          .containsExactly(new float[] {1, 0.5f}, new float[] {4, 0.5f});
    }
  }

  /** Hands connections on to a server, and cuts them where it is told to. */
  private static final class CuttingRelay implements AutoCloseable {
    private final ServerSocket entrance;
    private final URI server;
    private final List<Socket> sockets = new ArrayList<>();
    private volatile int left = Integer.MAX_VALUE;

    CuttingRelay(URI server) throws IOException {
      this.server = server;
      this.entrance = new ServerSocket(0, 10, InetAddress.getLoopbackAddress());
      start(this::accept);
    }

    URI address() {
      return URI.create("http://127.0.0.1:" + entrance.getLocalPort());
    }

    /** Cuts after so many further bytes of the server's answers. */
    void cutAfter(int bytes) {
      left = bytes;
    }

    private static void start(Runnable work) {
      Thread thread = new Thread(work, "relay");
      thread.setDaemon(true);
      thread.start();
    }

    private void accept() {
      try {
        while (true) {
          Socket client = entrance.accept();
          Socket there = new Socket(server.getHost(), server.getPort());
          synchronized (sockets) {
            sockets.add(client);
            sockets.add(there);
          }
          start(() -> pass(client, there, false));
          start(() -> pass(there, client, true));
        }
      } catch (IOException e) {
        // Closed.
      }
    }

    private void pass(Socket from, Socket to, boolean counted) {
      try (from;
          to) {
        InputStream in = from.getInputStream();
        byte[] buffer = new byte[1_024];
        for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
          int most = counted ? Math.min(n, left) : n;
          to.getOutputStream().write(buffer, 0, most);
          if (counted) {
            left -= most;
          }
          if (most < n) {
            to.setSoLinger(true, 0);
            return;
          }
        }
      } catch (IOException e) {
        // One side is gone.
      }
    }

    @Override
    public void close() throws IOException {
      entrance.close();
      synchronized (sockets) {
        for (Socket socket : sockets) {
          socket.close();
        }
      }
    }
  }
}
