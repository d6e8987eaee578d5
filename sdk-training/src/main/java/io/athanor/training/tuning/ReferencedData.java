package io.athanor.training.tuning;

import io.athanor.api.backend.Backend;
import io.athanor.api.data.BatchOrder;
import io.athanor.api.data.Batches;
import io.athanor.api.data.DataProvenance;
import io.athanor.api.data.Encoding;
import io.athanor.api.data.TrainingData;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.Weights;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Data to learn preferences from, with the {@link References} of a model that has not learned yet.
 * They are computed when rows are first asked for, unless the data bring them.
 */
public final class ReferencedData implements TrainingData {
  private final TrainingData data;
  private final Graph graph;
  private final Weights weights;
  private final Backend backend;
  private final int batchSize;
  private final Batches train;
  private final Optional<Batches> validation;

  /**
   * @param graph that learns from preferences
   * @param weights before it learns
   * @param backend that computes; stays open
   * @param batchSize rows at once
   */
  public ReferencedData(
      TrainingData data, Graph graph, Weights weights, Backend backend, int batchSize) {
    this.data = data;
    this.graph = graph;
    this.weights = weights;
    this.backend = backend;
    this.batchSize = batchSize;
    this.train = new Referenced(data.train());
    this.validation = data.validation().map(Referenced::new);
  }

  @Override
  public Encoding encoding() {
    return data.encoding();
  }

  @Override
  public boolean packed() {
    return data.packed();
  }

  @Override
  public int adapters() {
    return data.adapters();
  }

  @Override
  public Batches train() {
    return train;
  }

  @Override
  public Optional<Batches> validation() {
    return validation;
  }

  @Override
  public DataProvenance provenance() {
    return data.provenance();
  }

  private final class Referenced implements Batches {
    private final Batches rows;
    private @Nullable Batches complete;

    Referenced(Batches rows) {
      this.rows = rows;
    }

    @Override
    public long rows() {
      return rows.rows();
    }

    @Override
    public long count(int size) {
      return rows.count(size);
    }

    @Override
    public synchronized Stream open(BatchOrder order) {
      Batches opened = complete;
      if (opened == null) {
        opened =
            References.broughtBy(rows)
                ? rows
                : References.of(graph, weights, backend, rows, batchSize).attachedTo(rows);
        complete = opened;
      }
      return opened.open(order);
    }
  }
}
