package io.athanor.registry.mlflow;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.athanor.api.common.JsonFields;
import io.athanor.api.common.Secret;
import io.athanor.api.error.AthanorException;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.NotFoundException;
import io.athanor.api.error.OutcomeUnknownException;
import io.athanor.api.error.StorageException;
import io.athanor.api.registry.Manifest;
import io.athanor.api.registry.ModelVersion;
import io.athanor.api.registry.VersionId;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * An MLflow server (2.3 or newer), reached through its REST API and its artifact proxy. Immutable
 * and thread-safe.
 *
 * <p>Requests that may be repeated are, four times in all with growing pauses, if the server cannot
 * be reached or is overloaded; redirections are not followed. Every method throws {@link
 * StorageException} if the server stays out of reach, {@link
 * io.athanor.api.error.AccessDeniedException} if it wants other credentials, {@link
 * io.athanor.api.error.ValidationException} with the server's own words if it refuses, and {@link
 * FormatException} if what answers is no MLflow server.
 */
public final class MlflowServer {
  private static final String API = "/api/2.0/mlflow/";
  private static final String EXPERIMENT = "athanor";
  private static final int MOST_ENTRIES = 10_000;
  private static final long MOST_BYTES = 64L << 30;
  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

  private final URI server;
  private final Optional<String> authorization;
  private final Duration timeout;
  private final Duration pause;
  private final long mostBytes;
  private final Rest rest;
  private final Artifacts artifacts;

  private MlflowServer(
      URI server,
      Optional<String> authorization,
      Duration timeout,
      Duration pause,
      long mostBytes) {
    this.server = server;
    this.authorization = authorization;
    this.timeout = timeout;
    this.pause = pause;
    this.mostBytes = mostBytes;
    this.rest = new Rest(server, authorization, timeout, pause);
    this.artifacts = new Artifacts(rest, server);
  }

  /**
   * Names a server; nothing is sent yet.
   *
   * @param server for example {@code http://localhost:5000}
   */
  public static MlflowServer at(URI server) {
    boolean http = "http".equals(server.getScheme()) || "https".equals(server.getScheme());
    if (!http || server.getHost() == null || server.getRawQuery() != null) {
      throw new IllegalArgumentException(
          "server must be an http or https address without a query, got '" + server + "'");
    }
    return new MlflowServer(
        server, Optional.empty(), Duration.ofSeconds(60), Duration.ofMillis(200), MOST_BYTES);
  }

  /** With a bearer token, which anybody on the way can read unless the address is https. */
  public MlflowServer token(Secret token) {
    return authorized("Bearer " + token.reveal());
  }

  /** With a name and a password, as MLflow's basic authentication wants them. */
  public MlflowServer account(String name, Secret password) {
    byte[] both = (name + ":" + password.reveal()).getBytes(StandardCharsets.UTF_8);
    return authorized("Basic " + Base64.getEncoder().encodeToString(both));
  }

  private MlflowServer authorized(String header) {
    return new MlflowServer(server, Optional.of(header), timeout, pause, mostBytes);
  }

  /** Waits this long for a silent server, a minute unless set. */
  public MlflowServer timeout(Duration silence) {
    requirePositive("silence", silence);
    return new MlflowServer(server, authorization, silence, pause, mostBytes);
  }

  /**
   * Waits this long before a second attempt, 0.2 s unless set, and twice as long before each next.
   */
  public MlflowServer pause(Duration first) {
    requirePositive("first", first);
    return new MlflowServer(server, authorization, timeout, first, mostBytes);
  }

  /** Takes no more than so many bytes for a version's files, 64 GiB unless set. */
  public MlflowServer atMost(long bytes) {
    if (bytes < 1) {
      throw new IllegalArgumentException("bytes must be at least 1, got " + bytes);
    }
    return new MlflowServer(server, authorization, timeout, pause, bytes);
  }

  private static void requirePositive(String parameter, Duration value) {
    if (value.isNegative() || value.isZero()) {
      throw new IllegalArgumentException(parameter + " must be positive, got " + value);
    }
  }

  /**
   * One version of a registered model.
   *
   * @throws NotFoundException if it is not there
   */
  public MlflowVersion version(String name, int number) {
    return found(
        "version " + number + " of " + name,
        rest.get(
            API + "model-versions/get", Map.of("name", name, "version", Integer.toString(number))));
  }

