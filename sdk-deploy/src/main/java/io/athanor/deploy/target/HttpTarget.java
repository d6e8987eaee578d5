package io.athanor.deploy.target;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.athanor.api.common.JsonFields;
import io.athanor.api.common.Secret;
import io.athanor.api.data.FeatureEncoding;
import io.athanor.api.data.LanguageEncoding;
import io.athanor.api.data.Task;
import io.athanor.api.deploy.LiveModel;
import io.athanor.api.deploy.ServedModel;
import io.athanor.api.error.ConflictException;
import io.athanor.api.error.NotFoundException;
import io.athanor.api.error.OutcomeUnknownException;
import io.athanor.api.error.StorageException;
import io.athanor.api.error.UnsupportedException;
import io.athanor.api.model.ModelArtifact;
import io.athanor.api.registry.ModelVersion;
import io.athanor.deploy.serve.EmbeddingDeployment;
import io.athanor.deploy.serve.TextDeployment;
import java.net.URI;
import java.time.Duration;
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

  private static final Duration TIMEOUT = Duration.ofMinutes(5);

  /** In which a server says nothing, since it reads a model. */
  private static final Duration LOADING = Duration.ofMinutes(30);

  private final URI server;
  private final Optional<Secret> token;
  private final RetryPolicy retries;
  private final Duration timeout;

  private HttpTarget(URI server, Optional<Secret> token, RetryPolicy retries, Duration timeout) {
    this.server = server;
    this.token = token;
    this.retries = retries;
    this.timeout = timeout;
  }

  /**
   * Names a server; nothing is sent yet.
   *
   * @param server for example {@code https://models.example.com}
   */
  public static HttpTarget at(URI server) {
    return new HttpTarget(
        RemoteServer.requireServer(server), Optional.empty(), RetryPolicy.standard(), TIMEOUT);
  }

  /** With an API key or a token, which anybody on the way can read unless the address is https. */
  public HttpTarget token(Secret bearer) {
    return new HttpTarget(server, Optional.of(bearer), retries, timeout);
  }

  /** How to repeat requests; {@link RetryPolicy#standard} unless set. */
  public HttpTarget retries(RetryPolicy policy) {
    return new HttpTarget(server, token, policy, timeout);
  }

  /**
   * How long an answer of a model may take in all, repetitions included: above 0, up to a day; 5
   * minutes unless set.
   */
  public HttpTarget timeout(Duration longest) {
    if (longest.isNegative() || longest.isZero() || longest.compareTo(Duration.ofDays(1)) > 0) {
      throw new IllegalArgumentException("longest must be above 0, up to 1 day, got " + longest);
    }
    return new HttpTarget(server, token, retries, longest);
  }

  /**
   * Has a server with a registry serve a version of it, in the place of the model's version that it
   * serves now. The files of its registry and of this version must be the same. Where the answer is
   * lost, the server is asked what it serves. It may take half an hour, whatever {@link
   * RetryPolicy} says.
   *
   * @return as {@link #open}, to ask it
   * @throws io.athanor.api.error.NotFoundException if the server has no registry
   * @throws io.athanor.api.error.ValidationException if its registry lacks the version
   * @throws ConflictException if its registry has another version of this number, or the model is
   *     not the server's to change
   * @throws OutcomeUnknownException if nobody can know whether it serves the version
   * @throws io.athanor.api.error.AthanorException as {@link #open}
   */
  public LiveModel deploy(ModelVersion version) {
    RemoteServer remote = remote();
    ObjectNode wish = JsonNodeFactory.instance.objectNode().put("model", version.id().toString());
    JsonFields plan = remote.call("POST", "/v1/deployments?plan=true").json(wish).send().fields();
    String files = plan.text("digest");
    if (!files.equals(version.digest().toString())) {
      throw new ConflictException(
          remote
              + " has other files for "
              + version.id()
              + ": "
              + files
              + " instead of "
              + version.digest()
              + "; deploy from the registry that it has",
          false);
    }
    try {
      remote
          .call("POST", "/v1/deployments")
          .json(wish)
          .effect(RemoteCall.Effect.SAME)
          .silentFor(LOADING)
          .send();
    } catch (OutcomeUnknownException e) {
      try {
        return open(version);
      } catch (ConflictException | NotFoundException | StorageException unproven) {
        e.addSuppressed(unproven);
        throw e;
      }
    }
    return open(version);
  }

  /**
   * A registered model of any kind as the server serves it: a {@link TextDeployment}, an {@link
   * EmbeddingDeployment} or, for rows, an {@link HttpDeployment}.
   *
   * @throws io.athanor.api.error.AthanorException as {@link #deployment(ServedModel)}
   */
  public LiveModel open(ModelVersion version) {
    ServedModel model = served(version);
    if (model.encoding() instanceof FeatureEncoding) {
      return deployment(model);
    }
    return model.task() instanceof Task.Embedding ? embedding(model) : text(model);
  }

  /**
   * A registered model of rows as the server serves it; its files here are checked first.
   *
   * @throws io.athanor.api.error.AthanorException as {@link #deployment(ServedModel)}
   */
  public HttpDeployment deployment(ModelVersion version) {
    return deployment(served(version));
  }

  /**
   * A model of rows as the server serves it: rows are checked here against the model's own schema
   * before they are sent, and answers are the model's, since name, version and weights are compared
   * first and each request names the version. Once the server has another one, has none, or answers
   * what nobody understands, asking it is a {@link io.athanor.api.error.BackendException}.
   *
   * @param model what is expected there, for example {@code here.model()}
   * @throws io.athanor.api.error.NotFoundException if the server does not serve the model
   * @throws ConflictException if it serves another version or other weights
   * @throws UnsupportedException if it is a language model
   * @throws io.athanor.api.error.AccessDeniedException if it wants another token
   * @throws StorageException if it cannot be reached
   */
  public HttpDeployment deployment(ServedModel model) {
    model.features();
    RemoteModel there = there(model);
    there.facts();
    return new HttpDeployment(there);
  }

  /**
   * A registered language model as the server serves it; its files here are checked first.
   *
   * @throws io.athanor.api.error.AthanorException as {@link #text(ServedModel)}
   */
  public TextDeployment text(ModelVersion version) {
    return text(served(version));
  }

  /**
   * A language model as the server serves it. A listener that wants no more, and cancelling, close
   * the connection, which ends the generation there; an answer that is cut off is a retryable
   * {@link io.athanor.api.error.BackendException}, and is not repeated once a piece of it has come.
   * The server tells how many tokens it gave but not which, so that {@link
   * io.athanor.model.generate.Generated#tokens} is empty; it takes neither watermarks nor requests
   * for likelihoods. Other than in this process, what it refuses about a prompt comes with the
   * answer.
   *
   * @param model what is expected there, for example {@code here.model()}
   * @throws UnsupportedException if it does not generate text
   * @throws io.athanor.api.error.AthanorException as {@link #deployment(ServedModel)}
   */
  public TextDeployment text(ServedModel model) {
    if (!(model.encoding() instanceof LanguageEncoding) || model.task() instanceof Task.Embedding) {
      throw new UnsupportedException(
          model + " says no text", "Open it as what it is, with open(version)");
    }
    RemoteModel there = there(model);
    return new HttpText(there, there.facts());
  }

  /**
   * A registered embedding model as the server serves it; its files here are checked first.
   *
   * @throws io.athanor.api.error.AthanorException as {@link #embedding(ServedModel)}
   */
  public EmbeddingDeployment embedding(ModelVersion version) {
    return embedding(served(version));
  }

  /**
   * An embedding model as the server serves it. Many texts go in several requests.
   *
   * @param model what is expected there, for example {@code here.model()}
   * @throws UnsupportedException if it gives no vectors
   * @throws io.athanor.api.error.AthanorException as {@link #deployment(ServedModel)}
   */
  public EmbeddingDeployment embedding(ServedModel model) {
    if (!(model.task() instanceof Task.Embedding)) {
      throw new UnsupportedException(
          model + " gives no vectors", "Open it as what it is, with open(version)");
    }
    RemoteModel there = there(model);
    return new HttpEmbedding(there, there.facts());
  }

  private RemoteServer remote() {
    return new RemoteServer(PRODUCT, server, token, retries);
  }

  private RemoteModel there(ServedModel model) {
    return new RemoteModel(remote(), model, timeout);
  }

  private static ServedModel served(ModelVersion version) {
    ModelArtifact artifact = version.artifact();
    return new ServedModel(
        version.name(),
        Integer.toString(version.number()),
        artifact.architecture(),
        artifact.weightsDigest(),
        artifact.encoding(),
        version.metrics());
  }
}
