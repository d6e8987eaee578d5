package io.athanor.backend.dl4j;

import io.athanor.api.error.AthanorException;
import io.athanor.api.error.BackendException;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Function;

/** The programs of a model for the sizes it met last. */
final class Programs implements AutoCloseable {
  /** Sizes whose programs are kept. */
  static final int KEPT = 16;

  /** Most bytes of memory that programs keep between runs, all together. */
  private static final long MOST_BYTES = 128L << 20;

  private final Function<Map<String, Long>, Program> writer;
  private final Map<Map<String, Long>, Program> kept = new LinkedHashMap<>(KEPT, 0.75f, true);

  Programs(Function<Map<String, Long>, Program> writer) {
    this.writer = writer;
  }

  /** Runs the program of some sizes. */
  <T> T run(Map<String, Long> sizes, Call call, Program.Reader<T> reader) {
    try {
      return of(sizes).run(call, reader);
    } finally {
      releaseEldest();
    }
  }

  private void releaseEldest() {
    long bytes = kept.values().stream().mapToLong(Program::kept).sum();
    for (Program eldest : kept.values()) {
      if (bytes <= MOST_BYTES) {
        return;
      }
      bytes -= eldest.kept();
      eldest.release();
    }
  }

  private Program of(Map<String, Long> sizes) {
    Program program = kept.get(sizes);
    if (program == null) {
      program = write(sizes);
      kept.put(Map.copyOf(sizes), program);
      if (kept.size() > KEPT) {
        var eldest = kept.entrySet().iterator();
        eldest.next().getValue().close();
        eldest.remove();
      }
    }
    return program;
  }

  private Program write(Map<String, Long> sizes) {
    try {
      return writer.apply(sizes);
    } catch (AthanorException e) {
      throw e;
    } catch (RuntimeException e) {
      throw new BackendException(
          Dl4jBackendProvider.NAME,
          "no program for sizes " + sizes + "; smaller batches may help: " + e.getMessage(),
          e);
    }
  }

  @Override
  public void close() {
    kept.values().forEach(Program::close);
    kept.clear();
  }
}