  /**
   * The version an alias points to.
   *
   * @throws NotFoundException if there is none
   */
  public MlflowVersion alias(String name, String alias) {
    String what = "alias '" + alias + "' of " + name;
    Rest.Answer answer =
        rest.get(API + "registered-models/alias", Map.of("name", name, "alias", alias));
    answer
        .refusal()
        .filter(refusal -> refusal.message().contains("alias"))
        .ifPresent(
            refusal -> {
              throw new NotFoundException(
                  what, List.of(), "The MLflow server said: " + refusal.message());
            });
    return found(what, answer);
  }

  private MlflowVersion found(String what, Rest.Answer answer) {
    JsonFields fields = accepted(what, answer);
    MlflowVersion version = only(fields, "model_version");
    return complete(version);
  }

  private JsonFields accepted(String what, Rest.Answer answer) {
    answer
        .refusal()
        .ifPresent(
            refusal -> {
              throw rest.refused(what, refusal);
            });
    return answer.fields();
  }

  /** With its metrics, and the place where its files are by now. */
  private MlflowVersion complete(MlflowVersion version) {
    String address =
        accepted(
                "files of " + version,
                rest.get(
                    API + "model-versions/get-download-uri",
                    Map.of("name", version.name(), "version", "" + version.number())))
            .text("artifact_uri");
    Map<String, Double> metrics = new TreeMap<>();
    version
        .run()
        .ifPresent(
            run -> {
              Rest.Answer answer = rest.get(API + "runs/get", Map.of("run_id", run));
              if (answer.refusal().isEmpty()) {
                metrics.putAll(VersionJson.metrics(place(), answer.fields()));
              }
            });
    return new MlflowVersion(
        version.name(),
        version.number(),
        version.description(),
        version.tags(),
        version.aliases(),
        version.run(),
        metrics,
        address);
  }

  private MlflowVersion only(JsonFields answer, String name) {
    return VersionJson.version(place(), answer.object(name));
  }

  private String place() {
    return server.toString();
  }

  /**
   * Fetches a version's files.
   *
   * @param folder absent or empty
   * @throws FormatException if a name is not a plain one, a length not the promised one, or there
   *     is more than the limit
   * @throws io.athanor.api.error.UnsupportedException if the server does not serve them
   */
  public void download(MlflowVersion version, Path folder) {
    artifacts.download(artifacts.path(version.source()), folder, mostBytes);
  }

  /**
   * Publishes a version: its files, description, tags, metrics, and aliases to point to it. The
   * registered model is made if it is not there. A version whose files are there already under the
   * same name is found by its digest and not published twice.
   *
   * @param aliases to point to it on the server
   * @return what the server has now
   * @throws OutcomeUnknownException if the server fell silent while it made the version; publish
   *     again after a while, which finds it if it was made
   */
  public MlflowVersion publish(ModelVersion version, String... aliases) {
    version.verify();
    createModel(version.name());
    MlflowVersion published = published(version).orElseGet(() -> create(version));
    for (String alias : aliases) {
      VersionId.requireName("alias", alias);
      ObjectNode body =
          JSON.objectNode()
              .put("name", published.name())
              .put("alias", alias)
              .put("version", Integer.toString(published.number()));
      accepted("alias '" + alias + "'", rest.post(API + "registered-models/alias", body));
    }
    return version(published.name(), published.number());
  }

  private void createModel(String name) {
    Rest.Answer answer =
        rest.post(API + "registered-models/create", JSON.objectNode().put("name", name));
    if (answer.refusal().filter(Rest.Refusal::exists).isEmpty()) {
      accepted("registered model " + name, answer);
    }
  }

  private Optional<MlflowVersion> published(ModelVersion version) {
    String filter =
        "name='"
            + version.name()
            + "' and tag.`"
            + MlflowVersion.DIGEST
            + "`='"
            + version.digest().hex()
            + "'";
    JsonFields found =
        accepted(
            "search for " + version,
            rest.get(API + "model-versions/search", Map.of("filter", filter, "max_results", "10")));
    return found.has("model_versions")
        ? found
            .objects("model_versions", MOST_ENTRIES, one -> VersionJson.version(place(), one))
            .stream()
            .filter(one -> version.digest().hex().equals(one.tags().get(MlflowVersion.DIGEST)))
            .findFirst()
        : Optional.empty();
  }

