package io.athanor.deploy.target;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.athanor.api.common.Digest;
import io.athanor.api.common.JsonFields;
import io.athanor.api.common.Secret;
import io.athanor.api.deploy.ServedModel;
import io.athanor.api.error.ConflictException;
import io.athanor.api.error.NotFoundException;
import io.athanor.api.error.OutcomeUnknownException;
import io.athanor.api.error.StorageException;
import io.athanor.api.model.ModelArtifact;
import io.athanor.api.registry.ModelVersion;
import java.net.URI;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Another Athanor server, reached through its REST API ({@code /v1/models}). Immutable and
 * thread-safe.
 *
 * <p>Asking a model changes nothing, so that requests are repeated as {@link RetryPolicy} has it if
 * the server cannot be reached or has too much to do.
 */
public final class HttpTarget {
  static final String PRODUCT = "the Athanor server";

  private final URI server;
  private final Optional<Secret> token;
  private final RetryPolicy retries;

  private HttpTarget(URI server, Optional<Secret> token, RetryPolicy retries) {
    this.server = server;
    this.token = token;
    this.retries = retries;
  }

  /**
   * Names a server; nothing is sent yet.
   *
   * @param server for example {@code https://models.example.com}
   */
  public static HttpTarget at(URI server) {
    return new HttpTarget(
        RemoteServer.requireServer(server), Optional.empty(), RetryPolicy.standard());
  }

  /** With an API key or a token, which anybody on the way can read unless the address is https. */
  public HttpTarget token(Secret bearer) {
    return new HttpTarget(server, Optional.of(bearer), retries);
  }

  /** How to repeat requests; {@link RetryPolicy#standard} unless set. */
  public HttpTarget retries(RetryPolicy policy) {
    return new HttpTarget(server, token, policy);
  }

  /**
   * Has a server with a registry serve a version of it, in the place of the model's version that it
   * serves now. The files of its registry and of this version must be the same. Where the answer is
   * lost, the server is asked what it serves.
   *
   * @throws io.athanor.api.error.NotFoundException if the server has no registry
   * @throws io.athanor.api.error.ValidationException if its registry lacks the version
   * @throws ConflictException if its registry has another version of this number, or the model is
   *     not the server's to change
   * @throws OutcomeUnknownException if nobody can know whether it serves the version
   * @throws io.athanor.api.error.AthanorException as {@link #deployment(ModelVersion)}
   */
  public HttpDeployment deploy(ModelVersion version) {
    RemoteServer remote = new RemoteServer(PRODUCT, server, token, retries);
    ObjectNode wish = JsonNodeFactory.instance.objectNode().put("model", version.id().toString());
    JsonFields plan = remote.call("POST", "/v1/deployments?plan=true").json(wish).send().fields();
    if (!digest(plan).equals(version.digest().toString())) {
      throw new ConflictException(
          remote
              + " has other files for "
              + version.id()
              + ": "
              + digest(plan)
              + " instead of "
              + version.digest()
              + "; deploy from the registry that it has",
          false);
    }
    try {
      remote.call("POST", "/v1/deployments").json(wish).effect(RemoteCall.Effect.SAME).send();
    } catch (OutcomeUnknownException e) {
      try {
        return deployment(version);
      } catch (ConflictException | NotFoundException | StorageException unproven) {
        e.addSuppressed(unproven);
        throw e;
      }
    }
    return deployment(version);
  }

  /**
   * A registered model as the server serves it; its files here are checked first.
   *
   * @throws io.athanor.api.error.NotFoundException if the server does not serve the model
   * @throws ConflictException if it serves another version or other weights
   * @throws io.athanor.api.error.UnsupportedException if it is a language model
   * @throws io.athanor.api.error.AccessDeniedException if it wants another token
   * @throws io.athanor.api.error.StorageException if it cannot be reached
   */
  public HttpDeployment deployment(ModelVersion version) {
    ModelArtifact artifact = version.artifact();
    return deployment(
        new ServedModel(
            version.name(),
            Integer.toString(version.number()),
            artifact.architecture(),
            artifact.weightsDigest(),
            artifact.featureEncoding(),
            version.metrics()));
  }

  /**
   * A model as the server serves it: rows are checked here against the model's own schema before
   * they are sent, and answers are the model's, since name, version and weights are compared first.
   *
   * @param model what is expected there, for example {@code here.model()}
   * @throws io.athanor.api.error.NotFoundException if the server does not serve the model
   * @throws ConflictException if it serves another version or other weights
   * @throws io.athanor.api.error.UnsupportedException if it is a language model
   * @throws io.athanor.api.error.AccessDeniedException if it wants another token
   * @throws io.athanor.api.error.StorageException if it cannot be reached
   */
  public HttpDeployment deployment(ServedModel model) {
    model.features();
    RemoteServer remote = new RemoteServer(PRODUCT, server, token, retries);
    JsonFields facts =
        remote.call("GET", "/v1/models/" + RemoteServer.path(model.name())).send().fields();
    List<String> differences = new ArrayList<>();
    compare(differences, "version", model.version(), facts.text("version"));
    compare(differences, "weights", model.weights().toString(), digest(facts));
    if (!differences.isEmpty()) {
      throw new ConflictException(
          remote
              + " serves another '"
              + model.name()
              + "': "
              + String.join(", ", differences)
              + "; deploy the one you mean there, or ask for the one that is there",
          false);
    }
    return new HttpDeployment(remote, model);
  }

  private static String digest(JsonFields facts) {
    String given = facts.text("digest");
    return given.startsWith("sha256:") ? given : facts.checked(() -> new Digest(given)).toString();
  }

  private static void compare(List<String> differences, String what, String right, String given) {
    if (!right.equals(given)) {
      differences.add(what + " " + given + " instead of " + right);
    }
  }
}
