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

  private final Function<Map<String, Long>, Program> writer;
  private final Map<Map<String, Long>, Program> kept = new LinkedHashMap<>(KEPT, 0.75f, true);

  Programs(Function<Map<String, Long>, Program> writer) {
    this.writer = writer;
  }

  Program of(Map<String, Long> sizes) {
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
