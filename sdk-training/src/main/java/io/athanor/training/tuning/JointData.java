package io.athanor.training.tuning;

import io.athanor.api.common.DType;
import io.athanor.api.common.Digest;
import io.athanor.api.common.Tensor;
import io.athanor.api.data.Batch;
import io.athanor.api.data.BatchOrder;
import io.athanor.api.data.Batches;
import io.athanor.api.data.DataProvenance;
import io.athanor.api.data.Encoding;
import io.athanor.api.data.LanguageEncoding;
import io.athanor.api.data.Signature;
import io.athanor.api.data.Tokenizer;
import io.athanor.api.data.TrainingData;
import io.athanor.api.error.ValidationException;
import io.athanor.api.graph.LossOp;
import io.athanor.api.graph.Weights;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * Data of several adapters that are trained at once. Every batch holds the same number of rows for
 * each, one adapter's after the other's, and a tensor {@code adapter} that says whose they are.
 * Where some data end first, the rest of the epoch's batches are smaller.
 *
 * <p>The loss is the mean over all scored elements of a batch, so an adapter's gradient is scaled
 * by its share of them. While shares stay the same, Adam is indifferent to that but for its
 * epsilon, and every adapter becomes what it would have become alone; where they vary from batch to
 * batch, that is only nearly so. A clipping norm is that of all adapters together.
 */
public final class JointData implements TrainingData {
  private final Map<String, TrainingData> parts;

  private JointData(Map<String, TrainingData> parts) {
    this.parts = parts;
  }

  /**
   * Puts data together.
   *
   * @param parts by name of the adapter, in the order of their numbers
   * @throws ValidationException if there are none, or if they are not encoded alike
   */
  public static JointData of(Map<String, TrainingData> parts) {
    if (parts.isEmpty()) {
      throw new ValidationException(
          "joint data", List.of("expected data for at least one adapter"));
    }
    return new JointData(new LinkedHashMap<>(parts));
  }

  private TrainingData first() {
    return parts.values().iterator().next();
  }

  /** The names of the adapters. */
  public String[] adapters() {
    return parts.keySet().toArray(String[]::new);
  }

  /**
   * @throws ValidationException if the data are not encoded alike
   */
  @Override
  public Encoding encoding() {
    Encoding encoding = first().encoding();
    List<String> problems = new ArrayList<>();
    parts.forEach(
        (name, data) -> {
          if (!data.encoding().equals(encoding) || data.packed() != first().packed()) {
            problems.add("the data of '" + name + "' are encoded in another way than the first");
          }
        });
    if (!problems.isEmpty()) {
      throw new ValidationException("joint data", problems);
    }
    return encoding;
  }

  @Override
  public JointData tokenizedBy(Tokenizer tokenizer) {
    Map<String, TrainingData> tokenized = new LinkedHashMap<>();
    parts.forEach((name, data) -> tokenized.put(name, data.tokenizedBy(tokenizer)));
    return new JointData(tokenized);
  }

  @Override
  public boolean packed() {
    return first().packed();
  }

  @Override
  public Batches train() {
    return joined(parts.values().stream().map(data -> Optional.of(data.train())).toList());
  }

  @Override
  public Optional<Batches> validation() {
    List<Optional<Batches>> each = parts.values().stream().map(TrainingData::validation).toList();
    return each.stream().allMatch(Optional::isEmpty) ? Optional.empty() : Optional.of(joined(each));
  }

  private Batches joined(List<Optional<Batches>> each) {
    long padding = encoding().tokenizer().map(Tokenizer::paddingId).orElse(0);
    return new JointBatches(each, padding);
  }

  @Override
  public DataProvenance provenance() {
    List<DataProvenance.Step> steps = new ArrayList<>();
    Map<String, Long> splits = new TreeMap<>();
    StringBuilder fingerprints = new StringBuilder();
    long rows = 0;
    for (Map.Entry<String, TrainingData> part : parts.entrySet()) {
      DataProvenance data = part.getValue().provenance();
      String name = part.getKey();
      fingerprints.append(name).append(data.fingerprint().hex()).append(data.seed()).append('\n');
      rows += data.rows();
      for (DataProvenance.Step step : data.steps()) {
        steps.add(
            new DataProvenance.Step(name + "/" + step.name(), step.detail(), step.fingerprint()));
      }
      data.splits().forEach((split, count) -> splits.put(name + "/" + split, count));
    }
    String source =
        parts.values().stream().map(d -> d.provenance().source()).collect(Collectors.joining(", "));
    return new DataProvenance(
        source,
        Digest.ofText(fingerprints.toString()),
        rows,
        steps,
        splits,
        first().provenance().seed());
  }

