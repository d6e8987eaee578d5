package io.athanor.backend.djl;

import io.athanor.api.error.BackendException;
import java.lang.ref.Cleaner;
import java.util.function.BiConsumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Reports models that were garbage-collected before they were closed, and frees their memory. */
final class LeakReporter {
  private static final Logger LOG = LoggerFactory.getLogger(LeakReporter.class);

  private final Cleaner cleaner = Cleaner.create();
  private final BiConsumer<String, Throwable> report;

  LeakReporter() {
    this(LOG::warn);
  }

  /**
   * @param report takes a message and where the model was made
   */
  LeakReporter(BiConsumer<String, Throwable> report) {
    this.report = report;
  }

  /** Watches a model whose memory is a scope. */
  void watch(Object model, String name, NativeScope scope) {
    Throwable site = new BackendException("djl", "model '" + name + "' was compiled here");
    BiConsumer<String, Throwable> to = report;
    cleaner.register(
        model,
        () -> {
          if (!scope.closed()) {
            to.accept(
                "Model '"
                    + name
                    + "' was dropped without close(); its native memory is freed only now."
                    + " Close it in a try statement",
                site);
            scope.close();
          }
        });
  }
}
