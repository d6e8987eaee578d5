package io.athanor.backend.dl4j;

import io.athanor.api.error.BackendException;
import io.athanor.api.graph.LayerOp;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.ndarray.INDArray;

/** A graph for one set of sizes and one purpose, as SameDiff runs it. */
final class Program implements AutoCloseable {
  /** A placeholder that Java fills. */
  record Fed(String name, NativeArray array, Feed feed) {}

  /**
   * Slabs of a parameter that Java looked up.
   *
   * @param variable the placeholder of the slabs
   * @param width elements of a slab
   */
  record Gathered(String parameter, String variable, Ids ids, int width) {}

  /**
   * Running statistics, and which results they follow.
   *
   * @param count elements for each channel
   */
  record Moving(LayerOp.BatchNorm op, String meanResult, String varianceResult, long count) {}

  private final Session session;
  private final Map<String, String> results;
  private final Map<String, String> parameters;
  private final List<Fed> feeds;
  private final Map<String, String> gradients;
  private final List<Gathered> gathered;
  private final List<Moving> moving;

  /**
   * @param results variable by the name of a result
   * @param parameters placeholder by the name of a parameter
   * @param gradients variable of the gradient by the placeholder of what it is the gradient of
   */
  Program(
      SameDiff program,
      Map<String, String> results,
      Map<String, String> parameters,
      List<Fed> feeds,
      Map<String, String> gradients,
      List<Gathered> gathered,
      List<Moving> moving) {
    this.results = results;
    this.parameters = parameters;
    this.feeds = feeds;
    this.gradients = gradients;
    this.gathered = gathered;
    this.moving = moving;
    Set<String> variables = new LinkedHashSet<>(results.values());
    variables.addAll(gradients.values());
    this.session = new Session(program, List.copyOf(variables));
  }

  /** What a run gave; valid until its reader returns. */
  final class Outcome {
    private final Call call;
    private final Map<String, INDArray> found;

    private Outcome(Call call, Map<String, INDArray> found) {
      this.call = call;
      this.found = found;
    }

    Call call() {
      return call;
    }

    boolean has(String name) {
      return results.containsKey(name);
    }

    INDArray result(String name) {
      return required(found, required(results, name));
    }

    /** The gradient of a parameter's placeholder or of gathered rows, if the loss depends on it. */
    boolean hasGradient(String placeholder) {
      return gradients.containsKey(placeholder);
    }

    INDArray gradient(String placeholder) {
      return required(found, required(gradients, placeholder));
    }

    /** Placeholder by parameter. */
    Map<String, String> parameters() {
      return parameters;
    }

    List<Gathered> gathered() {
      return gathered;
    }

    List<Moving> moving() {
      return moving;
    }
  }

  /** Takes what it needs out of an outcome. */
  @FunctionalInterface
  interface Reader<T> {
    T read(Outcome outcome);
  }

  /**
   * Runs the program.
   *
   * @throws io.athanor.api.error.GraphException if the batch does not fit
   */
  <T> T run(Call call, Reader<T> reader) {
    Map<String, INDArray> placeholders = new HashMap<>();
    for (Fed fed : feeds) {
      fed.feed().fill(fed.array().writing(), call);
      placeholders.put(fed.name(), fed.array().array());
    }
    parameters.forEach(
        (name, placeholder) -> placeholders.put(placeholder, call.parameters().get(name).array()));
    try {
      return reader.read(new Outcome(call, found(placeholders)));
    } finally {
      session.rest();
    }
  }

  private Map<String, INDArray> found(Map<String, INDArray> placeholders) {
    if (results.isEmpty() && gradients.isEmpty()) {
      return Map.of();
    }
    try {
      return session.run(placeholders);
    } catch (RuntimeException e) {
      throw new BackendException(
          Dl4jBackendProvider.NAME, "ND4J failed to run a program: " + e.getMessage(), e);
    }
  }

  private static <T> T required(Map<String, T> map, String name) {
    return Objects.requireNonNull(map.get(name), name);
  }

  /** Bytes of memory it keeps for the next run. */
  long kept() {
    return session.kept();
  }

  /** Frees that memory; the next run takes longer. */
  void release() {
    session.release();
  }

  @Override
  public void close() {
    release();
    feeds.forEach(fed -> fed.array().close());
  }
}
