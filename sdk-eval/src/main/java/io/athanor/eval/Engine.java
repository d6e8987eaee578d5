package io.athanor.eval;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.backend.Backends;
import io.athanor.api.model.ModelArtifact;
import io.athanor.api.model.Predictor;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * The backend an evaluation runs on: the given one, or the only one present, opened when needed.
 */
final class Engine implements AutoCloseable {
  private final Optional<Backend> given;
  private @Nullable Backend opened;

  Engine(Optional<Backend> given) {
    this.given = given;
  }

  Predictor predictor(ModelArtifact model) {
    return Predictor.of(model, backend());
  }

  Backend backend() {
    if (given.isPresent()) {
      return given.get();
    }
    if (opened == null) {
      opened = Backends.installed().only().open(BackendOptions.defaults());
    }
    return opened;
  }

  /** What changes numbers and speed. */
  Map<String, String> environment() {
    Map<String, String> facts = new TreeMap<>();
    Backend used = given.orElse(opened);
    if (used != null) {
      facts.put("backend", used.name());
      used.identity().forEach((name, value) -> facts.put("backend." + name, value));
    }
    String version = Engine.class.getPackage().getImplementationVersion();
    if (version != null) {
      facts.put("athanor", version);
    }
    facts.put("java", System.getProperty("java.vm.name") + " " + Runtime.version());
    facts.put(
        "os",
        System.getProperty("os.name")
            + " "
            + System.getProperty("os.version")
            + " "
            + System.getProperty("os.arch"));
    facts.put("processors", String.valueOf(Runtime.getRuntime().availableProcessors()));
    return facts;
  }

  @Override
  public void close() {
    if (opened != null) {
      opened.close();
    }
  }
}
