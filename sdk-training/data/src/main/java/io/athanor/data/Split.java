package io.athanor.data;

import io.athanor.api.common.Digest;
import io.athanor.api.data.Baseline;
import io.athanor.api.data.Batches;
import io.athanor.api.data.ColumnType;
import io.athanor.api.data.DataProvenance;
import io.athanor.api.data.Encoding;
import io.athanor.api.data.FeatureEncoding;
import io.athanor.api.data.LanguageEncoding;
import io.athanor.api.data.Rows;
import io.athanor.api.data.Schema;
import io.athanor.api.data.Tokenizer;
import io.athanor.api.data.TrainingData;
import io.athanor.api.data.Traits;
import io.athanor.api.error.ValidationException;
import io.athanor.data.batch.EncodedBatches;
import io.athanor.data.source.CellDigest;
import io.athanor.data.split.StratifiedSplit;
import io.athanor.data.table.IndexedRows;
import io.athanor.data.table.Table;
import io.athanor.data.transform.EncodingFit;
import io.athanor.data.transform.EncodingMatch;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * A dataset dealt to training, validation and test rows: what a training run needs. Nothing is read
 * before it is needed. Every row is in exactly one part; the encoding is fitted on the training
 * rows only, or taken from a model. Immutable and thread-safe.
 *
 * <p>Rows are dealt by seeded shuffles within each label, so each part has its share of every
 * label, and equal seeds give equal parts on every platform.
 */
public final class Split implements TrainingData {
  private static final String TRAIN = "train";
  private static final String VALIDATION = "validation";
  private static final String TEST = "test";

  private final Dataset dataset;
  private final Shares shares;
  private final long seed;
  private final boolean stratified;
  private final long cacheBytes;
  private final Optional<FeatureEncoding> given;
  private final Lazy<Parts> parts = new Lazy<>(this::deal);
  private final Lazy<Encoded> encoded = new Lazy<>(this::encode);

  private record Parts(
      IndexedRows train, IndexedRows validation, IndexedRows test, Digest fingerprint) {}

  private record Encoded(FeatureEncoding encoding, Batches train, Batches validation) {}

  private Split(
      Dataset dataset,
      Shares shares,
      long seed,
      boolean stratified,
      long cacheBytes,
      Optional<FeatureEncoding> given) {
    this.dataset = dataset;
    this.shares = shares;
    this.seed = seed;
    this.stratified = stratified;
    this.cacheBytes = cacheBytes;
    this.given = given;
  }

  static Split of(Dataset dataset, double train, double validation, double test) {
    return new Split(
        dataset,
        Shares.of(train, validation, test),
        0,
        true,
        Runtime.getRuntime().maxMemory() / 4,
        Optional.empty());
  }

  /** Deals the rows in another way; 0 unless set. */
  public Split seed(long newSeed) {
    return new Split(dataset, shares, newSeed, stratified, cacheBytes, given);
  }

  /** Deals the rows without a look at their labels. */
  public Split unstratified() {
    return new Split(dataset, shares, seed, false, cacheBytes, given);
  }

  /**
   * About how much memory encoded rows may take; a quarter of the heap unless set. Rows beyond it
   * are read and encoded again in every epoch.
   */
  public Split cacheBytes(long bytes) {
    if (bytes < 0) {
      throw new IllegalArgumentException("bytes must be at least 0, got " + bytes);
    }
    return new Split(dataset, shares, seed, stratified, bytes, given);
  }

  /**
   * Encodes the rows as a model's were instead of fitting an encoding to them, so that the model
   * can be trained further on them. The vocabulary, the tokens kept, and what becomes of an unknown
   * category are then the encoding's; what the dataset says of them does not count.
   *
   * <pre>{@code
   * Training.of(artifact, split.encodedBy(artifact.encoding())).run();
   * }</pre>
   *
   * <p>Using the data throws a {@link ValidationException} that lists every column that differs, or
   * every label that the encoding does not know and the number of its rows.
   *
   * @throws ValidationException if it is that of a language model, which reads no rows
   */
  public Split encodedBy(Encoding encoding) {
    if (encoding instanceof FeatureEncoding features) {
      return new Split(dataset, shares, seed, stratified, cacheBytes, Optional.of(features));
    }
    throw new ValidationException(
        "split", List.of("the encoding is that of a language model, which reads no rows"));
  }

  @Override
  public Split readAs(LanguageEncoding model) {
    return tokenizedBy(model.vocabulary());
  }

  /**
   * The same rows, their text read by this tokenizer instead of a fitted vocabulary, up to the
   * dataset's {@link Dataset#maximumTokens}; without a text column, these rows as they are.
   */
  public Split tokenizedBy(Tokenizer tokenizer) {
    if (!dataset.hasText()) {
      return this;
    }
    return new Split(
        dataset.tokenizer(tokenizer),
        shares,
        seed,
        stratified,
        cacheBytes,
        given.map(
            encoding ->
                new FeatureEncoding(
                    encoding.encoders(), encoding.target(), Optional.of(tokenizer))));
  }