  private record JointBatches(List<Optional<Batches>> each, long padding) implements Batches {
    @Override
    public long rows() {
      return each.stream().flatMap(Optional::stream).mapToLong(Batches::rows).sum();
    }

    private int share(int batchSize) {
      if (batchSize % each.size() != 0) {
        throw new ValidationException(
            "joint data",
            List.of(
                "rows that go through the model at once must be a multiple of the "
                    + each.size()
                    + " adapters, got "
                    + batchSize));
      }
      return batchSize / each.size();
    }

    @Override
    public long count(int batchSize) {
      int share = share(batchSize);
      return each.stream()
          .flatMap(Optional::stream)
          .mapToLong(batches -> batches.count(share))
          .max()
          .orElse(0);
    }

    @Override
    public Stream open(BatchOrder order) {
      BatchOrder shared =
          new BatchOrder(
              share(order.batchSize()),
              order.shuffled(),
              order.seed(),
              order.epoch(),
              order.first());
      List<Optional<Stream>> streams = new ArrayList<>();
      each.forEach(batches -> streams.add(batches.map(of -> of.open(shared))));
      return new JointStream(streams, padding);
    }
  }

  private record JointStream(List<Optional<Batches.Stream>> streams, long padding)
      implements Batches.Stream {
    @Override
    public boolean hasNext() {
      return streams.stream().flatMap(Optional::stream).anyMatch(Batches.Stream::hasNext);
    }

    @Override
    public Batch next() {
      List<Map<String, Tensor>> batches = new ArrayList<>();
      List<Long> owners = new ArrayList<>();
      long scored = 0;
      for (int i = 0; i < streams.size(); i++) {
        if (streams.get(i).isPresent() && streams.get(i).get().hasNext()) {
          Batch batch = streams.get(i).get().next();
          batches.add(batch.tensors());
          for (int row = 0; row < batch.rows(); row++) {
            owners.add((long) i);
          }
          scored += batch.scored();
        }
      }
      Map<String, Tensor> joined = new LinkedHashMap<>();
      for (String name : batches.get(0).keySet()) {
        joined.put(name, joined(name, batches));
      }
      long[] adapter = owners.stream().mapToLong(Long::longValue).toArray();
      joined.put(LanguageEncoding.ADAPTER, Tensor.ofLongs(adapter, adapter.length));
      return new Batch(joined, adapter.length, scored);
    }

    /** One tensor under the other, the shorter sequences padded. */
    private Tensor joined(String name, Collection<Map<String, Tensor>> batches) {
      List<Tensor> parts = batches.stream().map(Weights::of).map(b -> b.tensor(name)).toList();
      Tensor first = parts.get(0);
      long[] shape = first.shape();
      shape[0] = parts.stream().mapToLong(part -> part.size(0)).sum();
      if (shape.length > 1) {
        shape[1] = parts.stream().mapToLong(part -> part.size(1)).max().orElse(0);
      }
      ByteBuffer bytes = Tensor.allocate(first.dtype(), Tensor.elements(shape));
      for (Tensor part : parts) {
        put(bytes, part, shape, filling(name, first.dtype()));
      }
      return Tensor.of(first.dtype(), bytes.flip(), shape);
    }

    private long filling(String name, DType dtype) {
      if (dtype != DType.I64) {
        return 0;
      }
      return name.equals(Signature.TARGET)
          ? LossOp.IGNORED
          : name.equals(LanguageEncoding.TOKENS) ? padding : 0;
    }

    private static void put(ByteBuffer to, Tensor part, long[] shape, long filling) {
      if (shape.length < 2) {
        to.put(part.bytes());
        return;
      }
      int perPosition = 1;
      for (int axis = 2; axis < shape.length; axis++) {
        perPosition *= Math.toIntExact(shape[axis]);
      }
      int real = Math.toIntExact(part.size(1) * perPosition * part.dtype().bytes());
      int missing = Math.toIntExact((shape[1] - part.size(1)) * perPosition);
      for (int row = 0; row < part.size(0); row++) {
        to.put(part.bytes().slice(row * real, real));
        for (int i = 0; i < missing; i++) {
          if (part.dtype() == DType.I64) {
            to.putLong(filling);
          } else {
            to.put(new byte[part.dtype().bytes()]);
          }
        }
      }
    }

    @Override
    public void close() {
      streams.forEach(stream -> stream.ifPresent(Batches.Stream::close));
    }
  }
}
