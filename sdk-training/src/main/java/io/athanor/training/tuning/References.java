package io.athanor.training.tuning;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.CompiledModel;
import io.athanor.api.backend.Precision;
import io.athanor.api.common.Digest;
import io.athanor.api.common.Tensor;
import io.athanor.api.data.Batch;
import io.athanor.api.data.BatchOrder;
import io.athanor.api.data.Batches;
import io.athanor.api.data.LanguageEncoding;
import io.athanor.api.data.Signature;
import io.athanor.api.data.TrainingData;
import io.athanor.api.error.GraphException;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.Input;
import io.athanor.api.graph.LossOp;
import io.athanor.api.graph.Node;
import io.athanor.api.graph.Rewrite;
import io.athanor.api.graph.Weights;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.UnaryOperator;

/**
 * How likely a model found every answer before it began to learn from preferences (Rafailov et al.
 * 2023). Answers are known by their tokens, so that batches in any order find theirs. Immutable and
 * thread-safe.
 */
public final class References {
  private static final String LIKELIHOOD = "log_probability";

  private final Map<Digest, Float> likelihoods;

  private References(Map<Digest, Float> likelihoods) {
    this.likelihoods = likelihoods;
  }

  /** Whether a graph asks for them. */
  public static boolean wantedBy(Graph graph) {
    return graph.hasInput(LanguageEncoding.REFERENCE);
  }

  /**
   * Data with their references, unless they bring them; computed when rows are first asked for.
   *
   * @param graph that learns from preferences
   * @param weights before it learns
   * @param backend that computes; stays open
   * @param batchSize rows at once
   */
  public static TrainingData attached(
      TrainingData data, Graph graph, Weights weights, Backend backend, int batchSize) {
    UnaryOperator<Batches> completion =
        rows ->
            broughtBy(rows) ? rows : of(graph, weights, backend, rows, batchSize).attachedTo(rows);
    return new ReferencedData(data, completion, completion, List.of());
  }

  /** Whether these batches already bring them. */
  public static boolean broughtBy(Batches batches) {
    try (Batches.Stream stream = batches.open(BatchOrder.sequential(2))) {
      return stream.hasNext() && stream.next().tensors().containsKey(LanguageEncoding.REFERENCE);
    }
  }

  /**
   * Runs a model once over all rows, without its dropout.
   *
   * @param graph that learns from preferences
   * @param batchSize rows at once, even
   * @throws GraphException if the graph computes no likelihood of sequences
   */
  public static References of(
      Graph graph, Weights weights, Backend backend, Batches batches, int batchSize) {
    Map<Digest, Float> likelihoods = new HashMap<>();
    Graph likelihood = likelihood(graph);
    try (CompiledModel model = backend.compile(likelihood, weights, Precision.F32);
        Batches.Stream stream = batches.open(BatchOrder.sequential(batchSize))) {
      while (stream.hasNext()) {
        Batch batch = stream.next();
        Tensor result = Weights.of(model.predict(batch.tensors())).tensor(LIKELIHOOD);
        FloatBuffer values = result.floatBuffer();
        for (int row = 0; row < batch.rows(); row++) {
          likelihoods.putIfAbsent(answer(batch.tensors(), row), values.get(row));
        }
      }
    }
    return new References(likelihoods);
  }

  /** The part of a graph that gives the likelihood of its targets. */
  private static Graph likelihood(Graph graph) {
    Node wanted =
        graph.nodes().stream()
            .filter(node -> node.op() instanceof LossOp.SequenceLogProbability)
            .findFirst()
            .orElseThrow(
                () ->
                    new GraphException(
                        graph.name(), "no operation gives the likelihood of a sequence"));
    return new Rewrite(graph) {
      @Override
      protected Input input(Input input) {
        return new Input(input.name(), input.type(), Input.Role.FEATURE);
      }

      @Override
      protected void end() {
        target.output(LIKELIHOOD, value(wanted.name()));
      }
    }.rewritten().forPrediction();
  }

  /** These batches with the likelihoods as a further tensor. */
  public Batches attachedTo(Batches batches) {
    return new ChangedBatches(batches, this::attachedTo);
  }

  private Batch attachedTo(Batch batch) {
    float[] values = new float[batch.rows()];
    for (int row = 0; row < values.length; row++) {
      Float value = likelihoods.get(answer(batch.tensors(), row));
      if (value == null) {
        throw new GraphException(
            LanguageEncoding.REFERENCE,
            "a row has an answer that was not there when the references were computed; the data"
                + " must give the same rows in every epoch");
      }
      values[row] = value;
    }
    Map<String, Tensor> tensors = new LinkedHashMap<>(batch.tensors());
    tensors.put(LanguageEncoding.REFERENCE, Tensor.ofFloats(values, values.length));
    return new Batch(tensors, batch.rows(), batch.scored());
  }

  /** Tokens and targets of a row up to the last one that counts, whatever the padding after it. */
  private static Digest answer(Map<String, Tensor> tensors, int row) {
    Weights named = Weights.of(tensors);
    Tensor tokens = named.tensor(LanguageEncoding.TOKENS);
    Tensor targets = named.tensor(Signature.TARGET);
    int width = Math.toIntExact(targets.size(1));
    int length = width;
    while (length > 0 && targets.longBuffer().get(row * width + length - 1) == LossOp.IGNORED) {
      length--;
    }
    ByteBuffer content = ByteBuffer.allocate(2 * length * Long.BYTES);
    content.put(tokens.bytes().slice(row * width * Long.BYTES, length * Long.BYTES));
    content.put(targets.bytes().slice(row * width * Long.BYTES, length * Long.BYTES));
    return Digest.of(content.array());
  }
}
