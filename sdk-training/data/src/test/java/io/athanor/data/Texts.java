package io.athanor.data;

import io.athanor.api.common.Tensor;
import io.athanor.api.data.Batch;
import io.athanor.api.data.BatchOrder;
import io.athanor.api.data.Batches;
import io.athanor.api.data.Row;
import io.athanor.data.source.Records;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** What tests of text have in common. */
final class Texts {
  private Texts() {}

  static Records texts(String... texts) {
    return Records.of(Arrays.asList(texts), text -> Row.of("text", text)).named("memory");
  }

  static Records rows(List<Map<String, String>> rows) {
    return Records.of(rows, Row::of).named("memory");
  }

  /** All rows of a data set for training. */
  static TextSplit all(TextDataset dataset) {
    return dataset.split(1, 0);
  }

  static List<Batch> batches(Batches batches, BatchOrder order) {
    List<Batch> all = new ArrayList<>();
    try (Batches.Stream stream = batches.open(order)) {
      stream.forEachRemaining(all::add);
    }
    return all;
  }

  /** The only batch of all rows in their order. */
  static Batch whole(Batches batches) {
    List<Batch> all = batches(batches, BatchOrder.sequential(1_000));
    if (all.size() != 1) {
      throw new IllegalStateException("expected one batch, got " + all.size());
    }
    return all.get(0);
  }

  static List<List<Long>> longs(Batch batch, String name) {
    Tensor tensor = tensor(batch, name);
    int width = (int) tensor.size(1);
    List<List<Long>> rows = new ArrayList<>();
    for (int row = 0; row < tensor.size(0); row++) {
      long[] values = Arrays.copyOfRange(tensor.longs(), row * width, (row + 1) * width);
      rows.add(Arrays.stream(values).boxed().toList());
    }
    return rows;
  }

  /** Rows of ids as text: padding as '_', begin '^', end '$', and what is not learned as '.'. */
  static List<String> shown(Batch batch, String name) {
    return longs(batch, name).stream().map(Texts::shown).toList();
  }

  private static String shown(List<Long> ids) {
    StringBuilder text = new StringBuilder();
    for (long id : ids) {
      text.append(id == -100 ? '.' : id == 0 ? '_' : id == 1 ? '^' : id == 2 ? '$' : (char) id);
    }
    return text.toString();
  }

  static Tensor tensor(Batch batch, String name) {
    return Objects.requireNonNull(batch.tensors().get(name), name);
  }
}
