package io.athanor.api.registry;

import io.athanor.api.common.DType;
import io.athanor.api.common.Digest;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/**
 * Which versions to find; all conditions must hold. Immutable: each method gives a new search.
 * Unless told otherwise it finds versions of every state, deprecated and archived ones too, newest
 * first, gives the first hundred, and counts up to a thousand.
 */
public final class Search {
  private static final int DEFAULT_LIMIT = 100;
  private static final int MAX_LIMIT = 10_000;
  private static final int DEFAULT_COUNT = 1_000;

  private final List<Condition> conditions;
  private final Sort sort;
  private final long offset;
  private final int limit;
  private final long countUpTo;

  private Search(List<Condition> conditions, Sort sort, long offset, int limit, long countUpTo) {
    this.conditions = conditions;
    this.sort = sort;
    this.offset = offset;
    this.limit = limit;
    this.countUpTo = countUpTo;
  }

  /** One condition on a version. */
  public sealed interface Condition {
    /** The model's name contains a text. */
    record NameContains(String text) implements Condition {}

    /** The model's name begins with a text. */
    record NamePrefix(String prefix) implements Condition {}

    /** The architecture's name. */
    record Architecture(String name) implements Condition {}

    /** The task, for example {@code "classification"}. */
    record Task(String name) implements Condition {}

    /** A tag with this value. */
    record Tag(String key, String value) implements Condition {}

    /** A metric in {@code [low, high]}. */
    record Metric(String name, double low, double high) implements Condition {}

    /** Registered in {@code [from, before)}. */
    record Created(Instant from, Instant before) implements Condition {}

    /** An alias points to it. */
    record Alias(String name) implements Condition {}

    /** What is said of it has all these words, the last one perhaps only begun. */
    record Text(String words) implements Condition {}

    /** What the model does. */
    record Type(ModelType type) implements Condition {}

    /** How it came about. */
    record Kind(ModelKind kind) implements Condition {}

    /** Whether it is meant to be used. */
    record State(VersionState state) implements Condition {}

    /** The licence, as it is written. */
    record Licence(String expression) implements Condition {}

    /** The backend that trained it. */
    record Backend(String name) implements Condition {}

    /** The job that made it. */
    record Job(String name) implements Condition {}

    /** The format of most numbers of its weights. */
    record Precision(DType format) implements Condition {}

    /** A size in {@code [low, high]}. */
    record Size(Measure measure, long low, long high) implements Condition {}

    /** The semantic version. */
    record Semantic(SemanticVersion version) implements Condition {}

    /** Who registered it. */
    record CreatedBy(Principal principal) implements Condition {}

    /** Who changed it last. */
    record UpdatedBy(Principal principal) implements Condition {}

    /** Last changed in {@code [from, before)}. */
    record Updated(Instant from, Instant before) implements Condition {}

    /** Made from this version, directly. */
    record MadeFrom(VersionId parent) implements Condition {}

    /** Made from weights with this digest. */
    record Base(Digest weights) implements Condition {}

    /** Trained on data with this fingerprint. */
    record TrainedOn(Digest fingerprint) implements Condition {}
  }

  /** A size of a version. */
  public enum Measure {
    /** Trained numbers. */
    PARAMETERS,
    /** All files together. */
    BYTES,
    /** Most tokens it reads at once. */
    CONTEXT_LENGTH
  }

  /** The order of the results; of equals the newest comes first. */
  public sealed interface Sort {
    boolean descending();

    /** In the order of registration. */
    record ByCreated(boolean descending) implements Sort {}

    /** By name of the model. */
    record ByName(boolean descending) implements Sort {}

    /** By a metric; versions without it come last. */
    record ByMetric(String name, boolean descending) implements Sort {}

    /** By time of the last change. */
    record ByUpdated(boolean descending) implements Sort {}

    /** By a size; versions without it come last. */
    record BySize(Measure measure, boolean descending) implements Sort {}
  }

  /** Every version. */
  public static Search all() {
    return new Search(List.of(), new Sort.ByCreated(true), 0, DEFAULT_LIMIT, DEFAULT_COUNT);
  }

  /** Versions of models whose name contains a text. */
  public static Search name(String text) {
    return all().with(new Condition.NameContains(text));
  }

  /** Versions of models whose name begins with a text. */
  public static Search namePrefix(String prefix) {
    return all().with(new Condition.NamePrefix(prefix));
  }

  /** Of this architecture. */
  public Search architecture(String name) {
    return with(new Condition.Architecture(name));
  }

  /** For this task, for example {@code "classification"}. */
  public Search task(String name) {
    return with(new Condition.Task(name));
  }

  /** With this tag. */
  public Search tag(String key, String value) {
    return with(new Condition.Tag(key, value));
  }

  /** With a metric of at least {@code low}. */
  public Search metricAtLeast(String name, double low) {
    return metricBetween(name, low, Double.POSITIVE_INFINITY);
  }

  /** With a metric of at most {@code high}. */
  public Search metricAtMost(String name, double high) {
    return metricBetween(name, Double.NEGATIVE_INFINITY, high);
  }