  private MlflowVersion create(ModelVersion version) {
    JsonFields run = startRun(version);
    String id = run.text("run_id");
    boolean done = false;
    try {
      String address = run.text("artifact_uri").replaceAll("/+$", "") + "/model";
      String path = artifacts.path(address);
      for (Manifest.Entry file : version.manifest().files()) {
        artifacts.upload(path + "/" + file.path(), version.folder().resolve(file.path()));
      }
      MlflowVersion created = createVersion(version, id, address);
      done = true;
      return created;
    } finally {
      endRun(id, done);
    }
  }

  private JsonFields startRun(ModelVersion version) {
    ObjectNode body =
        JSON.objectNode()
            .put("experiment_id", experiment())
            .put("run_name", version.name() + "-" + version.number())
            .put("start_time", version.created().at().toEpochMilli());
    body.set("tags", tags(version));
    JsonFields run =
        accepted("run for " + version, rest.post(API + "runs/create", body))
            .object("run")
            .object("info");
    ArrayNode metrics = JSON.arrayNode();
    version
        .metrics()
        .forEach(
            (name, value) ->
                metrics
                    .addObject()
                    .put("key", name)
                    .put("value", value)
                    .put("timestamp", version.created().at().toEpochMilli())
                    .put("step", 0));
    if (!metrics.isEmpty()) {
      ObjectNode log = JSON.objectNode().put("run_id", run.text("run_id"));
      log.set("metrics", metrics);
      accepted("metrics of " + version, rest.post(API + "runs/log-batch", log));
    }
    return run;
  }

  private String experiment() {
    Map<String, String> query = Map.of("experiment_name", EXPERIMENT);
    Rest.Answer answer = rest.get(API + "experiments/get-by-name", query);
    if (answer.refusal().filter(Rest.Refusal::missing).isPresent()) {
      Rest.Answer made =
          rest.post(API + "experiments/create", JSON.objectNode().put("name", EXPERIMENT));
      if (made.refusal().filter(Rest.Refusal::exists).isEmpty()) {
        return accepted("experiment " + EXPERIMENT, made).text("experiment_id");
      }
      answer = rest.get(API + "experiments/get-by-name", query);
    }
    return accepted("experiment " + EXPERIMENT, answer).object("experiment").text("experiment_id");
  }

  /** A run that stays open, or is called finished too early, harms nobody. */
  private void endRun(String id, boolean finished) {
    ObjectNode body =
        JSON.objectNode().put("run_id", id).put("status", finished ? "FINISHED" : "FAILED");
    try {
      rest.postOnce(API + "runs/update", body);
    } catch (AthanorException e) {
      // The version is there or the first failure is on its way to the caller.
    }
  }

  private MlflowVersion createVersion(ModelVersion version, String run, String source) {
    ObjectNode body =
        JSON.objectNode()
            .put("name", version.name())
            .put("source", source)
            .put("run_id", run)
            .put("description", version.notes().description());
    body.set("tags", tags(version));
    try {
      return only(
          accepted("publication of " + version, rest.postOnce(API + "model-versions/create", body)),
          "model_version");
    } catch (StorageException e) {
      Optional<MlflowVersion> made = published(version);
      if (made.isPresent()) {
        return made.get();
      }
      throw new OutcomeUnknownException(
          place()
              + ": the MLflow server failed while it made a version for "
              + version
              + ". Publish again after a while; it is not made twice",
          e);
    }
  }

  private static JsonNode tags(ModelVersion version) {
    Map<String, String> all = new TreeMap<>(version.notes().tags());
    all.put(MlflowVersion.DIGEST, version.digest().hex());
    all.put(MlflowVersion.VERSION, version.id().toString());
    version.notes().licence().ifPresent(licence -> all.put(MlflowVersion.LICENCE, licence));
    ArrayNode tags = JSON.arrayNode();
    all.forEach((key, value) -> tags.addObject().put("key", key).put("value", value));
    return tags;
  }

  /** The server's address. */
  @Override
  public String toString() {
    return "MLflow at " + server;
  }
}
