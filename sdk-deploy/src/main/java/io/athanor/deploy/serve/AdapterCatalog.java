package io.athanor.deploy.serve;

import io.athanor.api.error.NotFoundException;
import io.athanor.api.registry.ModelVersion;
import io.athanor.model.format.PeftAdapter;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.function.Supplier;

/**
 * The low-rank adapters that a deployment of their base may be asked for, thousands of them: each
 * is read when it is first asked for. Adapters may come and go while it serves. Thread-safe.
 *
 * <pre>{@code
 * AdapterCatalog adapters = AdapterCatalog.of(8, "q_proj", "v_proj").add(polite).add(brief);
 * TextDeployment live = Deployments.inProcess().adapters(adapters).text(base);
 * live.generate(TextRequest.of("Hello").adapter("polite:2"));
 * }</pre>
 */
public final class AdapterCatalog {
  private static final int LISTED = 12;

  private final int rank;
  private final List<String> targets;
  private final ConcurrentSkipListMap<String, Entry> entries = new ConcurrentSkipListMap<>();
  private volatile int resident = 32;
  private volatile long memory = 256L << 20;

  /** An adapter that may be read; an identity of its own for each time it was added. */
  static final class Entry {
    final String name;
    private final Supplier<AdapterPaths> source;

    Entry(String name, Supplier<AdapterPaths> source) {
      this.name = name;
      this.source = source;
    }

    AdapterPaths read() {
      return source.get();
    }
  }

  private AdapterCatalog(int rank, List<String> targets) {
    this.rank = rank;
    this.targets = targets;
  }

  /**
   * An empty catalog. Rank and layers say how much room each adapter gets in the engine.
   *
   * @param rank the largest of any adapter, 1 to 1,024; those of a smaller rank fit too
   * @param targets names or ends of names of the linear layers that adapters may change, such as
   *     {@code q_proj}; an adapter need not change all of them
   */
  public static AdapterCatalog of(int rank, String... targets) {
    if (rank < 1 || rank > 1_024) {
      throw new IllegalArgumentException("rank must be 1 to 1024, got " + rank);
    }
    if (targets.length == 0 || Arrays.stream(targets).anyMatch(String::isBlank)) {
      throw new IllegalArgumentException(
          "targets must be names of layers, at least one, got " + Arrays.toString(targets));
    }
    return new AdapterCatalog(rank, List.of(targets));
  }

  /**
   * How many adapters stay ready in the engine, 1 to 65,536; 32 unless set. A deployment keeps at
   * least as many as its batches have rows.
   */
  public AdapterCatalog resident(int adapters) {
    if (adapters < 1 || adapters > 65_536) {
      throw new IllegalArgumentException("adapters must be 1 to 65536, got " + adapters);
    }
    resident = adapters;
    return this;
  }

  /**
   * How many bytes of further adapters, those used last, stay in memory so that they need not be
   * read again; at least 0; 256 MiB unless set.
   */
  public AdapterCatalog memory(long bytes) {
    if (bytes < 0) {
      throw new IllegalArgumentException("bytes must be at least 0, got " + bytes);
    }
    memory = bytes;
    return this;
  }

  /**
   * Adds a registered adapter by its {@code name:version}, in place of one of that name: a folder
   * of PEFT's, or a model tuned by LoRA, whose base is then read and compared too. Its files are
   * checked against the registry's digests when it is first asked for.
   */
  public AdapterCatalog add(ModelVersion version) {
    return put(version.id().toString(), () -> AdapterPaths.of(version));
  }

  /**
   * Adds an adapter by any name, in place of one of that name.
   *
   * @param name {@code name:version} if answers are to tell them apart; not blank
   * @param source asked when the adapter is first used, and again if it was dropped from memory
   */
  public AdapterCatalog add(String name, Supplier<PeftAdapter> source) {
    if (name.isBlank()) {
      throw new IllegalArgumentException("name must not be blank");
    }
    return put(name, () -> AdapterPaths.of(source.get()));
  }

  private AdapterCatalog put(String name, Supplier<AdapterPaths> source) {
    entries.put(name, new Entry(name, source));
    return this;
  }

  /** Takes an adapter out; requests that have begun go on. Tells whether it was there. */
  public boolean remove(String name) {
    return entries.remove(name) != null;
  }

  /** The names, in alphabetical order. */
  public List<String> names() {
    return List.copyOf(entries.keySet());
  }

  Entry entry(String name) {
    Entry entry = entries.get(name);
    if (entry == null) {
      throw new NotFoundException(
          "adapter '" + name + "'",
          entries.keySet().stream().limit(LISTED).toList(),
          entries.size() > LISTED
              ? "These are the first of " + entries.size() + "; adapters() lists all"
              : "Add it to the deployment's AdapterCatalog");
    }
    return entry;
  }

  int rank() {
    return rank;
  }

  int resident() {
    return resident;
  }

  long memory() {
    return memory;
  }

  /** Whether adapters may change a layer. */
  boolean targets(String layer) {
    return targets.stream().anyMatch(t -> layer.equals(t) || layer.endsWith("." + t));
  }

  @Override
  public String toString() {
    return entries.size() + " adapters of rank " + rank + " or less on " + targets;
  }
}
