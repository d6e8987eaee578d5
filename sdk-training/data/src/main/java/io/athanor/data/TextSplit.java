package io.athanor.data;

import io.athanor.api.common.Digest;
import io.athanor.api.data.Baseline;
import io.athanor.api.data.Batches;
import io.athanor.api.data.ChatRenderer;
import io.athanor.api.data.DataProvenance;
import io.athanor.api.data.Encoding;
import io.athanor.api.data.LanguageEncoding;
import io.athanor.api.data.Row;
import io.athanor.api.data.Task;
import io.athanor.api.data.Tokenizer;
import io.athanor.api.data.TrainingData;
import io.athanor.api.data.Traits;
import io.athanor.api.error.ValidationException;
import io.athanor.data.batch.TextBatches;
import io.athanor.data.source.CellDigest;
import io.athanor.data.split.StratifiedSplit;
import io.athanor.data.table.IndexedRows;
import io.athanor.data.table.Table;
import io.athanor.data.text.Chats;
import io.athanor.data.text.Completions;
import io.athanor.data.text.Corpus;
import io.athanor.data.text.Documents;
import io.athanor.data.text.EndToken;
import io.athanor.data.text.Pairs;
import io.athanor.data.text.TextForm;
import io.athanor.data.text.TextProfile;
import io.athanor.data.text.Vocabulary;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Texts dealt to training, validation and test: what training a language model needs. Nothing is
 * read before it is needed. Immutable and thread-safe.
 *
 * <p>Batches hold {@code tokens} of shape {@code [rows, length]}, padded at the end, and {@code
 * target} of the same shape: at each token the one after it, or -100 where that is not learned.
 * Packed rows have {@code tokens.positions} and {@code tokens.segments} besides; pairs have {@code
 * tokens.mask} and no target.
 */
public final class TextSplit implements TrainingData {
  private static final Row NO_TEXT = Row.of(Map.of());

  private final TextDataset dataset;
  private final Shares shares;
  private final long seed;
  private final long cacheBytes;
  private final Optional<LanguageEncoding> given;
  private final Optional<LanguageEncoding> model;
  private final Lazy<Parts> parts = new Lazy<>(this::deal);
  private final Lazy<LanguageEncoding> encoding = new Lazy<>(this::fit);
  private final Lazy<Part> train = new Lazy<>(() -> part("train", parts().train()));
  private final Lazy<Part> validation = new Lazy<>(() -> part("validation", parts().validation()));
  private final Lazy<Part> test = new Lazy<>(() -> part("test", parts().test()));

  private record Parts(
      IndexedRows train, IndexedRows validation, IndexedRows test, Digest fingerprint) {}

  private record Part(Batches batches, TextProfile profile) {}

  private TextSplit(
      TextDataset dataset,
      Shares shares,
      long seed,
      long cacheBytes,
      Optional<LanguageEncoding> given,
      Optional<LanguageEncoding> model) {
    this.dataset = dataset;
    this.shares = shares;
    this.seed = seed;
    this.cacheBytes = cacheBytes;
    this.given = given;
    this.model = model;
  }

  static TextSplit of(TextDataset dataset, Shares shares) {
    return new TextSplit(
        dataset,
        shares,
        0,
        Runtime.getRuntime().maxMemory() / 4,
        Optional.empty(),
        Optional.empty());
  }

  /** Deals the rows in another way; 0 unless set. */
  public TextSplit seed(long newSeed) {
    return new TextSplit(dataset, shares, newSeed, cacheBytes, given, model);
  }

  /**
   * About how much memory token ids may take; a quarter of the heap unless set. Rows beyond it are
   * read and tokenised again in every epoch, a long document for each of its parts.
   */
  public TextSplit cacheBytes(long bytes) {
    if (bytes < 0) {
      throw new IllegalArgumentException("bytes must be at least 0, got " + bytes);
    }
    return new TextSplit(dataset, shares, seed, bytes, given, model);
  }

