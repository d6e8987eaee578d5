package io.athanor.deploy.serve;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.github.benmanes.caffeine.cache.Cache;
import com.github.benmanes.caffeine.cache.Caffeine;
import io.athanor.api.common.Digest;
import io.athanor.api.data.Pixels;
import io.athanor.api.data.Row;
import io.athanor.api.deploy.Answer;
import io.athanor.api.deploy.Deployment;
import io.athanor.api.deploy.ServedModel;
import io.athanor.api.model.Prediction;
import io.athanor.model.generate.GenerationSettings;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * Answers that were given before, for deployments of any kind and number. An answer counts for the
 * same model version with the same weights and the same input, whatever the order of a row's cells.
 * Only what is the same each time is kept: predictions, vectors, and texts of the likeliest tokens
 * without a watermark. Those used last stay, within a budget of memory. Thread-safe.
 *
 * <p>Filters belong around a cache, {@code Safety.of(cache.over(live))}: a cache around filters
 * would give their answers to whoever asks the same of a deployment without them, and the other way
 * round.
 *
 * <p>An answer from here has the latency of its own call, and the deployment's own counts know
 * nothing of it; {@link #counts} does.
 *
 * <pre>{@code
 * Deployment live = ResponseCache.of(64 << 20).over(Deployments.inProcess().deploy(version));
 * }</pre>
 */
public final class ResponseCache {
  private static final int UNIT = 64;

  /** Key, entry and references, about. */
  private static final int OVERHEAD = 256;

  private final Cache<Key, Object> answers;
  private LongSupplier nanoClock = System::nanoTime;

  /** Of which model, and a digest of the canonical input. */
  record Key(String model, Digest weights, Digest input) {}

  private ResponseCache(long bytes) {
    answers =
        Caffeine.newBuilder()
            .maximumWeight(bytes / UNIT)
            .weigher((Key key, Object answer) -> (int) Math.min(1 << 30, bytes(answer) / UNIT))
            .recordStats()
            .executor(Runnable::run)
            .build();
  }

  /**
   * An empty cache.
   *
   * @param bytes of all answers together, about; at least 1
   */
  public static ResponseCache of(long bytes) {
    if (bytes < 1) {
      throw new IllegalArgumentException("bytes must be at least 1, got " + bytes);
    }
    return new ResponseCache(bytes);
  }

  /** Measures latencies; {@link System#nanoTime} unless set, before the first use. */
  public ResponseCache nanoClock(LongSupplier clock) {
    nanoClock = clock;
    return this;
  }

  /**
   * What the cache did.
   *
   * @param hits answers that were here
   * @param misses answers that were not; what is never kept counts as neither
   * @param evicted answers that made room for others
   * @param entries answers here now
   */
  public record Counts(long hits, long misses, long evicted, long entries) {}

  /** What it did so far. */
  public Counts counts() {
    answers.cleanUp();
    var stats = answers.stats();
    return new Counts(
        stats.hitCount(), stats.missCount(), stats.evictionCount(), answers.estimatedSize());
  }

  /** A deployment that looks here first. Closing it closes the other; the cache stays. */
  public Deployment over(Deployment deployment) {
    return new CachedDeployment(deployment, this);
  }

  /** A deployment that looks here first. Closing it closes the other; the cache stays. */
  public TextDeployment over(TextDeployment deployment) {
    return new CachedText(deployment, this);
  }

  /**
   * A deployment that looks here first, for a call's texts as a whole. Closing it closes the other;
   * the cache stays.
   */
  public EmbeddingDeployment over(EmbeddingDeployment deployment) {
    return new CachedEmbedding(deployment, this);
  }

  <A> Optional<A> find(Key key, Class<A> kind) {
    return Optional.ofNullable(answers.getIfPresent(key)).map(kind::cast);
  }

  void keep(Key key, Object answer) {
    answers.put(key, answer);
  }

  long now() {
    return nanoClock.getAsLong();
  }

  Duration since(long begin) {
    return Duration.ofNanos(now() - begin);
  }

  static Key key(ServedModel model, ObjectNode input) {
    return new Key(model.toString(), model.weights(), Digest.ofText(input.toString()));
  }

  /** The key of a text for a model that reads one. */
  static Key key(ServedModel model, String text) {
    return key(model, JsonNodeFactory.instance.objectNode().put("text", text));
  }

  /** The key of a row; absent if a cell is none that a model takes. */
  static Optional<Key> key(ServedModel model, Row row) {
    Map<String, @Nullable Object> cells = new TreeMap<>();
    row.columns().forEach(column -> cells.put(column, row.cell(column)));
    return key(model, "row", cells);
  }

  /** The key of cells, in which a missing column is not the same as an empty one. */
  static Optional<Key> key(ServedModel model, Map<String, ? extends @Nullable Object> cells) {
    return key(model, "cells", cells);
  }

  private static Optional<Key> key(
      ServedModel model, String kind, Map<String, ? extends @Nullable Object> cells) {
    ObjectNode input = JsonNodeFactory.instance.objectNode();
    ObjectNode sorted = input.putObject(kind);
    for (var cell : new TreeMap<>(cells).entrySet()) {
      if (!put(sorted, cell.getKey(), cell.getValue())) {
        return Optional.empty();
      }
    }
    return Optional.of(key(model, input));
  }

  private static boolean put(ObjectNode cells, String column, @Nullable Object cell) {
    if (cell == null) {
      cells.putNull(column);
    } else if (cell instanceof Number number && Double.isFinite(number.doubleValue())) {
      cells.put(column, number.doubleValue());
    } else if (cell instanceof String text) {
      cells.put(column, text);
    } else if (cell instanceof Pixels pixels) {
      cells.putObject(column).put("pixels", digest(pixels).hex());
    } else {
      return false;
    }
    return true;
  }

  private static Digest digest(Pixels pixels) {
    var digest = Digest.sha256();
    digest.update((pixels.width() + "x" + pixels.height()).getBytes(StandardCharsets.US_ASCII));
    for (int y = 0; y < pixels.height(); y++) {
      for (int x = 0; x < pixels.width(); x++) {
        for (int channel = 0; channel < pixels.channels(); channel++) {
          digest.update((byte) pixels.at(x, y, channel));
        }
      }
    }
    return Digest.finish(digest);
  }

  /** The key of a request; absent if its answer is drawn, or marked for whoever has a key. */
  static Optional<Key> key(ServedModel model, TextRequest request) {
    GenerationSettings settings = request.settings();
    if (settings.temperature() > 0 || settings.watermark().isPresent()) {
      return Optional.empty();
    }
    ObjectNode input = JsonNodeFactory.instance.objectNode();
    input.put("prompt", request.prompt());
    ArrayNode messages = input.putArray("messages");
    request.messages().forEach(m -> messages.addArray().add(m.role()).add(m.content()));
    request.adapter().ifPresent(name -> input.put("adapter", name));
    input.put("tokens", settings.maxNewTokens());
    input.put("penalty", settings.repetitionPenalty());
    input.put("likelihoods", settings.likelihoods());
    input.put("alternatives", settings.alternatives());
    ArrayNode stops = input.putArray("stops");
    new TreeSet<>(settings.stops()).forEach(stops::add);
    return Optional.of(key(model, input));
  }

  private static long bytes(Object answer) {
    if (answer instanceof Answer row) {
      return OVERHEAD
          + (row.prediction() instanceof Prediction.Label label
              ? 64L * label.alternatives().size()
              : 0);
    }
    if (answer instanceof EmbeddingAnswer vectors) {
      return OVERHEAD + vectors.vectors().stream().mapToLong(v -> 16 + 4L * v.length).sum();
    }
    var generated = ((TextAnswer) answer).generated();
    long likelihoods =
        generated.likelihoods().stream().mapToLong(l -> 48 + 32L * l.alternatives().size()).sum();
    return OVERHEAD
        + 2L * generated.text().length()
        + 20L * generated.tokens().size()
        + likelihoods;
  }
}
