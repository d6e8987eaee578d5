package io.athanor.model.generate;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.Decoder;
import io.athanor.api.backend.Precision;
import io.athanor.api.common.DType;
import io.athanor.api.common.Tensor;
import io.athanor.api.data.LanguageEncoding;
import io.athanor.api.data.Tokenizer;
import io.athanor.api.error.UnsupportedException;
import io.athanor.api.error.ValidationException;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.Input;
import io.athanor.api.graph.Weights;
import io.athanor.api.model.ModelArtifact;
import io.athanor.model.text.ChatMessage;
import io.athanor.model.text.ChatTemplate;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongSupplier;
import java.util.function.Predicate;

/**
 * Lets a causal language model continue texts and conversations. A prompt must leave room for at
 * least one token in the model's context, and what it says ends where the context does; no text is
 * cut silently. Thread-safe: calls from several threads wait for each other. Close it to free its
 * memory; the backend stays open.
 */
public final class TextGenerator implements AutoCloseable {
  private static final TextListener SILENT = (prompt, piece) -> true;

  private final Graph graph;
  private final LanguageEncoding encoding;
  private final Decoder decoder;
  private final LongSupplier nanoTime;

  TextGenerator(Graph graph, LanguageEncoding encoding, Decoder decoder, LongSupplier nanoTime) {
    this.graph = graph.forPrediction();
    this.encoding = encoding;
    this.decoder = decoder;
    this.nanoTime = nanoTime;
  }

  /**
   * A generator with single precision.
   *
   * @throws UnsupportedException if the model is no language model, or the backend cannot decode it
   */
  public static TextGenerator of(ModelArtifact model, Backend backend) {
    return of(model, backend, Precision.F32);
  }

  /**
   * A generator.
   *
   * @throws UnsupportedException if the model is no language model, or the backend cannot decode it
   *     with this precision
   */
  public static TextGenerator of(ModelArtifact model, Backend backend, Precision precision) {
    if (!(model.encoding() instanceof LanguageEncoding language)) {
      throw new UnsupportedException(
          "the model '" + model.architecture() + "' reads rows and says no text",
          "Serve it to predict instead");
    }
    return of(model.graph(), model.weights(), language, backend, precision);
  }

  /**
   * A generator of a model that is not an artifact yet.
   *
   * @throws UnsupportedException if the backend cannot decode the graph with this precision
   */
  public static TextGenerator of(
      Graph graph,
      Weights weights,
      LanguageEncoding encoding,
      Backend backend,
      Precision precision) {
    Decoder decoder = backend.decoder(graph, weights, precision);
    return new TextGenerator(graph, encoding, decoder, System::nanoTime);
  }

  /** Continues a text with the likeliest tokens. */
  public Generated generate(String text) {
    return generate(text, GenerationSettings.greedy());
  }

  /** Continues a text. */
  public Generated generate(String text, GenerationSettings settings) {
    return generate(List.of(Prompt.of(text)), settings, SILENT).get(0);
  }

  /**
   * Continues a text and gives it piece by piece.
   *
   * @param listener hears each piece, and says whether to go on
   */
  public Generated generate(String text, GenerationSettings settings, Predicate<String> listener) {
    return generate(List.of(Prompt.of(text)), settings, (prompt, piece) -> listener.test(piece))
        .get(0);
  }

  /** Answers a conversation. */
  public Generated chat(List<ChatMessage> messages, GenerationSettings settings) {
    return chat(messages, settings, piece -> true);
  }

  /**
   * Answers a conversation and gives the answer piece by piece.
   *
   * @param listener hears each piece, and says whether to go on
   * @throws UnsupportedException if the model has no chat template
   */
  public Generated chat(
      List<ChatMessage> messages, GenerationSettings settings, Predicate<String> listener) {
    return generate(List.of(prompt(messages)), settings, (prompt, piece) -> listener.test(piece))
        .get(0);
  }

  /**
   * A conversation as a prompt, up to where the model's answer begins.
   *
   * @throws UnsupportedException if the model has no chat template
   */
  public Prompt prompt(List<ChatMessage> messages) {
    String template =
        encoding
            .chatTemplate()
            .orElseThrow(
                () ->
                    new UnsupportedException(
                        "the model '" + graph.name() + "' has no chat template",
                        "Give it plain text, or render the conversation with a ChatTemplate"));
    ChatTemplate chat = ChatTemplate.of("the chat template of " + graph.name(), template);
    return new Prompt(chat.render(messages, true, encoding.specialTokens()), true, Map.of());
  }

