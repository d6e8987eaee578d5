package io.athanor.data;

import io.athanor.api.data.ChatRenderer;
import io.athanor.api.data.Column;
import io.athanor.api.data.ColumnType;
import io.athanor.api.data.Schema;
import io.athanor.api.data.Tokenizer;
import io.athanor.data.source.DataSource;
import io.athanor.data.source.JsonLines;
import io.athanor.data.table.Table;
import io.athanor.data.text.Chats;
import io.athanor.data.text.Completions;
import io.athanor.data.text.Documents;
import io.athanor.data.text.EndToken;
import io.athanor.data.text.Pairs;
import io.athanor.data.text.Preferences;
import io.athanor.data.text.TextForm;
import java.util.List;
import java.util.Optional;

/**
 * Texts of a source, to train a language model on. Nothing is read before it is needed.
 *
 * <pre>{@code
 * var code = TextDataset.documents(TextFiles.of(folder, "**.java"), TextFiles.TEXT)
 *     .contextLength(512).packed().split(0.9, 0.1).seed(7);
 * var run = Training.of(Models.huggingFace(checkpoint), code).start();
 * }</pre>
 *
 * <p>The tokenizer is that of the model which is trained, or the one given here. A missing cell is
 * an empty text. Rows without a token to learn are left out, counted and logged; if there is no
 * other row, that is an error.
 *
 * <p>Immutable and thread-safe: every method gives a new dataset.
 */
public final class TextDataset {
  private static final int CONTEXT_LENGTH = 512;
  private static final double BETA = 0.1;
  private static final double TEMPERATURE = 0.05;

  private final DataSource source;
  private final TextForm form;
  private final Settings settings;
  private final Lazy<Table> table;

  /** What is optional. */
  record Settings(
      Optional<Tokenizer> tokenizer,
      Optional<Integer> context,
      EndToken end,
      boolean packed,
      boolean withoutLong) {
    static final Settings DEFAULT =
        new Settings(Optional.empty(), Optional.empty(), EndToken.USUAL, false, false);

    int contextLength() {
      return context.orElse(CONTEXT_LENGTH);
    }
  }

  private TextDataset(DataSource source, TextForm form, Settings settings, Lazy<Table> table) {
    this.source = source;
    this.form = form;
    this.settings = settings;
    this.table = table;
  }

  private static TextDataset of(DataSource source, TextForm form) {
    List<Column> columns =
        form.columns().stream().map(column -> new Column(column, ColumnType.TEXT)).toList();
    if (columns.stream().distinct().count() < columns.size()) {
      throw new IllegalArgumentException("columns must differ, got " + form.columns());
    }
    Schema schema = new Schema(columns, Optional.empty());
    return new TextDataset(
        source,
        form,
        Settings.DEFAULT,
        new Lazy<>(() -> Table.read(source, schema, Optional.empty())));
  }

  /**
   * Whole texts, every token of which is learned, with the token that ends a text after each. One
   * longer than the context becomes several sequences; see {@link #overlap}.
   */
  public static TextDataset documents(DataSource source, String text) {
    return of(source, new Documents(text, 1));
  }

  /**
   * Prompts that are read and completions that are learned, with the token that ends a text after
   * each. Both are tokenised as one text. A prompt that is too long for the context loses its
   * beginning; a completion that is too long is an error, or left out by {@link #withoutLong}.
   */
  public static TextDataset completions(DataSource source, String prompt, String completion) {
    return of(source, new Completions(prompt, completion));
  }

  /**
   * Conversations, of which the answers are learned. One that is too long for the context loses its
   * end; if that leaves no answer, it is an error, or left out by {@link #withoutLong}.
   *
   * @param messages column of arrays of objects with {@code role} and {@code content}: as a nested
   *     value of {@link JsonLines}, or as JSON text
   * @param renderer makes the text of a conversation; must be thread-safe
   */
  public static TextDataset chats(DataSource source, String messages, ChatRenderer renderer) {
    DataSource read = source instanceof JsonLines lines ? lines.nestedAsText() : source;
    return of(read, new Chats(messages, renderer));
  }

  /** Preferences with a beta of 0.1. */
  public static TextDataset preferences(
      DataSource source, String prompt, String chosen, String rejected) {
    return preferences(source, prompt, chosen, rejected, BETA);
  }

