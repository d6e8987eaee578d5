package io.athanor.deploy.target;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.athanor.api.common.JsonFields;
import io.athanor.api.deploy.DeploymentStats;
import io.athanor.api.deploy.ServedModel;
import io.athanor.api.error.ValidationException;
import io.athanor.deploy.serve.EmbeddingAnswer;
import io.athanor.deploy.serve.EmbeddingDeployment;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/** An embedding model that another Athanor server serves; made by {@link HttpTarget}. */
final class HttpEmbedding implements EmbeddingDeployment {
  private static final int NUMBERS_AT_ONCE = 500_000;
  private static final int TEXTS_AT_ONCE = 1_000;
  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

  private final RemoteModel remote;
  private final ServedModel model;
  private final int dimensions;
  private final CountedCalls calls;
  private volatile boolean closed;

  /**
   * @param facts what the server says of the model
   */
  HttpEmbedding(RemoteModel remote, JsonFields facts) {
    this.remote = remote;
    this.model = remote.model();
    this.dimensions = facts.smallInteger("dimensions");
    if (dimensions < 1) {
      throw facts.fail("'dimensions' must be at least 1, got " + dimensions);
    }
    this.calls = new CountedCalls(remote.server());
  }

  @Override
  public ServedModel model() {
    return model;
  }

  @Override
  public int dimensions() {
    return dimensions;
  }

  @Override
  public EmbeddingAnswer embed(List<String> texts) {
    if (closed) {
      throw new IllegalStateException("The deployment of " + model + " is closed");
    }
    requireWords(texts);
    long begin = System.nanoTime();
    String version = model.version();
    List<float[]> vectors = new ArrayList<>(texts.size());
    long tokens = 0;
    int most = Math.max(1, Math.min(TEXTS_AT_ONCE, NUMBERS_AT_ONCE / dimensions));
    for (List<String> some : RequestParts.of(texts, most, String::length)) {
      EmbeddingAnswer answer = calls.make(some.size(), System.nanoTime(), () -> ask(some));
      vectors.addAll(answer.vectors());
      tokens += answer.tokens();
      version = answer.version();
    }
    Duration latency = Duration.ofNanos(System.nanoTime() - begin);
    return new EmbeddingAnswer(model.name(), version, vectors, tokens, latency);
  }

  private static void requireWords(List<String> texts) {
    List<String> problems = new ArrayList<>();
    for (int i = 0; i < texts.size(); i++) {
      if (texts.get(i).isEmpty()) {
        problems.add("text " + i + " is empty; give it at least one word");
      }
    }
    if (!problems.isEmpty()) {
      throw new ValidationException("texts", problems);
    }
  }

  private EmbeddingAnswer ask(List<String> texts) {
    ObjectNode body = JSON.objectNode();
    texts.forEach(body.putArray("inputs")::add);
    JsonFields answer = remote.ask("embed", body).send().fields();
    return new EmbeddingAnswer(
        answer.text("model"),
        answer.text("version"),
        vectors(answer, texts.size()),
        answer.integer("tokens"),
        Duration.ZERO);
  }

  private List<float[]> vectors(JsonFields answer, int texts) {
    List<float[]> vectors =
        answer.list("vectors", texts, (place, vector) -> vector(answer, place, vector));
    if (vectors.size() != texts) {
      throw answer.fail("expected " + texts + " vectors, got " + vectors.size());
    }
    return vectors;
  }

  private float[] vector(JsonFields answer, String place, JsonNode vector) {
    if (!vector.isArray() || vector.size() != dimensions) {
      throw answer.fail(
          place + ": expected " + dimensions + " numbers, got " + JsonFields.describe(vector));
    }
    float[] numbers = new float[dimensions];
    for (int i = 0; i < dimensions; i++) {
      numbers[i] = vector.get(i).isNumber() ? vector.get(i).floatValue() : Float.NaN;
      if (!Float.isFinite(numbers[i])) {
        throw answer.fail(place + ": expected numbers, got " + JsonFields.describe(vector.get(i)));
      }
    }
    return numbers;
  }

  @Override
  public DeploymentStats stats() {
    return calls.stats(0);
  }

  @Override
  public void close() {
    closed = true;
  }
}
