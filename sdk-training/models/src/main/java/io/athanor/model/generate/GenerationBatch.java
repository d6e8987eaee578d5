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
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.LongSupplier;
import java.util.function.Predicate;
import java.util.stream.Collectors;

/**
 * Texts in the making, each with settings of its own, that get their tokens together, one at each
 * {@link #step}. Rows leave when they are finished, and further ones may join at any time; then all
 * rows are read again together with the new ones, so joining costs what reading them costs.
 *
 * <p>Not thread-safe, except for making rows and prompts. Close it to free its memory; the backend
 * stays open.
 */
public final class GenerationBatch implements AutoCloseable {
  private final Graph graph;
  private final LanguageEncoding encoding;
  private final Decoder decoder;
  private final LongSupplier nanoTime;

  private List<GenerationRow> rows = new ArrayList<>();

  /** Whether the decoder has not read all of the rows. */
  private boolean unread;

  GenerationBatch(Graph graph, LanguageEncoding encoding, Decoder decoder, LongSupplier nanoTime) {
    this.graph = graph.forPrediction();
    this.encoding = encoding;
    this.decoder = decoder;
    this.nanoTime = nanoTime;
  }

  /**
   * A batch without rows.
   *
   * @param nanoTime measures the times of results
   * @throws UnsupportedException if the model is no language model, or the backend cannot decode it
   *     with this precision
   */
  public static GenerationBatch of(
      ModelArtifact model, Backend backend, Precision precision, LongSupplier nanoTime) {
    return of(model.graph(), model.weights(), language(model), backend, precision, nanoTime);
  }

  /**
   * A batch of a model that is not an artifact.
   *
   * @throws UnsupportedException if the backend cannot decode the graph with this precision
   */
  public static GenerationBatch of(
      Graph graph,
      Weights weights,
      LanguageEncoding encoding,
      Backend backend,
      Precision precision,
      LongSupplier nanoTime) {
    Decoder decoder = backend.decoder(graph, weights, precision);
    return new GenerationBatch(graph, encoding, decoder, nanoTime);
  }

