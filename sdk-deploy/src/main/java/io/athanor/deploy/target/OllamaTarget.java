package io.athanor.deploy.target;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.athanor.api.common.AtomicFolder;
import io.athanor.api.common.Digest;
import io.athanor.api.common.JsonFields;
import io.athanor.api.common.Secret;
import io.athanor.api.data.LanguageEncoding;
import io.athanor.api.data.Task;
import io.athanor.api.deploy.ServedModel;
import io.athanor.api.error.AthanorException;
import io.athanor.api.error.ConflictException;
import io.athanor.api.error.StorageException;
import io.athanor.api.error.UnsupportedException;
import io.athanor.api.error.ValidationException;
import io.athanor.api.model.ExportFormat;
import io.athanor.api.model.ModelArtifact;
import io.athanor.deploy.serve.TextDeployment;
import io.athanor.model.format.gguf.Gguf;
import io.athanor.model.format.gguf.GgufPrecision;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * An Ollama server, reached through its HTTP API as of version 0.6 ({@code /api/blobs}, {@code
 * /api/create} with {@code files}, {@code /api/show}, {@code /api/copy}, {@code /api/delete}).
 * Takes language models that GGUF holds, adapters merged into them: Ollama has stopped to take
 * adapters. Immutable and thread-safe.
 *
 * <p>A model is uploaded once, however often it is deployed; is created under another name first,
 * asked what a {@link GoldenTranscript} knows, and gets its name only if it says the same. So what
 * goes wrong leaves what was there as it was.
 */
public final class OllamaTarget {
  static final String PRODUCT = "Ollama";
  private static final Logger LOG = LoggerFactory.getLogger(OllamaTarget.class);
  private static final String WEIGHTS = "model.gguf";
  private static final String CANDIDATE = "-candidate";
  private static final String PART = "[A-Za-z0-9_][A-Za-z0-9_.-]{0,79}";
  private static final Pattern NAME =
      Pattern.compile("(" + PART + "/)*" + PART + "(:" + PART + ")?");
  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

  private final URI server;
  private final Optional<Secret> token;
  private final RetryPolicy retries;
  private final GgufPrecision precision;
  private final boolean replacing;

  private OllamaTarget(
      URI server,
      Optional<Secret> token,
      RetryPolicy retries,
      GgufPrecision precision,
      boolean replacing) {
    this.server = server;
    this.token = token;
    this.retries = retries;
    this.precision = precision;
    this.replacing = replacing;
  }

  /**
   * Names a server; nothing is sent yet.
   *
   * @param server for example {@code http://localhost:11434}
   */
  public static OllamaTarget at(URI server) {
    return new OllamaTarget(
        RemoteServer.requireServer(server),
        Optional.empty(),
        RetryPolicy.standard(),
        GgufPrecision.F16,
        false);
  }

  /** With a bearer token, for a proxy in front of Ollama, which itself asks for none. */
  public OllamaTarget token(Secret bearer) {
    return new OllamaTarget(server, Optional.of(bearer), retries, precision, replacing);
  }

  /** How to repeat requests; {@link RetryPolicy#standard} unless set. */
  public OllamaTarget retries(RetryPolicy policy) {
    return new OllamaTarget(server, token, policy, precision, replacing);
  }

  /** How matrices are stored; half precision unless set. */
  public OllamaTarget precision(GgufPrecision stored) {
    return new OllamaTarget(server, token, retries, stored, replacing);
  }

  /** Takes the place of another model of the same name, which is else refused. */
  public OllamaTarget replacing() {
    return new OllamaTarget(server, token, retries, precision, true);
  }

  /**
   * The files of a model for {@code ollama create -f Modelfile}: a folder with {@code model.gguf}
   * and {@code Modelfile}. Refuses what GGUF cannot hold, adapters that are not merged, and chat
   * templates that Ollama's cannot follow.
   */
  public static ExportFormat format(GgufPrecision precision) {
    ExportFormat weights = Gguf.format(precision);
    return ExportFormat.of(
        "Ollama folder, " + precision,
        model -> {
          LanguageEncoding encoding = encoding(model);
          String modelfile =
              OllamaTemplate.of(encoding).modelfile(WEIGHTS, encoding.contextLength());
          ExportFormat.Prepared prepared = weights.prepare(model);
          return folder -> {
            AtomicFolder.write(
                folder,
                inside -> {
                  prepared.writeTo(inside.resolve(WEIGHTS));
                  Files.writeString(inside.resolve("Modelfile"), modelfile);
                });
            return List.of(folder);
          };
        });
  }

  private static LanguageEncoding encoding(ModelArtifact model) {
    if (model.encoding() instanceof LanguageEncoding language
        && model.task() instanceof Task.Generation) {
      return language;
    }
    throw new UnsupportedException(
        "Ollama generates text, and the model '" + model.architecture() + "' does not",
        "Deploy it to an Athanor server, or in a container");
  }

  /**
   * Brings a model there without asking it anything.
   *
   * @throws AthanorException as {@link #deploy(String, ModelArtifact, GoldenTranscript)}
   */
  public OllamaDeployment deploy(String name, ModelArtifact model) {
    return deploy(name, model, Optional.empty());
  }

