package io.athanor.api.registry;

import java.time.Instant;
import java.util.ArrayList;
import java.util.List;

/**
 * Which versions to find; all conditions must hold. Immutable: each method gives a new search.
 * Newest first and the first hundred, unless told otherwise.
 */
public final class Search {
  private static final int DEFAULT_LIMIT = 100;
  private static final int MAX_LIMIT = 10_000;

  private final List<Condition> conditions;
  private final Sort sort;
  private final long offset;
  private final int limit;

  private Search(List<Condition> conditions, Sort sort, long offset, int limit) {
    this.conditions = conditions;
    this.sort = sort;
    this.offset = offset;
    this.limit = limit;
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
  }

  /** The order of the results; of equals the newest comes first. */
  public sealed interface Sort {
    boolean descending();

    /** By time of registration. */
    record ByCreated(boolean descending) implements Sort {}

    /** By name of the model. */
    record ByName(boolean descending) implements Sort {}

    /** By a metric; versions without it come last. */
    record ByMetric(String name, boolean descending) implements Sort {}
  }

  /** Every version. */
  public static Search all() {
    return new Search(List.of(), new Sort.ByCreated(true), 0, DEFAULT_LIMIT);
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

  /** In this order. */
  public Search sortBy(Sort order) {
    return new Search(conditions, order, offset, limit);
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
    return new Search(conditions, sort, offset, limit);
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

  private Search with(Condition condition) {
    List<Condition> all = new ArrayList<>(conditions);
    all.add(condition);
    return new Search(List.copyOf(all), sort, offset, limit);
  }
}
