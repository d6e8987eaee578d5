package io.athanor.data.batch;

import io.athanor.api.common.Tensor;
import io.athanor.api.data.Batch;
import io.athanor.api.data.BatchOrder;
import io.athanor.api.data.Batches;
import io.athanor.api.data.LanguageEncoding;
import io.athanor.api.data.Signature;
import io.athanor.api.error.ValidationException;
import io.athanor.api.graph.LossOp;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Batches of several sources in equal shares, each share for an adapter of its own. A shuffled
 * epoch is as long as the longest source needs; the others begin again, in the order of their next
 * epoch. A sequential one gives every row once.
 */
public final class SharedBatches implements Batches {
  private final List<Optional<Batches>> sources;
  private final int paddingId;

  /**
   * @param sources the index of each is its adapter's; at least one is present
   */
  public SharedBatches(List<Optional<Batches>> sources, int paddingId) {
    this.sources = List.copyOf(sources);
    this.paddingId = paddingId;
  }

  /** Those of all sources together; in a shuffled epoch those of the smaller ones come again. */
  @Override
  public long rows() {
    return sources.stream().flatMap(Optional::stream).mapToLong(Batches::rows).sum();
  }

  @Override
  public long count(int batchSize) {
    int share = share(batchSize);
    return sources.stream()
        .flatMap(Optional::stream)
        .mapToLong(source -> source.count(share))
        .max()
        .orElse(0);
  }

  private int share(int batchSize) {
    if (batchSize % sources.size() != 0) {
      throw new ValidationException(
          "batch size",
          List.of(
              "every one of the "
                  + sources.size()
                  + " adapters gets an equal share; make it a multiple of that, got "
                  + batchSize));
    }
    return batchSize / sources.size();
  }

  @Override
  public Stream open(BatchOrder order) {
    long count = count(order.batchSize());
    List<Share> shares = new ArrayList<>();
    for (int adapter = 0; adapter < sources.size(); adapter++) {
      Optional<Batches> source = sources.get(adapter);
      if (source.isPresent() && source.get().rows() > 0) {
        shares.add(new Share(adapter, source.get(), order, share(order.batchSize()), count));
      }
    }
    return new Joined(shares, Math.max(0, count - order.first()));
  }

  /** The batches of one source, over and over where rows are shuffled. */
  private static final class Share {
    private final int adapter;
    private final Batches source;
    private final BatchOrder order;
    private final int size;
    private final long count;
    private long next;
    private @Nullable Stream stream;

    Share(int adapter, Batches source, BatchOrder order, int size, long epochLength) {
      this.adapter = adapter;
      this.source = source;
      this.order = order;
      this.size = size;
      this.count = source.count(size);
      this.next = (order.shuffled() ? order.epoch() * epochLength : 0) + order.first();
    }

    /** Null where a sequential source has ended. */
    @Nullable Batch next() {
      if (!order.shuffled() && next >= count) {
        return null;
      }
      if (stream == null || next % count == 0) {
        close();
        int epoch = order.shuffled() ? Math.toIntExact(next / count) : order.epoch();
        stream =
            source.open(new BatchOrder(size, order.shuffled(), order.seed(), epoch, next % count));
      }
      next++;
      return stream.next();
    }

    void close() {
      if (stream != null) {
        stream.close();
      }
    }
  }

  private final class Joined implements Stream {
    private final List<Share> shares;
    private long left;

    Joined(List<Share> shares, long left) {
      this.shares = shares;
      this.left = left;
    }

    @Override
    public boolean hasNext() {
      return left > 0;
    }

    @Override
    public Batch next() {
      if (left == 0) {
        throw new NoSuchElementException("the epoch has ended");
      }
      left--;
      List<Batch> batches = new ArrayList<>();
      List<Integer> adapters = new ArrayList<>();
      for (Share share : shares) {
        Batch batch = share.next();
        if (batch != null) {
          batches.add(batch);
          adapters.add(share.adapter);
        }
      }
      return join(batches, adapters);
    }

    @Override
    public void close() {
      shares.forEach(Share::close);
    }
  }

  private Batch join(List<Batch> batches, List<Integer> adapters) {
    int rows = batches.stream().mapToInt(Batch::rows).sum();
    long[] adapter = new long[rows];
    int at = 0;
    for (int i = 0; i < batches.size(); i++) {
      Arrays.fill(adapter, at, at + batches.get(i).rows(), adapters.get(i));
      at += batches.get(i).rows();
    }
    Map<String, Tensor> tensors = new HashMap<>();
    tensors.put(LanguageEncoding.ADAPTER, Tensor.ofLongs(adapter, rows));
    for (String name : batches.get(0).tensors().keySet()) {
      if (!name.equals(Batch.EXAMPLE)) {
        tensors.put(name, below(batches, name, rows));
      }
    }
    return new Batch(tensors, rows, batches.stream().mapToLong(Batch::scored).sum());
  }

  /** The rows of all batches, one below the other, filled up to the longest. */
  private Tensor below(List<Batch> batches, String name, int rows) {
    List<Tensor> parts = new ArrayList<>();
    for (Batch batch : batches) {
      Tensor part = batch.tensors().get(name);
      if (part == null) {
        throw new IllegalStateException("batches must have the same tensors, one lacks " + name);
      }
      parts.add(part);
    }
    int length = parts.stream().mapToInt(part -> (int) part.size(1)).max().orElse(0);
    long[] all = new long[Math.multiplyExact(rows, length)];
    Arrays.fill(all, filler(name));
    int row = 0;
    for (Tensor part : parts) {
      long[] values = part.longs();
      int width = (int) part.size(1);
      for (int r = 0; r < part.size(0); r++, row++) {
        System.arraycopy(values, r * width, all, row * length, width);
      }
    }
    return Tensor.ofLongs(all, rows, length);
  }

  private long filler(String name) {
    return switch (name) {
      case LanguageEncoding.TOKENS -> paddingId;
      case Signature.TARGET -> LossOp.IGNORED;
      default -> 0;
    };
  }
}
