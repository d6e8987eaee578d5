package io.athanor.benchmarks;

import io.athanor.api.common.AtomicFolder;
import io.athanor.api.registry.ModelVersion;
import io.athanor.api.registry.Search;
import io.athanor.api.registry.VersionId;
import io.athanor.registry.ModelRegistry;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/** A registry with 100,000 versions of 1,000 models; see {@link RegistrySpeed}. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Fork(1)
@Warmup(iterations = 2, time = 2)
@Measurement(iterations = 5, time = 2)
public class RegistryBenchmark {
  private Path folder = Path.of("");
  private Path model = Path.of("");
  private Optional<ModelRegistry> open = Optional.empty();

  /** Fills a registry in a temporary folder. */
  @Setup(Level.Trial)
  public void fill() throws IOException {
    folder = Files.createTempDirectory("registry-benchmark");
    model = RegistrySpeed.smallModel(folder.resolve("model"));
    open = Optional.of(RegistrySpeed.filled(folder.resolve("registry")));
  }

  /** Removes it. */
  @TearDown(Level.Trial)
  public void remove() throws IOException {
    registry().close();
    AtomicFolder.delete(folder);
  }

  private ModelRegistry registry() {
    return open.orElseThrow();
  }

  @Benchmark
  public ModelVersion register() {
    return registry().registration("model-0001", model).register();
  }

  @Benchmark
  public ModelVersion alias() {
    return registry().alias("model-0500", "production");
  }

  @Benchmark
  public Optional<VersionId> aliasAt() {
    return registry().aliasAt("model-0500", "production", Instant.now());
  }

  @Benchmark
  public Map<String, VersionId> aliases() {
    return registry().aliases("model-0500");
  }

  @Benchmark
  public long searchByMetric() {
    return registry()
        .search(
            Search.all()
                .metricBetween("f1", 0.8, 0.81)
                .sortBy(new Search.Sort.ByMetric("f1", true)))
        .total();
  }

  @Benchmark
  public long searchByWords() {
    return registry().search(Search.all().text("subject77 kind5")).total();
  }

  @Benchmark
  public long searchByPrefix() {
    return registry().search(Search.namePrefix("model-05")).total();
  }

  @Benchmark
  public long searchByTag() {
    return registry().search(Search.all().tag("team", "team-77")).total();
  }
}