  /**
   * Reads the texts as a model did, so that it can be trained further on them: its tokenizer,
   * context length and ends count, and what the dataset says of them does not.
   *
   * @throws ValidationException if it is not that of a language model with the same task
   */
  public TextSplit encodedBy(Encoding model) {
    Task task = dataset.form().task();
    if (model instanceof LanguageEncoding language
        && language.task().getClass() == task.getClass()) {
      return new TextSplit(
          dataset, shares, seed, cacheBytes, Optional.of(language), Optional.empty());
    }
    throw new ValidationException(
        "split",
        List.of(
            "the texts are for "
                + task
                + ", and the encoding is that of a model for "
                + model.task()));
  }

  /** The same texts read by this tokenizer; whatever the dataset says of one does not count. */
  public TextSplit tokenizedBy(Tokenizer tokenizer) {
    Optional<LanguageEncoding> known =
        given.filter(encoding -> encoding.vocabulary().equals(tokenizer));
    return new TextSplit(
        dataset.tokenizer(tokenizer), shares, seed, cacheBytes, known, Optional.empty());
  }

  /**
   * The same texts read by a model's tokenizer, with its end of a text, unless the dataset names
   * one, and with its chat template, unless these are conversations rendered by another.
   */
  @Override
  public TextSplit readAs(LanguageEncoding trained) {
    return given.isPresent()
        ? tokenizedBy(trained.vocabulary())
        : new TextSplit(
            dataset.tokenizer(trained.vocabulary()),
            shares,
            seed,
            cacheBytes,
            given,
            Optional.of(trained));
  }

  @Override
  public LanguageEncoding encoding() {
    return encoding.value();
  }

  @Override
  public boolean packed() {
    return dataset.settings().packed();
  }

  @Override
  public Batches train() {
    return train.value().batches();
  }

  @Override
  public Optional<Batches> validation() {
    return shares.validation() > 0 ? Optional.of(validation.value().batches()) : Optional.empty();
  }

  /**
   * Texts that training never sees.
   *
   * @throws ValidationException if the split has none
   */
  public Batches test() {
    if (shares.test() == 0) {
      throw new ValidationException(
          "split", List.of("it has no test rows; give that part a share above 0"));
    }
    return test.value().batches();
  }

  /** What became of the rows for training and validation. */
  public TextProfile profile() {
    return train.value().profile().plus(validation.value().profile());
  }

  /**
   * What prompts, or texts to embed, are like; absent for other texts, which a served model is not
   * given to read. Looks at no more than about a hundred thousand training rows, evenly spaced.
   */
  @Override
  public Optional<Baseline> baseline() {
    TextForm form = dataset.form();
    List<String> read =
        form instanceof Completions completions
            ? List.of(completions.prompt())
            : form instanceof Pairs ? form.columns() : List.of();
    if (read.isEmpty()) {
      return Optional.empty();
    }
    Traits traits = Traits.of(encoding());
    return Optional.of(
        TraitScan.of(
            parts().train(),
            (row, observer) -> {
              for (String column : read) {
                Object text = row.cell(column);
                traits.read(text == null ? NO_TEXT : Row.of(Traits.TEXT, text), observer);
              }
            }));
  }

  @Override
  public DataProvenance provenance() {
    Table table = dataset.table();
    Parts dealt = parts();
    List<DataProvenance.Step> steps = new ArrayList<>();
    steps.add(
        new DataProvenance.Step(
            "select",
            "text " + String.join(", text ", dataset.form().columns()),
            table.rows().fingerprint()));
    steps.add(new DataProvenance.Step("split", shares.toString(), dealt.fingerprint()));
    String how = reading();
    Digest read = new CellDigest().text(dealt.fingerprint().hex()).text(how).finish();
    steps.add(new DataProvenance.Step("tokenize", how + ": " + profile(), read));
    if (packed()) {
      steps.add(
          new DataProvenance.Step(
              "pack",
              "by best fit in decreasing order: "
                  + profile().sequences()
                  + " sequences in "
                  + (train().rows() + validation().map(Batches::rows).orElse(0L))
                  + " rows",
              new CellDigest().text(read.hex()).text("best fit").finish()));
    }
    return new DataProvenance(
        table.source(),
        table.sourceFingerprint(),
        table.size(),
        steps,
        Map.of(
            "train", dealt.train().size(),
            "validation", dealt.validation().size(),
            "test", dealt.test().size()),
        seed);
  }