  /** The dataset that was split. */
  public Dataset dataset() {
    return dataset;
  }

  @Override
  public FeatureEncoding encoding() {
    return encoded.value().encoding();
  }

  @Override
  public Batches train() {
    return encoded.value().train();
  }

  @Override
  public Optional<Batches> validation() {
    return shares.validation() > 0 ? Optional.of(encoded.value().validation()) : Optional.empty();
  }

  /** The rows behind {@link #train}, target included. */
  public Rows trainRows() {
    return parts.value().train();
  }

  /**
   * The rows behind {@link #validation}, target included.
   *
   * @throws ValidationException if the split has none
   */
  public Rows validationRows() {
    requireShare(shares.validation(), VALIDATION);
    return parts.value().validation();
  }

  /**
   * Rows that training never sees, target included.
   *
   * @throws ValidationException if the split has none
   */
  public Rows test() {
    requireShare(shares.test(), TEST);
    return parts.value().test();
  }

  private static void requireShare(double share, String name) {
    if (share == 0) {
      throw new ValidationException(
          "split", List.of("it has no " + name + " rows; give that part a share above 0"));
    }
  }

  /** Looks at no more than about a hundred thousand of the training rows, evenly spaced. */
  @Override
  public Optional<Baseline> baseline() {
    Traits traits = Traits.of(encoding());
    return Optional.of(TraitScan.of(parts.value().train(), traits::read));
  }

  @Override
  public DataProvenance provenance() {
    Table table = dataset.table();
    Parts dealt = parts.value();
    List<DataProvenance.Step> steps = new ArrayList<>();
    Digest content = table.rows().fingerprint();
    steps.add(new DataProvenance.Step("select", columns(table.schema()), content));
    table
        .quarantine()
        .ifPresent(
            report ->
                steps.add(
                    new DataProvenance.Step(
                        "quarantine",
                        report.quarantined() + " of " + report.rows() + " rows set aside",
                        content)));
    steps.add(
        new DataProvenance.Step(
            "split",
            shares + (byLabel(table.schema()) ? ", stratified" : ", unstratified"),
            dealt.fingerprint()));
    Digest encoding = encodingFingerprint();
    String how = given.isPresent() ? "reused " + encoding : "fitted on " + TRAIN;
    if (given.isEmpty() && dataset.encodingOptions().tokenizer().isPresent()) {
      how += encoding().tokenizer().map(Split::readBy).orElse("");
    }
    steps.add(new DataProvenance.Step("encode", how, encoding));
    return new DataProvenance(
        table.source(),
        table.sourceFingerprint(),
        table.size(),
        steps,
        Map.of(
            TRAIN, dealt.train().size(),
            VALIDATION, dealt.validation().size(),
            TEST, dealt.test().size()),
        seed);
  }

  private static String readBy(Tokenizer tokenizer) {
    return ", text read by tokenizer " + Digest.ofText(tokenizer.json());
  }

  private static String columns(Schema schema) {
    return schema.columns().stream()
        .map(
            column -> column.type().name().toLowerCase(java.util.Locale.ROOT) + " " + column.name())
        .collect(Collectors.joining(", "));
  }

  private Digest encodingFingerprint() {
    FeatureEncoding encoding = encoding();
    CellDigest digest = new CellDigest();
    encoding.encoders().forEach(encoder -> digest.text(encoder.toString()));
    digest.text(encoding.target().toString());
    encoding.tokenizer().map(Tokenizer::json).ifPresent(digest::text);
    return digest.finish();
  }

  private boolean byLabel(Schema schema) {
    return stratified
        && schema.target().filter(column -> column.type() == ColumnType.CATEGORY).isPresent();
  }

  private Parts deal() {
    Table table = dataset.table();
    int[][] dealt =
        byLabel(table.schema())
            ? StratifiedSplit.of(table.labelOfEachRow(), table.labels(), shares.toArray(), seed)
            : StratifiedSplit.of(
                new int[table.size()], List.of("every row"), shares.toArray(), seed);
    return new Parts(
        table.rows(dealt[0]),
        table.rows(dealt[1]),
        table.rows(dealt[2]),
        StratifiedSplit.fingerprint(table.rows().fingerprint(), dealt));
  }

  private Encoded encode() {
    if (dataset.table().schema().target().isEmpty()) {
      throw new ValidationException(
          "dataset", List.of("there is nothing to learn; call label(...) or estimate(...)"));
    }
    given.ifPresent(encoding -> EncodingMatch.require(encoding, dataset.table()));
    Parts dealt = parts.value();
    FeatureEncoding encoding =
        given.orElseGet(() -> EncodingFit.of(dealt.train(), dataset.encodingOptions()));
    double trainShare = shares.train() / (shares.train() + shares.validation());
    long trainCache = (long) (cacheBytes * trainShare);
    return new Encoded(
        encoding,
        new EncodedBatches(dealt.train(), encoding, trainCache),
        new EncodedBatches(dealt.validation(), encoding, cacheBytes - trainCache));
  }
}
