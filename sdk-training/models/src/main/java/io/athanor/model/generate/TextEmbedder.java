package io.athanor.model.generate;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.CompiledModel;
import io.athanor.api.backend.Precision;
import io.athanor.api.common.DType;
import io.athanor.api.common.Tensor;
import io.athanor.api.data.LanguageEncoding;
import io.athanor.api.data.Task;
import io.athanor.api.error.UnsupportedException;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.Input;
import io.athanor.api.graph.Merged;
import io.athanor.api.model.ModelArtifact;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Turns texts into vectors of length 1, near each other where the texts mean something alike. Texts
 * beyond the model's context are cut to it. Thread-safe: calls from several threads wait for each
 * other. Close it to free its memory; the backend stays open.
 */
public final class TextEmbedder implements AutoCloseable {
  private static final int BATCH = 32;

  private final Graph graph;
  private final LanguageEncoding encoding;
  private final CompiledModel model;

  private TextEmbedder(Graph graph, LanguageEncoding encoding, CompiledModel model) {
    this.graph = graph;
    this.encoding = encoding;
    this.model = model;
  }

  /** As {@link #of(ModelArtifact, Backend, Precision)}, in F32. */
  public static TextEmbedder of(ModelArtifact model, Backend backend) {
    return of(model, backend, Precision.F32);
  }

  /**
   * An embedder, its low-rank paths {@link Merged merged}.
   *
   * @throws UnsupportedException if the model's task is not to embed, or the backend cannot run it
   *     in this number format
   */
  public static TextEmbedder of(ModelArtifact model, Backend backend, Precision precision) {
    if (!(model.encoding() instanceof LanguageEncoding language)
        || !(language.task() instanceof Task.Embedding)) {
      throw new UnsupportedException(
          "the model '" + model.architecture() + "' gives no vectors, its task is " + model.task(),
          "Train one for Task.Embedding");
    }
    Merged merged = Merged.of(model.graph(), model.weights());
    return new TextEmbedder(
        merged.graph(), language, backend.compile(merged.graph(), merged.weights(), precision));
  }

  /** The vector of a text. */
  public float[] embed(String text) {
    return embed(List.of(text)).get(0);
  }

  /** The vectors of some texts, in their order. Texts of one length are computed together. */
  public List<float[]> embed(List<String> texts) {
    return embedTokens(texts.stream().map(this::tokens).toList());
  }

  /** A text's tokens, no more than the model's context takes. */
  public int[] tokens(String text) {
    return encoding.vocabulary().encode(text, encoding.contextLength());
  }

  /**
   * The vectors of texts given as their tokens, in their order. Texts of one length are computed
   * together.
   *
   * @param ids from {@link #tokens}; at least one for each text
   */
  public synchronized List<float[]> embedTokens(List<int[]> ids) {
    Map<Integer, List<Integer>> byLength = new TreeMap<>();
    for (int i = 0; i < ids.size(); i++) {
      byLength.computeIfAbsent(ids.get(i).length, length -> new ArrayList<>()).add(i);
    }
    float[][] vectors = new float[ids.size()][];
    byLength.forEach(
        (length, rows) -> {
          for (int from = 0; from < rows.size(); from += BATCH) {
            embed(ids, rows.subList(from, Math.min(rows.size(), from + BATCH)), length, vectors);
          }
        });
    return Arrays.asList(vectors);
  }

  private void embed(List<int[]> ids, List<Integer> rows, int length, float[][] vectors) {
    Map<String, Tensor> inputs = new HashMap<>();
    for (Input input : graph.inputs()) {
      inputs.put(input.name(), tensor(input, ids, rows, length));
    }
    Tensor output = model.predict(inputs).values().iterator().next();
    int size = Math.toIntExact(output.size(-1));
    for (int i = 0; i < rows.size(); i++) {
      float[] vector = new float[size];
      output.floatBuffer().get(i * size, vector);
      vectors[rows.get(i)] = unit(vector);
    }
  }

  /** The tokens, or the mask of a sequence without padding. */
  private static Tensor tensor(Input input, List<int[]> ids, List<Integer> rows, int length) {
    int elements = rows.size() * length;
    if (input.type().dtype() == DType.F32) {
      float[] ones = new float[elements];
      Arrays.fill(ones, 1);
      return Tensor.ofFloats(ones, rows.size(), length);
    }
    long[] tokens = new long[elements];
    for (int i = 0; i < elements; i++) {
      tokens[i] = ids.get(rows.get(i / length))[i % length];
    }
    return Tensor.ofLongs(tokens, rows.size(), length);
  }

  private static float[] unit(float[] vector) {
    double squares = 0;
    for (float value : vector) {
      squares += (double) value * value;
    }
    double length = Math.max(Math.sqrt(squares), 1e-12);
    for (int i = 0; i < vector.length; i++) {
      vector[i] = (float) (vector[i] / length);
    }
    return vector;
  }

  /** How many numbers a vector has. */
  public int dimensions() {
    String value = graph.outputs().values().iterator().next();
    return Math.toIntExact(graph.type(value).shape().dim(-1).offset());
  }

  /** Frees the model's memory; twice is fine. */
  @Override
  public synchronized void close() {
    model.close();
  }
}