  /** Everything that decides which sequences the rows become, in words. */
  private String reading() {
    LanguageEncoding used = encoding();
    TextForm form = dataset.form();
    StringBuilder how = new StringBuilder();
    how.append(form.getClass().getSimpleName().toLowerCase(java.util.Locale.ROOT));
    how.append(" by tokenizer ").append(Digest.ofText(used.vocabulary().json()));
    how.append(", context ").append(used.contextLength()).append(", ends ").append(used.endIds());
    if (form instanceof Documents documents) {
      how.append(", overlap ").append(documents.overlap());
    }
    if (form instanceof Chats chats) {
      chats
          .renderer()
          .template()
          .ifPresent(template -> how.append(", template ").append(Digest.ofText(template)));
    }
    return how.toString();
  }

  private Parts parts() {
    return parts.value();
  }

  private Parts deal() {
    Table table = dataset.table();
    int[][] dealt =
        StratifiedSplit.of(new int[table.size()], List.of("every row"), shares.toArray(), seed);
    return new Parts(
        table.rows(dealt[0]),
        table.rows(dealt[1]),
        table.rows(dealt[2]),
        StratifiedSplit.fingerprint(table.rows().fingerprint(), dealt));
  }

  private LanguageEncoding fit() {
    TextDataset.Settings settings = dataset.settings();
    TextForm form = dataset.form();
    List<String> problems = new ArrayList<>();
    int context = given.map(LanguageEncoding::contextLength).orElse(settings.contextLength());
    if (form instanceof Documents documents && documents.overlap() >= context) {
      problems.add(
          "the overlap of " + documents.overlap() + " must be below the context length " + context);
    }
    if (given.isPresent() && problems.isEmpty()) {
      return given.get();
    }
    Optional<Tokenizer> tokenizer = settings.tokenizer();
    if (tokenizer.isEmpty()) {
      problems.add(
          "there is no tokenizer; call tokenizer(...), or train a model that brings its own");
    }
    model
        .filter(trained -> context > trained.contextLength())
        .ifPresent(
            trained ->
                problems.add(
                    "the context length "
                        + context
                        + " is beyond that of the model, "
                        + trained.contextLength()));
    List<Integer> ends = tokenizer.map(t -> endIds(t, settings.end())).orElse(List.of());
    if (tokenizer.isPresent()
        && form.ended()
        && ends.isEmpty()
        && settings.end().kind() != EndToken.Kind.NONE) {
      problems.add(
          "the tokenizer has none of the tokens that usually end a text; name it with endToken(...)"
              + ", or call withoutEndToken()");
    }
    if (!problems.isEmpty()) {
      throw new ValidationException("text", problems);
    }
    Optional<ChatRenderer> renderer =
        form instanceof Chats conversations
            ? Optional.of(conversations.renderer())
            : Optional.empty();
    return new LanguageEncoding(
        form.task(),
        tokenizer.orElseThrow(),
        context,
        ends,
        renderer.flatMap(ChatRenderer::template).or(() -> model.flatMap(m -> m.chatTemplate())),
        renderer
            .map(ChatRenderer::specialTokens)
            .or(() -> model.map(LanguageEncoding::specialTokens))
            .orElse(Map.of()));
  }

  private List<Integer> endIds(Tokenizer tokenizer, EndToken rule) {
    List<Integer> trained = model.map(LanguageEncoding::endIds).orElse(List.of());
    return rule.kind() == EndToken.Kind.USUAL && !trained.isEmpty()
        ? trained
        : Vocabulary.endIds(tokenizer, rule, dataset.form() instanceof Chats);
  }

  private Part part(String name, IndexedRows rows) {
    LanguageEncoding used = encoding();
    TextForm form = dataset.form();
    Vocabulary vocabulary =
        Vocabulary.of(
            used.vocabulary(), form.ended() ? used.endIds() : List.of(), used.contextLength());
    double all = parts().train().size() + parts().validation().size() + parts().test().size();
    Corpus corpus =
        new Corpus(
            name,
            rows,
            form,
            vocabulary,
            dataset.settings().withoutLong(),
            (long) (cacheBytes * (rows.size() / all)));
    return new Part(new TextBatches(corpus, used, packed()), corpus.profile());
  }
}