  /** With a metric in {@code [low, high]}. */
  public Search metricBetween(String name, double low, double high) {
    if (Double.isNaN(low) || Double.isNaN(high)) {
      throw new IllegalArgumentException("low and high must be numbers, got NaN");
    }
    return with(new Condition.Metric(name, low, high));
  }

  /** Registered at this time or later. */
  public Search createdFrom(Instant from) {
    return with(new Condition.Created(from, Instant.MAX));
  }

  /** Registered before this time. */
  public Search createdBefore(Instant before) {
    return with(new Condition.Created(Instant.MIN, before));
  }

  /** With this alias on it. */
  public Search alias(String name) {
    return with(new Condition.Alias(name));
  }

  /**
   * With all these words in name, description, tags, architecture, task, type, licence, terms,
   * specialisation, backend or job. Case, accents and punctuation do not matter; the last word may
   * be the beginning of one. {@code "spam fren"} finds "A spam filter for French mail".
   *
   * @throws IllegalArgumentException if there is no letter and no digit in it
   */
  public Search text(String words) {
    if (words.codePoints().noneMatch(Character::isLetterOrDigit)) {
      throw new IllegalArgumentException("words must have letters or digits, got '" + words + "'");
    }
    return with(new Condition.Text(words));
  }

  /** Of this type. */
  public Search type(ModelType type) {
    return with(new Condition.Type(type));
  }

  /** That came about like this. */
  public Search kind(ModelKind kind) {
    return with(new Condition.Kind(kind));
  }

  /** In this state. */
  public Search state(VersionState state) {
    return with(new Condition.State(state));
  }

  /** With this licence, as it is written. */
  public Search licence(String expression) {
    return with(new Condition.Licence(expression));
  }

  /** Trained by this backend. */
  public Search backend(String name) {
    return with(new Condition.Backend(name));
  }

  /** Made by this job. */
  public Search job(String name) {
    return with(new Condition.Job(name));
  }

  /** With most numbers in this format. */
  public Search precision(DType format) {
    return with(new Condition.Precision(format));
  }

  /** With a number of parameters in {@code [low, high]}. */
  public Search parametersBetween(long low, long high) {
    return with(new Condition.Size(Measure.PARAMETERS, low, high));
  }

  /** With files of {@code low} to {@code high} bytes altogether. */
  public Search bytesBetween(long low, long high) {
    return with(new Condition.Size(Measure.BYTES, low, high));
  }

  /** With a context length in {@code [low, high]}. */
  public Search contextLengthBetween(long low, long high) {
    return with(new Condition.Size(Measure.CONTEXT_LENGTH, low, high));
  }

  /** With this semantic version. */
  public Search semanticVersion(SemanticVersion version) {
    return with(new Condition.Semantic(version));
  }

  /** Registered by somebody. */
  public Search createdBy(Principal principal) {
    return with(new Condition.CreatedBy(principal));
  }

  /** Last changed by somebody; registering counts as a change. */
  public Search updatedBy(Principal principal) {
    return with(new Condition.UpdatedBy(principal));
  }

  /** Last changed at this time or later. */
  public Search updatedFrom(Instant from) {
    return with(new Condition.Updated(from, Instant.MAX));
  }

  /** Last changed before this time. */
  public Search updatedBefore(Instant before) {
    return with(new Condition.Updated(Instant.MIN, before));
  }

  /** Made from this version, directly. */
  public Search madeFrom(VersionId parent) {
    return with(new Condition.MadeFrom(parent));
  }

  /** Made from weights with this digest, registered or not. */
  public Search base(Digest weights) {
    return with(new Condition.Base(weights));
  }

  /** Trained on data with this fingerprint. */
  public Search trainedOn(Digest fingerprint) {
    return with(new Condition.TrainedOn(fingerprint));
  }

  /** In this order. */
  public Search sortBy(Sort order) {
    return new Search(conditions, order, offset, limit, countUpTo);
  }

  /**
   * A part of the results.
   *
   * @param offset results to skip, at least 0
   * @param limit most results to give, 1 to 10,000
   */
  public Search page(long offset, int limit) {
    if (offset < 0) {
      throw new IllegalArgumentException("offset must be at least 0, got " + offset);
    }
    if (limit < 1 || limit > MAX_LIMIT) {
      throw new IllegalArgumentException("limit must be 1 to " + MAX_LIMIT + ", got " + limit);
    }
    return new Search(conditions, sort, offset, limit, countUpTo);
  }

  /**
   * Counts the results no further than this; 1,000 unless set. Counting all of very many takes far
   * longer than finding a page of them.
   *
   * @param most at least 0; {@code Long.MAX_VALUE} to count all
   */
  public Search countUpTo(long most) {
    if (most < 0) {
      throw new IllegalArgumentException("most must be at least 0, got " + most);
    }
    return new Search(conditions, sort, offset, limit, most);
  }

  public List<Condition> conditions() {
    return conditions;
  }

  public Sort sort() {
    return sort;
  }

  public long offset() {
    return offset;
  }

  public int limit() {
    return limit;
  }

  /** Where counting the results ends. */
  public long countUpTo() {
    return countUpTo;
  }

  private Search with(Condition condition) {
    List<Condition> all = new ArrayList<>(conditions);
    all.add(condition);
    return new Search(List.copyOf(all), sort, offset, limit, countUpTo);
  }
}