  /**
   * Brings a model there, if it says the same there.
   *
   * @param name as Ollama has them, for example {@code "team/helper:2"}
   * @param golden asked before the model gets its name
   * @throws UnsupportedException if Ollama cannot hold the model or its chat template; nothing is
   *     sent
   * @throws ConflictException if there is another model of this name, unless {@link #replacing}
   * @throws ValidationException if it does not say the same, or Ollama refuses it; it gets no name
   * @throws io.athanor.api.error.AccessDeniedException if the server wants another token
   * @throws io.athanor.api.error.OutcomeUnknownException if nobody can know whether it got its name
   * @throws StorageException if the server cannot be reached, or a disk is full here or there
   */
  public OllamaDeployment deploy(
      String name, ModelArtifact model, GoldenTranscript<TextDeployment> golden) {
    return deploy(name, model, Optional.of(golden));
  }

  private OllamaDeployment deploy(
      String name, ModelArtifact model, Optional<GoldenTranscript<TextDeployment>> golden) {
    String full = requireName(name);
    LanguageEncoding encoding = encoding(model);
    OllamaTemplate template = OllamaTemplate.of(encoding);
    ExportFormat.Prepared prepared = Gguf.format(precision).prepare(model);
    RemoteServer remote = new RemoteServer(PRODUCT, server, token, retries);
    ServedModel served =
        new ServedModel(
            name,
            model.weightsDigest().brief(),
            model.architecture(),
            model.weightsDigest(),
            encoding,
            model.metrics());
    Digest weights = upload(remote, prepared);
    OllamaDeployment live = new OllamaDeployment(remote, full, served);
    if (!isFree(remote, full, weights, template)) {
      golden.ifPresent(transcript -> transcript.require(live));
      return live;
    }
    String candidate = full + CANDIDATE;
    boolean created = false;
    try {
      create(remote, candidate, weights, template, encoding.contextLength());
      created = true;
      golden.ifPresent(
          transcript -> transcript.require(new OllamaDeployment(remote, candidate, served)));
      ObjectNode copy = JSON.objectNode().put("source", candidate).put("destination", full);
      remote.call("POST", "/api/copy").json(copy).effect(RemoteCall.Effect.SAME).send();
    } finally {
      if (created) {
        forget(remote, candidate);
      }
    }
    return live;
  }

  private static String requireName(String name) {
    if (!NAME.matcher(name).matches()) {
      throw new IllegalArgumentException(
          "name must be of letters, digits, dots, dashes and underscores, with '/' and one ':'"
              + " between them, got '"
              + name
              + "'");
    }
    return name.contains(":") ? name : name + ":latest";
  }

  private static Digest upload(RemoteServer remote, ExportFormat.Prepared prepared) {
    return ScratchFolder.during(
        folder -> {
          Path file = folder.resolve(WEIGHTS);
          prepared.writeTo(file);
          Digest digest = Digest.ofFile(file);
          String path = "/api/blobs/" + digest;
          if (remote.call("HEAD", path).accept(404).send().status() == 404) {
            remote.call("POST", path).file(file, 0, Files.size(file)).send();
          }
          return digest;
        });
  }

  /** Whether the model must be created; not if it is there already. */
  private boolean isFree(
      RemoteServer remote, String name, Digest weights, OllamaTemplate template) {
    Reply shown =
        remote
            .call("POST", "/api/show")
            .json(JSON.objectNode().put("model", name))
            .accept(404)
            .send();
    if (shown.status() == 404) {
      return true;
    }
    JsonFields facts = shown.fields();
    boolean same =
        facts.text("modelfile").contains("sha256-" + weights.hex())
            && facts.has("template")
            && facts.text("template").equals(template.text());
    if (!same && !replacing) {
      throw new ConflictException(
          remote
              + " has another model '"
              + name
              + "'; choose another name, or say replacing() to take its place",
          false);
    }
    return !same;
  }

  private static void create(
      RemoteServer remote,
      String name,
      Digest weights,
      OllamaTemplate template,
      int contextLength) {
    ObjectNode body = JSON.objectNode().put("model", name).put("stream", false);
    body.putObject("files").put(WEIGHTS, weights.toString());
    body.put("template", template.text());
    ObjectNode parameters = body.putObject("parameters").put("num_ctx", contextLength);
    if (!template.stops().isEmpty()) {
      ArrayNode stops = parameters.putArray("stop");
      template.stops().forEach(stops::add);
    }
    Reply reply = remote.call("POST", "/api/create").json(body).send();
    JsonFields answer = reply.fields();
    if (!answer.has("status") || !answer.text("status").equals("success")) {
      throw new ValidationException(
          "model for " + remote, List.of("it answered '" + reply.message() + "'"));
    }
  }

  private static void forget(RemoteServer remote, String name) {
    try {
      remote
          .call("DELETE", "/api/delete")
          .json(JSON.objectNode().put("model", name))
          .accept(404)
          .send();
    } catch (AthanorException e) {
      LOG.warn("{} keeps '{}', which can be deleted", remote, name, e);
    }
  }

  /**
   * Takes a model away; what is not there is fine. Other models keep what they share with it.
   *
   * @return whether it was there
   * @throws io.athanor.api.error.OutcomeUnknownException if nobody can know whether it is gone
   * @throws StorageException if the server cannot be reached
   */
  public boolean delete(String name) {
    RemoteServer remote = new RemoteServer(PRODUCT, server, token, retries);
    return remote
            .call("DELETE", "/api/delete")
            .json(JSON.objectNode().put("model", requireName(name)))
            .effect(RemoteCall.Effect.SAME)
            .accept(404)
            .send()
            .status()
        != 404;
  }

  /**
   * The names of the models there.
   *
   * @throws StorageException if the server cannot be reached
   */
  public List<String> models() {
    RemoteServer remote = new RemoteServer(PRODUCT, server, token, retries);
    return remote
        .call("GET", "/api/tags")
        .send()
        .fields()
        .objects("models", 100_000, model -> model.text("name"));
  }
}
