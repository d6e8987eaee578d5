package io.athanor.deploy.safety;

import io.athanor.api.data.LanguageEncoding;
import io.athanor.api.data.Task;
import io.athanor.api.deploy.DeploymentStats;
import io.athanor.api.deploy.ServedModel;
import io.athanor.deploy.serve.TextAnswer;
import io.athanor.deploy.serve.TextDeployment;
import io.athanor.deploy.serve.TextRequest;
import io.athanor.model.generate.FinishReason;
import io.athanor.model.generate.Generated;
import io.athanor.model.generate.TokenLikelihood;
import io.athanor.tck.fixture.TinyArtifacts;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Predicate;

/** Says given pieces, one after the other, and remembers what it was asked. */
final class SpokenPieces implements TextDeployment {
  final List<TextRequest> asked = new ArrayList<>();
  CompletableFuture<TextAnswer> begun = new CompletableFuture<>();
  int said;
  boolean closed;
  private final List<String> pieces;

  SpokenPieces(String... pieces) {
    this.pieces = List.of(pieces);
  }

  @Override
  public ServedModel model() {
    return new ServedModel(
        "speaker",
        "1",
        "tiny",
        TinyArtifacts.spam().weightsDigest(),
        new LanguageEncoding(
            new Task.Generation("text"),
            TinyArtifacts.spam().featureEncoding().tokenizer().orElseThrow(),
            64,
            List.of(),
            Optional.empty(),
            Map.of("eos_token", "<|im_end|>")),
        Map.of());
  }

  @Override
  public List<String> adapters() {
    return List.of("polite:1");
  }

  @Override
  public TextAnswer generate(TextRequest request, Predicate<String> listener) {
    asked.add(request);
    StringBuilder text = new StringBuilder();
    FinishReason finish = FinishReason.END_TOKEN;
    for (String piece : pieces) {
      text.append(piece);
      said++;
      if (!listener.test(piece)) {
        finish = FinishReason.CANCELLED;
        break;
      }
    }
    return new TextAnswer(
        "speaker",
        "1",
        new Generated(
            text.toString(),
            List.of(1, 2),
            finish,
            List.of(new TokenLikelihood(1, -0.5, List.of())),
            3,
            Duration.ofMillis(1),
            100),
        Duration.ofMillis(2));
  }

  @Override
  public CompletableFuture<TextAnswer> generateAsync(
      TextRequest request, Predicate<String> listener) {
    asked.add(request);
    return begun;
  }

  @Override
  public DeploymentStats stats() {
    throw new AssertionError("nobody asks for these");
  }

  @Override
  public void close() {
    closed = true;
  }
}
