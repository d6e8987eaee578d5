package io.athanor.data;

import io.athanor.api.common.Digest;
import io.athanor.api.data.Batches;
import io.athanor.api.data.DataProvenance;
import io.athanor.api.data.Encoding;
import io.athanor.api.data.LanguageEncoding;
import io.athanor.api.data.Task;
import io.athanor.api.data.TrainingData;
import io.athanor.api.error.ValidationException;
import io.athanor.data.batch.SharedBatches;
import io.athanor.data.source.CellDigest;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Several data sets for as many adapters on one base model: those at index 0 train adapter 0, and
 * so on. Every batch holds an equal share of each, with the adapter's number in {@code adapter}, so
 * a batch size must be a multiple of their number; smaller sets begin again within a shuffled
 * epoch. Immutable and thread-safe.
 */
public final class AdapterData implements TrainingData {
  private final List<TrainingData> sets;
  private final Lazy<LanguageEncoding> encoding = new Lazy<>(this::common);

  private AdapterData(List<TrainingData> sets) {
    this.sets = sets;
  }

  /**
   * One data set for each adapter. Using them throws a {@link ValidationException} that lists every
   * one that differs from the first in tokenizer, context length, ends or packing, or does not
   * train a model to generate.
   */
  public static AdapterData of(List<? extends TrainingData> sets) {
    if (sets.isEmpty()) {
      throw new IllegalArgumentException("sets must not be empty");
    }
    return new AdapterData(List.copyOf(sets));
  }

  @Override
  public int adapters() {
    return sets.size();
  }

  @Override
  public AdapterData readAs(LanguageEncoding model) {
    return new AdapterData(sets.stream().map(set -> set.readAs(model)).toList());
  }

  @Override
  public LanguageEncoding encoding() {
    return encoding.value();
  }

  private LanguageEncoding common() {
    List<String> problems = new ArrayList<>();
    Encoding first = sets.get(0).encoding();
    for (int i = 0; i < sets.size(); i++) {
      Encoding other = sets.get(i).encoding();
      String which = "data set " + i + " ";
      if (!(other instanceof LanguageEncoding language)
          || !(language.task() instanceof Task.Generation)) {
        problems.add(which + "is for " + other.task() + "; adapters share a model that generates");
      } else if (first instanceof LanguageEncoding expected) {
        if (!language.vocabulary().equals(expected.vocabulary())) {
          problems.add(which + "has another tokenizer than the first; use one for all");
        }
        if (language.contextLength() != expected.contextLength()) {
          problems.add(which + "has another context length than the first; use one for all");
        }
        if (!language.endIds().equals(expected.endIds())) {
          problems.add(which + "has other end tokens than the first; use one for all");
        }
      }
      if (sets.get(i).packed() != packed()) {
        problems.add(which + "is not packed as the first is; pack all or none");
      }
    }
    if (!problems.isEmpty() || !(first instanceof LanguageEncoding language)) {
      throw new ValidationException("adapter data", problems);
    }
    return language;
  }

  @Override
  public boolean packed() {
    return sets.get(0).packed();
  }

  @Override
  public Batches train() {
    int padding = encoding().vocabulary().paddingId();
    return new SharedBatches(sets.stream().map(set -> Optional.of(set.train())).toList(), padding);
  }

  @Override
  public Optional<Batches> validation() {
    int padding = encoding().vocabulary().paddingId();
    List<Optional<Batches>> parts = sets.stream().map(TrainingData::validation).toList();
    return parts.stream().anyMatch(Optional::isPresent)
        ? Optional.of(new SharedBatches(parts, padding))
        : Optional.empty();
  }

  @Override
  public DataProvenance provenance() {
    CellDigest content = new CellDigest();
    List<String> sources = new ArrayList<>();
    List<DataProvenance.Step> steps = new ArrayList<>();
    Map<String, Long> splits = new TreeMap<>();
    long rows = 0;
    for (int i = 0; i < sets.size(); i++) {
      DataProvenance one = sets.get(i).provenance();
      sources.add(one.source());
      content.text(one.fingerprint().hex());
      rows += one.rows();
      for (DataProvenance.Step step : one.steps()) {
        String name = "adapter " + i + ", " + step.name();
        steps.add(new DataProvenance.Step(name, step.detail(), step.fingerprint()));
      }
      one.splits().forEach((part, size) -> splits.merge(part, size, Long::sum));
    }
    Digest all = content.finish();
    return new DataProvenance(
        String.join(", ", sources), all, rows, steps, splits, sets.get(0).provenance().seed());
  }
}
