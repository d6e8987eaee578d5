package io.athanor.data.batch;

import io.athanor.api.data.Batch;
import io.athanor.api.data.BatchOrder;
import io.athanor.api.data.Batches;
import io.athanor.api.data.LanguageEncoding;
import io.athanor.api.error.ValidationException;
import io.athanor.data.text.Corpus;
import io.athanor.data.text.Sequence;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Batches of token sequences. Shuffled batches hold sequences of similar length (see {@link
 * EpochOrder}); packed rows are put together once and only their order changes. Sequences that stay
 * together follow each other in a batch, whose size must be a multiple of their number.
 */
public final class TextBatches implements Batches {
  private final Corpus corpus;
  private final TextCollation collation;
  private final Optional<int[][]> packed;

  /**
   * @param packed whether rows are to hold several sequences; only where none must stay together
   */
  public TextBatches(Corpus corpus, LanguageEncoding encoding, boolean packed) {
    this.corpus = corpus;
    this.collation = new TextCollation(encoding, packed);
    this.packed =
        packed
            ? Optional.of(Packing.bestFit(corpus.lengths(), encoding.contextLength()))
            : Optional.empty();
  }

  @Override
  public long rows() {
    return (long) units() * corpus.width();
  }

  private int units() {
    return packed.map(rows -> rows.length).orElse(corpus.items());
  }

  @Override
  public long count(int batchSize) {
    requireWhole(batchSize);
    return Batches.super.count(batchSize);
  }

  @Override
  public Stream open(BatchOrder order) {
    requireWhole(order.batchSize());
    BatchOrder units =
        new BatchOrder(
            order.batchSize() / corpus.width(),
            order.shuffled(),
            order.seed(),
            order.epoch(),
            order.first());
    Optional<int[]> lengths = packed.isPresent() ? Optional.empty() : Optional.of(corpus.lengths());
    EpochOrder epoch = EpochOrder.of(units, units(), lengths);
    return new PrefetchedStream(new Preparation(epoch, order.first()));
  }

  private void requireWhole(int batchSize) {
    int width = corpus.width();
    if (batchSize % width != 0) {
      throw new ValidationException(
          "batch size",
          List.of(
              "rows come in groups of "
                  + width
                  + " that stay together; make it a multiple of "
                  + width
                  + ", got "
                  + batchSize));
    }
  }

  /** Makes one batch after the other; used by the thread that prefetches. */
  private final class Preparation implements PrefetchedStream.Producer {
    private final EpochOrder order;
    private final Corpus.Reading reading = corpus.open();
    private long next;

    Preparation(EpochOrder order, long first) {
      this.order = order;
      this.next = first;
    }

    @Override
    public Optional<Batch> next() {
      if (next >= order.batches()) {
        return Optional.empty();
      }
      int[] units = order.rows((int) next++);
      List<List<Sequence>> rows = new ArrayList<>();
      long[] examples = new long[units.length * corpus.width()];
      for (int unit : units) {
        if (packed.isPresent()) {
          rows.add(together(packed.get()[unit]));
        } else {
          for (Sequence sequence : reading.item(unit)) {
            examples[rows.size()] = corpus.example(unit);
            rows.add(List.of(sequence));
          }
        }
      }
      return Optional.of(collation.batch(rows, examples));
    }

    private List<Sequence> together(int[] items) {
      List<Sequence> row = new ArrayList<>();
      for (int item : items) {
        row.addAll(reading.item(item));
      }
      return row;
    }

    @Override
    public void close() {
      reading.close();
    }
  }
}
