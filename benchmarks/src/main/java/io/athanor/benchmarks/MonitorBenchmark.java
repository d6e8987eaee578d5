package io.athanor.benchmarks;

import io.athanor.api.common.Digest;
import io.athanor.api.data.BaselineSketch;
import io.athanor.api.data.Encoder;
import io.athanor.api.data.FeatureEncoding;
import io.athanor.api.data.Row;
import io.athanor.api.data.TargetEncoder;
import io.athanor.api.data.Traits;
import io.athanor.api.deploy.Answer;
import io.athanor.api.deploy.Deployment;
import io.athanor.api.deploy.DeploymentStats;
import io.athanor.api.deploy.ServedModel;
import io.athanor.api.model.Prediction;
import io.athanor.deploy.monitor.Asked;
import io.athanor.deploy.monitor.MonitoredDeployment;
import io.athanor.deploy.monitor.Monitoring;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Threads;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What watching adds to a request: a deployment that answers at once, alone and watched, rows of
 * twenty numbers, two threads. The monitor's own thread works beside them, as it does in life.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Fork(1)
@Threads(2)
@Warmup(iterations = 3, time = 2)
@Measurement(iterations = 5, time = 2)
public class MonitorBenchmark {
  private static final int COLUMNS = 20;

  private final Deployment plain = new Instant();
  private final Row row = row(new Random(1));
  private Optional<MonitoredDeployment> watched = Optional.empty();
  private Optional<MonitoredDeployment> timed = Optional.empty();

  /** Begins to watch. */
  @Setup
  public void watch() {
    Traits traits = Traits.of(Instant.MODEL.encoding());
    BaselineSketch sketch = new BaselineSketch();
    Random random = new Random(2);
    for (int i = 0; i < 10_000; i++) {
      traits.read(row(random), sketch);
    }
    watched = Optional.of(new Monitoring().baseline(Optional.of(sketch.baseline())).watch(plain));
    timed = Optional.of(new Monitoring().watch(plain));
  }

  /** Ends it. */
  @TearDown
  public void end() {
    watched.orElseThrow().close();
    timed.orElseThrow().close();
  }

  @Benchmark
  public Answer alone() {
    return plain.predict(row);
  }

  @Benchmark
  public Answer latenciesOnly() {
    return timed.orElseThrow().predict(row);
  }

  @Benchmark
  public Answer withDrift() {
    return watched.orElseThrow().predict(row);
  }

  @Benchmark
  public Asked<Answer> withDriftAndId() {
    return watched.orElseThrow().ask(row);
  }

  private static Row row(Random random) {
    Map<String, Double> cells = new HashMap<>();
    for (int i = 0; i < COLUMNS; i++) {
      cells.put("c" + i, random.nextGaussian());
    }
    return Row.of(cells);
  }

  /** Answers at once. */
  private static final class Instant implements Deployment {
    static final ServedModel MODEL =
        new ServedModel("instant", "1", "none", Digest.ofText(""), encoding(), Map.of());

    private static FeatureEncoding encoding() {
      List<Encoder> encoders = new ArrayList<>();
      for (int i = 0; i < COLUMNS; i++) {
        encoders.add(new Encoder.Standardize("c" + i, 0, 1));
      }
      return new FeatureEncoding(encoders, new TargetEncoder.Quantity("y", 0, 1), Optional.empty());
    }

    @Override
    public Answer predict(Row row) {
      return new Answer("instant", "1", new Prediction.Quantity(1), Duration.ZERO);
    }

    @Override
    public Answer predict(String text) {
      return predict(Row.of("c0", 0));
    }

    @Override
    public Answer predict(Map<String, ? extends @Nullable Object> cells) {
      return predict(Row.of(cells));
    }

    @Override
    public CompletableFuture<Answer> predictAsync(Row row) {
      return CompletableFuture.completedFuture(predict(row));
    }

    @Override
    public List<Answer> predictAll(List<Row> rows) {
      return rows.stream().map(this::predict).toList();
    }

    @Override
    public ServedModel model() {
      return MODEL;
    }

    @Override
    public DeploymentStats stats() {
      return new DeploymentStats(0, 0, 0, 0, 0, 0, Duration.ZERO, Duration.ZERO, Duration.ZERO);
    }

    @Override
    public void close() {}
  }
}
