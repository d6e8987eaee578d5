package io.athanor.training.tuning;

import io.athanor.api.data.Baseline;
import io.athanor.api.data.BatchOrder;
import io.athanor.api.data.Batches;
import io.athanor.api.data.DataProvenance;
import io.athanor.api.data.Encoding;
import io.athanor.api.data.TrainingData;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/**
 * Data whose rows are completed by what a model says of them: what it found likely before it learns
 * from preferences, or what a teacher answers. The model is asked when rows are first wanted.
 */
public final class ReferencedData implements TrainingData {
  private final TrainingData data;
  private final Batches train;
  private final Optional<Batches> validation;
  private final List<DataProvenance.Step> steps;

  /**
   * @param train completes the rows to learn from; called once
   * @param validation completes those kept aside; called once
   * @param steps what goes into the provenance
   */
  public ReferencedData(
      TrainingData data,
      UnaryOperator<Batches> train,
      UnaryOperator<Batches> validation,
      List<DataProvenance.Step> steps) {
    this.data = data;
    this.train = new Referenced(data.train(), train);
    this.validation = data.validation().map(rows -> new Referenced(rows, validation));
    this.steps = List.copyOf(steps);
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
  public Optional<Baseline> baseline() {
    return data.baseline();
  }

  @Override
  public DataProvenance provenance() {
    DataProvenance own = data.provenance();
    List<DataProvenance.Step> all = new ArrayList<>(own.steps());
    all.addAll(steps);
    return new DataProvenance(
        own.source(), own.fingerprint(), own.rows(), all, own.splits(), own.seed());
  }

  private static final class Referenced implements Batches {
    private final Batches rows;
    private final UnaryOperator<Batches> completion;
    private @Nullable Batches complete;

    Referenced(Batches rows, UnaryOperator<Batches> completion) {
      this.rows = rows;
      this.completion = completion;
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
        opened = completion.apply(rows);
        complete = opened;
      }
      return opened.open(order);
    }
  }
}