  static LanguageEncoding language(ModelArtifact model) {
    if (model.encoding() instanceof LanguageEncoding language) {
      return language;
    }
    throw new UnsupportedException(
        "the model '" + model.architecture() + "' reads rows and says no text",
        "Serve it to predict instead");
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

  /**
   * A row that may join.
   *
   * @param listener hears each piece of text, whole characters and never a part of a stop string,
   *     in {@link #step}; answers whether to go on
   * @throws ValidationException if the prompt is empty or fills the context, or lacks an input
   */
  public GenerationRow row(Prompt prompt, GenerationSettings settings, Predicate<String> listener) {
    long start = nanoTime.getAsLong();
    int[] ids = ids(prompt);
    List<String> problems = problems("it", prompt, ids);
    if (!problems.isEmpty()) {
      throw new ValidationException("prompt", problems);
    }
    return new GenerationRow(ids, prompt.inputs(), encoding, settings, 0, listener, start);
  }

  /** Rows for prompts that are generated at once, each with random numbers of its own. */
  List<GenerationRow> rows(
      List<Prompt> prompts, GenerationSettings settings, TextListener listener) {
    long start = nanoTime.getAsLong();
    List<GenerationRow> all = new ArrayList<>();
    List<String> problems = new ArrayList<>();
    for (int i = 0; i < prompts.size(); i++) {
      int index = i;
      Prompt prompt = prompts.get(i);
      int[] ids = ids(prompt);
      List<String> own = problems("prompt " + i, prompt, ids);
      problems.addAll(own);
      if (own.isEmpty()) {
        Predicate<String> heard = piece -> listener.accept(index, piece);
        all.add(new GenerationRow(ids, prompt.inputs(), encoding, settings, i, heard, start));
      }
    }
    if (!problems.isEmpty()) {
      throw new ValidationException("prompts", problems);
    }
    return all;
  }

  private int[] ids(Prompt prompt) {
    if (prompt.text().isEmpty()) {
      return new int[0];
    }
    Tokenizer tokenizer = encoding.vocabulary();
    return prompt.complete()
        ? tokenizer.tokenize(prompt.text()).stream().mapToInt(Tokenizer.Token::id).toArray()
        : tokenizer.encode(prompt.text(), Integer.MAX_VALUE);
  }

  private List<String> problems(String name, Prompt prompt, int[] ids) {
    List<String> problems = new ArrayList<>();
    if (ids.length == 0) {
      problems.add(name + " has no tokens; give it at least one word");
    } else if (ids.length >= encoding.contextLength()) {
      problems.add(
          name
              + " has "
              + ids.length
              + " tokens, and the model's context is "
              + encoding.contextLength()
              + " with the answer; shorten it");
    }
    for (Input input : rowInputs()) {
      if (!prompt.inputs().containsKey(input.name())) {
        problems.add(name + " lacks the input '" + input.name() + "'; add it with with");
      }
    }
    return problems;
  }

  private List<Input> rowInputs() {
    return graph.inputs().stream()
        .filter(input -> !input.name().equals(LanguageEncoding.TOKENS))
        .toList();
  }

  /** Lets rows join at the next step. */
  public void add(List<GenerationRow> joining) {
    if (!joining.isEmpty()) {
      rows.addAll(joining);
      unread = true;
    }
  }

  /** The rows that are not finished. */
  public List<GenerationRow> rows() {
    return List.copyOf(rows);
  }

  /**
   * Gives each row its next token, in one pass through the engine.
   *
   * @return the rows that are finished now and have left; those cancelled before without a pass
   * @throws io.athanor.api.error.AthanorException if the engine fails; no row has changed, and
   *     {@link #clear} drops them
   */
  public List<GenerationRow> step() {
    List<GenerationRow> left = leave();
    if (!rows.isEmpty()) {
      Tensor logits =
          unread
              ? decoder.begin(
                  rows.stream().map(GenerationRow::ids).toList(),
                  rows.stream().mapToInt(GenerationRow::capacity).max().orElseThrow(),
                  inputs(rows))
              : decoder.next(rows.stream().mapToInt(GenerationRow::lastToken).toArray());
      unread = false;
      for (int i = 0; i < rows.size(); i++) {
        rows.get(i).choose(row(logits, i), nanoTime.getAsLong());
      }
      left.addAll(leave());
    }
    return left;
  }

  /** Removes the finished rows, here and from the decoder. */
  private List<GenerationRow> leave() {
    List<GenerationRow> left = new ArrayList<>();
    List<GenerationRow> stay = new ArrayList<>();
    List<Integer> indices = new ArrayList<>();
    for (int i = 0; i < rows.size(); i++) {
      GenerationRow row = rows.get(i);
      if (row.finished()) {
        left.add(row);
      } else {
        stay.add(row);
        indices.add(i);
      }
    }
    if (!left.isEmpty() && !stay.isEmpty() && !unread) {
      decoder.keep(indices.stream().mapToInt(Integer::intValue).toArray());
    }
    rows = stay;
    return left;
  }

  /** Drops all rows as they are. */
  public void clear() {
    rows = new ArrayList<>();
  }

  /**
   * Writes one adapter where the model keeps several; see {@link Decoder#replaceAdapter}.
   *
   * @param adapter its number, of which no row in the making has need
   * @param entries by stack
   */
  public void replaceAdapter(int adapter, Map<String, Tensor> entries) {
    decoder.replaceAdapter(adapter, entries);
  }

  private static float[] row(Tensor logits, int row) {
    int size = Math.toIntExact(logits.size(1));
    float[] values = new float[size];
    logits.floatBuffer().get(row * size, values);
    return values;
  }

  /** The inputs of the graph besides the tokens, from those of the rows. */
  private Map<String, Tensor> inputs(List<GenerationRow> of) {
    Map<String, Tensor> inputs = new HashMap<>();
    for (Input input : rowInputs()) {
      long[] values = of.stream().mapToLong(row -> row.input(input.name())).toArray();
      inputs.put(
          input.name(),
          input.type().dtype() == DType.I64
              ? Tensor.ofLongs(values, values.length)
              : Tensor.ofFloats(floats(values), values.length));
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

  /**
   * Runs the engine once for each number of rows up to some, since engines allocate and specialise
   * on their first passes. For a batch without rows.
   *
   * @param most rows, at least 1
   */
  public void warmUp(int most) {
    for (int count : new int[] {1, most}) {
      List<int[]> prompts = Collections.nCopies(count, new int[1]);
      Map<String, Tensor> zeros =
          rowInputs().stream().collect(Collectors.toMap(Input::name, input -> zeros(input, count)));
      decoder.begin(prompts, Math.min(2, encoding.contextLength()), zeros);
      if (encoding.contextLength() > 1) {
        decoder.next(new int[count]);
      }
    }
    unread = true;
  }

  private static Tensor zeros(Input input, int count) {
    return input.type().dtype() == DType.I64
        ? Tensor.ofLongs(new long[count], count)
        : Tensor.ofFloats(new float[count], count);
  }

  /** Frees the decoder's memory; twice is fine. */
  @Override
  public void close() {
    decoder.close();
  }
}