  /** Continues several prompts together; the results are in their order. */
  public List<Generated> generate(List<Prompt> prompts, GenerationSettings settings) {
    return generate(prompts, settings, SILENT);
  }

  /**
   * Continues several prompts together. A row that is finished costs nothing more.
   *
   * @param listener hears the pieces of all prompts, and says for each whether to go on
   * @return the results in the order of the prompts
   * @throws ValidationException if a prompt is empty or fills the context, or lacks an input
   */
  public synchronized List<Generated> generate(
      List<Prompt> prompts, GenerationSettings settings, TextListener listener) {
    if (prompts.isEmpty()) {
      return List.of();
    }
    long start = nanoTime.getAsLong();
    List<int[]> ids = ids(prompts);
    List<Row> rows = new ArrayList<>();
    int capacity = 0;
    for (int i = 0; i < ids.size(); i++) {
      int length = ids.get(i).length;
      int limit = Math.min(settings.maxNewTokens(), encoding.contextLength() - length);
      capacity = Math.max(capacity, length + limit);
      rows.add(new Row(i, ids.get(i), limit, encoding, settings, listener));
    }
    run(rows, decoder.begin(ids, capacity, inputs(prompts)));
    return rows.stream().map(row -> row.result(start)).toList();
  }

  private void run(List<Row> rows, Tensor firstLogits) {
    List<Row> active = rows;
    Tensor logits = firstLogits;
    while (true) {
      int[] tokens = new int[active.size()];
      List<Integer> kept = new ArrayList<>();
      for (int i = 0; i < tokens.length; i++) {
        tokens[i] = active.get(i).choose(row(logits, i), nanoTime.getAsLong());
        if (!active.get(i).finished()) {
          kept.add(i);
        }
      }
      if (kept.isEmpty()) {
        return;
      }
      if (kept.size() < tokens.length) {
        decoder.keep(kept.stream().mapToInt(Integer::intValue).toArray());
      }
      logits = decoder.next(kept.stream().mapToInt(i -> tokens[i]).toArray());
      active = kept.stream().map(active::get).toList();
    }
  }

  private static float[] row(Tensor logits, int row) {
    int size = Math.toIntExact(logits.size(1));
    float[] values = new float[size];
    logits.floatBuffer().get(row * size, values);
    return values;
  }

  private List<int[]> ids(List<Prompt> prompts) {
    List<int[]> all = new ArrayList<>();
    List<String> problems = new ArrayList<>();
    Tokenizer tokenizer = encoding.vocabulary();
    for (int i = 0; i < prompts.size(); i++) {
      Prompt prompt = prompts.get(i);
      int[] ids =
          prompt.complete()
              ? tokenizer.tokenize(prompt.text()).stream().mapToInt(Tokenizer.Token::id).toArray()
              : tokenizer.encode(prompt.text(), Integer.MAX_VALUE);
      if (prompt.text().isEmpty() || ids.length == 0) {
        problems.add("prompt " + i + " has no tokens; give it at least one word");
      } else if (ids.length >= encoding.contextLength()) {
        problems.add(
            "prompt "
                + i
                + " has "
                + ids.length
                + " tokens, and the model's context is "
                + encoding.contextLength()
                + " with the answer; shorten it");
      }
      all.add(ids);
    }
    if (!problems.isEmpty()) {
      throw new ValidationException("prompts", problems);
    }
    return all;
  }

  /** The inputs of the graph besides the tokens, from those of the prompts. */
  private Map<String, Tensor> inputs(List<Prompt> prompts) {
    Map<String, Tensor> inputs = new HashMap<>();
    List<String> problems = new ArrayList<>();
    for (Input input : graph.inputs()) {
      if (input.name().equals(LanguageEncoding.TOKENS)) {
        continue;
      }
      long[] values = new long[prompts.size()];
      for (int i = 0; i < values.length; i++) {
        Long value = prompts.get(i).inputs().get(input.name());
        if (value == null) {
          problems.add("prompt " + i + " lacks the input '" + input.name() + "'; add it with with");
        } else {
          values[i] = value;
        }
      }
      inputs.put(
          input.name(),
          input.type().dtype() == DType.I64
              ? Tensor.ofLongs(values, values.length)
              : Tensor.ofFloats(floats(values), values.length));
    }
    if (!problems.isEmpty()) {
      throw new ValidationException("prompts", problems);
    }
    return inputs;
  }

  private static float[] floats(long[] values) {
    float[] floats = new float[values.length];
    for (int i = 0; i < floats.length; i++) {
      floats[i] = values[i];
    }
    return floats;
  }

  /** Frees the decoder's memory; twice is fine. */
  @Override
  public synchronized void close() {
    decoder.close();
  }
}