  /**
   * Prompts with a better and a worse answer, to learn the difference by direct preference
   * optimisation. In batches the better answer of a pair is followed by the worse one, and a batch
   * size counts answers: it must be even. Texts that are too long are treated as those of {@link
   * #completions}; rows of two equal answers are left out.
   *
   * @param beta see {@link io.athanor.api.data.Task.PreferenceRanking}
   */
  public static TextDataset preferences(
      DataSource source, String prompt, String chosen, String rejected, double beta) {
    return of(source, new Preferences(prompt, chosen, rejected, beta));
  }

  /** Pairs with a temperature of 0.05. */
  public static TextDataset pairs(DataSource source, String query, String match) {
    return pairs(source, query, match, TEMPERATURE);
  }

  /**
   * Texts that belong together, to learn vectors by which one finds the other among those of the
   * batch. In batches each query is followed by its match, and a batch size counts texts: it must
   * be even. A text that is too long for the context loses its end.
   *
   * @param temperature see {@link io.athanor.api.data.Task.Embedding}
   */
  public static TextDataset pairs(
      DataSource source, String query, String match, double temperature) {
    return of(source, new Pairs(query, match, temperature));
  }

  /** The tokenizer to read with, unless the model that is trained brings its own. */
  public TextDataset tokenizer(Tokenizer tokenizer) {
    return with(
        new Settings(
            Optional.of(tokenizer),
            settings.context,
            settings.end,
            settings.packed,
            settings.withoutLong));
  }

  /**
   * Most tokens of a sequence, special ones included; 512 unless set.
   *
   * @param tokens at least 2
   */
  public TextDataset contextLength(int tokens) {
    if (tokens < 2) {
      throw new IllegalArgumentException("tokens must be at least 2, got " + tokens);
    }
    return with(
        new Settings(
            settings.tokenizer,
            Optional.of(tokens),
            settings.end,
            settings.packed,
            settings.withoutLong));
  }

  /**
   * The token that ends a text and what the model says. Unless set it is the one that the tokenizer
   * puts after texts, else {@code <|endoftext|>}, {@code <|end_of_text|>}, {@code </s>}, {@code
   * <eos>} or {@code [EOS]}, the first that it knows.
   */
  public TextDataset endToken(String token) {
    return end(EndToken.named(token));
  }

  /** Puts nothing after texts: the model does not learn to end. */
  public TextDataset withoutEndToken() {
    return end(EndToken.NONE);
  }

  private TextDataset end(EndToken end) {
    return with(
        new Settings(
            settings.tokenizer, settings.context, end, settings.packed, settings.withoutLong));
  }

  /**
   * How many tokens of a long document's part are read again, for context, at the beginning of the
   * next; 1 unless set, by which every token is learned once and none twice.
   *
   * @param tokens at least 1 and below the context length
   * @throws IllegalStateException if these are not documents
   */
  public TextDataset overlap(int tokens) {
    if (tokens < 1) {
      throw new IllegalArgumentException("tokens must be at least 1, got " + tokens);
    }
    if (form instanceof Documents documents) {
      return new TextDataset(source, new Documents(documents.column(), tokens), settings, table);
    }
    throw new IllegalStateException("only documents become several sequences that can overlap");
  }

  /**
   * Fills sequences of exactly the context length with several texts, which saves the padding. A
   * text never sees another, and counts its positions from 0.
   *
   * @throws IllegalStateException if these are preferences or pairs
   */
  public TextDataset packed() {
    if (form.width() > 1) {
      throw new IllegalStateException("preferences and pairs cannot be packed");
    }
    return with(
        new Settings(
            settings.tokenizer, settings.context, settings.end, true, settings.withoutLong));
  }

  /** Leaves out rows of which not even what is to be learned fits into the context. */
  public TextDataset withoutLong() {
    return with(
        new Settings(settings.tokenizer, settings.context, settings.end, settings.packed, true));
  }

  /** Rows to train on, and to choose the best checkpoint by. */
  public TextSplit split(double train, double validation) {
    return split(train, validation, 0);
  }

  /**
   * Rows to train on, to choose the best checkpoint by, and to test with. A row is in one part as a
   * whole.
   *
   * @param train share of the rows, above 0
   * @param validation share of the rows, at least 0
   * @param test share of the rows, at least 0; the three sum to 1
   */
  public TextSplit split(double train, double validation, double test) {
    return TextSplit.of(this, Shares.of(train, validation, test));
  }

  private TextDataset with(Settings changed) {
    return new TextDataset(source, form, changed, table);
  }

  TextForm form() {
    return form;
  }

  Settings settings() {
    return settings;
  }

  Table table() {
    return table.value();
  }
}
