package io.athanor.model.generate;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.Decoder;
import io.athanor.api.backend.Precision;
import io.athanor.api.data.LanguageEncoding;
import io.athanor.api.error.UnsupportedException;
import io.athanor.api.error.ValidationException;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.Weights;
import io.athanor.api.model.ModelArtifact;
import io.athanor.model.text.ChatMessage;
import java.util.List;
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

  private final GenerationBatch batch;

  TextGenerator(Graph graph, LanguageEncoding encoding, Decoder decoder, LongSupplier nanoTime) {
    this(new GenerationBatch(graph, encoding, decoder, nanoTime));
  }

  private TextGenerator(GenerationBatch batch) {
    this.batch = batch;
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
    return new TextGenerator(GenerationBatch.of(model, backend, precision, System::nanoTime));
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
    return new TextGenerator(
        GenerationBatch.of(graph, weights, encoding, backend, precision, System::nanoTime));
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
    return batch.prompt(messages);
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
    List<GenerationRow> rows = batch.rows(prompts, settings, listener);
    batch.add(rows);
    try {
      while (!batch.rows().isEmpty()) {
        batch.step().forEach(GenerationRow::result);
      }
    } finally {
      batch.clear();
    }
    return rows.stream().map(GenerationRow::result).toList();
  }

  /** Frees the decoder's memory; twice is fine. */
  @Override
  public synchronized void close() {
    batch.close();
  }
}
