package io.athanor.server.serving;

import io.athanor.api.data.FeatureEncoding;
import io.athanor.api.deploy.Deployment;
import io.athanor.api.deploy.LiveModel;
import io.athanor.api.deploy.ServedModel;
import io.athanor.api.registry.Permission;
import io.athanor.deploy.input.RowReader;
import io.athanor.deploy.monitor.AlertChannel;
import io.athanor.deploy.monitor.Monitor;
import io.athanor.deploy.monitor.Monitored;
import io.athanor.deploy.serve.EmbeddingDeployment;
import io.athanor.deploy.serve.TextDeployment;
import io.athanor.server.access.Caller;
import io.athanor.server.http.HttpProblem;
import io.athanor.server.http.RandomId;
import java.time.Clock;
import java.time.Instant;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The models that a server answers for now, by name. Thread-safe. */
public final class ServedModels {
  private final ServerMetrics metrics;
  private final Clock clock;
  private final AlertChannel alerts;
  private volatile Map<String, Entry> entries = Map.of();

  /**
   * @param alerts is told of alerts of the models that are watched, while they are served
   */
  public ServedModels(ServerMetrics metrics, Clock clock, AlertChannel alerts) {
    this.metrics = metrics;
    this.clock = clock;
    this.alerts = alerts;
  }

  /**
   * A model that is served.
   *
   * @param live what answers
   * @param owned whether the server closes it
   * @param since when it was put into service
   * @param rows reads rows for it; absent for language models
   */
  public record Entry(LiveModel live, boolean owned, Instant since, Optional<RowReader> rows) {
    /** The model that answers. */
    public ServedModel model() {
      return live.model();
    }

    /** What it is asked for. */
    public String kind() {
      if (live instanceof TextDeployment) {
        return "text";
      }
      return live instanceof EmbeddingDeployment ? "embedding" : "rows";
    }

    /**
     * As something that predicts columns of rows.
     *
     * @throws HttpProblem 422 if it does not
     */
    Deployment deployment() {
      if (live instanceof Deployment deployment) {
        return deployment;
      }
      throw new HttpProblem(
          422, model() + " reads no rows; it is for " + kind() + ", ask it for that");
    }

    /**
     * As something that answers texts.
     *
     * @throws HttpProblem 422 if it does not
     */
    public TextDeployment text() {
      if (live instanceof TextDeployment text) {
        return text;
      }
      throw new HttpProblem(
              422, model() + " says no text; it is for " + kind() + ", ask it for that")
          .with("param", "model");
    }

    /**
     * As something that turns texts into vectors.
     *
     * @throws HttpProblem 422 if it does not
     */
    public EmbeddingDeployment embedding() {
      if (live instanceof EmbeddingDeployment embedding) {
        return embedding;
      }
      throw new HttpProblem(
              422, model() + " gives no vectors; it is for " + kind() + ", ask it for that")
          .with("param", "model");
    }

    /**
     * What watches it.
     *
     * @throws HttpProblem 404 if nothing does
     */
    public Monitor monitor() {
      if (live instanceof Monitored watched) {
        return watched.monitor();
      }
      throw new HttpProblem(
          404,
          model()
              + " is not watched; the application that serves it can have it watched"
              + " (Monitoring.watch)");
    }

    /** A name for an answer, for feedback; absent if nothing watches. */
    Optional<String> answerId() {
      return live instanceof Monitored ? Optional.of(RandomId.unguessable()) : Optional.empty();
    }
  }

  /**
   * A model somebody asks for.
   *
   * @param adapter the adapter on it that shall answer; absent for the model itself
   */
  public record Asked(Entry entry, Optional<String> adapter) {}

  /**
   * Serves a model, in place of one with the same name.
   *
   * @param owned whether {@link #closeOwned} closes it
   * @return what it replaced, which goes on answering requests it has
   */
  public synchronized Optional<Entry> put(LiveModel live, boolean owned) {
    Optional<RowReader> rows =
        live.model().encoding() instanceof FeatureEncoding features
            ? Optional.of(new RowReader(features))
            : Optional.empty();
    Map<String, Entry> next = new LinkedHashMap<>(entries);
    Entry before = next.put(live.model().name(), new Entry(live, owned, clock.instant(), rows));
    entries = Collections.unmodifiableMap(next);
    if (before != null) {
      forget(before);
    }
    metrics.watch(live);
    if (live instanceof Monitored watched) {
      watched.monitor().add(alerts);
    }
    return Optional.ofNullable(before);
  }

  /** Serves a model no longer; it is the caller's to close. */
  public synchronized Optional<Entry> remove(String name) {
    Map<String, Entry> next = new LinkedHashMap<>(entries);
    Entry before = next.remove(name);
    entries = Collections.unmodifiableMap(next);
    if (before != null) {
      forget(before);
    }
    return Optional.ofNullable(before);
  }

  private void forget(Entry entry) {
    metrics.forget(entry.live());
    if (entry.live() instanceof Monitored watched) {
      watched.monitor().remove(alerts);
    }
  }

  /** Those that somebody may read, in the order they came. */
  public List<Entry> readableBy(Caller caller) {
    return entries.values().stream()
        .filter(entry -> caller.may(Permission.READ, entry.model().name()))
        .toList();
  }

  /** All of them, in the order they came. */
  public List<Entry> all() {
    return List.copyOf(entries.values());
  }

  /** Whether a model of this name is served. */
  public Optional<Entry> named(String name) {
    return Optional.ofNullable(entries.get(name));
  }

  /**
   * The model with an id: its name, {@code name:version}, or {@code name:version} of an adapter
   * that one of them carries.
   *
   * @throws HttpProblem 404 if there is none, 403 if the caller may not read it
   */
  public Asked find(String id, Caller caller) {
    Asked asked = lookUp(id);
    if (asked == null) {
      List<String> available =
          readableBy(caller).stream().map(entry -> entry.model().name()).toList();
      throw new HttpProblem(
              404,
              "No model '"
                  + id
                  + "'; there is "
                  + (available.isEmpty() ? "none" : String.join(", ", available)))
          .with("available", available)
          .with("param", "model")
          .with("code", "model_not_found");
    }
    caller.require(Permission.READ, asked.entry().model().name());
    asked.adapter().ifPresent(name -> caller.require(Permission.READ, withoutVersion(name)));
    return asked;
  }

  /**
   * The model itself with an id; see {@link #find}.
   *
   * @throws HttpProblem 404 also if it is an adapter's
   */
  public Entry findModel(String id, Caller caller) {
    Asked asked = find(id, caller);
    if (asked.adapter().isPresent()) {
      throw new HttpProblem(
          404, "'" + id + "' is an adapter on " + asked.entry().model() + "; ask for that model");
    }
    return asked.entry();
  }

  private @Nullable Asked lookUp(String id) {
    Entry named = entries.get(id);
    if (named != null) {
      return new Asked(named, Optional.empty());
    }
    Entry versioned = entries.get(withoutVersion(id));
    if (versioned != null && versioned.model().toString().equals(id)) {
      return new Asked(versioned, Optional.empty());
    }
    for (Entry entry : entries.values()) {
      if (entry.live() instanceof TextDeployment text && text.adapters().contains(id)) {
        return new Asked(entry, Optional.of(id));
      }
    }
    return null;
  }

  private static String withoutVersion(String id) {
    int colon = id.lastIndexOf(':');
    return colon < 0 ? id : id.substring(0, colon);
  }

  /** Closes what the server opened, and serves nothing any more. */
  public synchronized void closeOwned() {
    List<Entry> last = all();
    entries = Map.of();
    last.forEach(this::forget);
    last.stream().filter(Entry::owned).forEach(entry -> entry.live().close());
  }
}
