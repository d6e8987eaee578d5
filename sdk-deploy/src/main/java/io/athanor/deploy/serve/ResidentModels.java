package io.athanor.deploy.serve;

import io.athanor.api.common.DType;
import io.athanor.api.common.Tensor;
import io.athanor.api.deploy.LiveModel;
import io.athanor.api.error.AthanorException;
import io.athanor.api.error.BackendException;
import io.athanor.api.error.UnsupportedException;
import io.athanor.api.error.ValidationException;
import io.athanor.api.graph.Weights;
import io.athanor.api.model.ModelArtifact;
import io.athanor.api.registry.ModelVersion;
import io.athanor.api.registry.VersionId;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.function.Function;

/**
 * Registered models that are served when somebody asks for them. Each is checked against the
 * registry's digests, loaded and warmed up at its first use; together they stay below a budget of
 * memory: the one that was used longest ago makes room for another, but never while it is in use.
 * Callers that ask for a model at the same time load it once; what fails is told to all of them and
 * tried again by the next. Thread-safe.
 *
 * <pre>{@code
 * try (var loan = models.borrow(id, TextDeployment.class)) {
 *   loan.model().generate(request);
 * }
 * }</pre>
 */
public final class ResidentModels implements AutoCloseable {
  private final long budget;
  private final Function<VersionId, ModelVersion> registry;
  private final InProcess serving;

  /** In the order of their last use. Guarded by this. */
  private final Map<VersionId, Resident> residents = new LinkedHashMap<>(16, 0.75f, true);

  private long taken;
  private boolean closed;

  /** A model that is here or on its way. Its fields are guarded by the {@link ResidentModels}. */
  private static final class Resident {
    final CompletableFuture<LiveModel> live = new CompletableFuture<>();
    long bytes;
    int users;
  }

  private ResidentModels(
      long budget, Function<VersionId, ModelVersion> registry, InProcess serving) {
    this.budget = budget;
    this.registry = registry;
    this.serving = serving;
  }

  /**
   * No models yet.
   *
   * @param budget bytes that the weights of all models together may take, as the engine holds them:
   *     four for each number, one where it is quantised. What a pass through the engine needs comes
   *     on top
   * @param registry finds a version, for example {@code registry::version}; throws if there is none
   * @param serving how to serve each; not to be changed afterwards
   */
  public static ResidentModels within(
      long budget, Function<VersionId, ModelVersion> registry, InProcess serving) {
    if (budget < 1) {
      throw new IllegalArgumentException("budget must be at least 1 byte, got " + budget);
    }
    return new ResidentModels(budget, registry, serving);
  }

  /**
   * A model that stays until it is given back by {@link #close}. Not to be closed twice at the same
   * time; one after the other is fine.
   *
   * @param <T> what the model does
   */
  public static final class Loan<T extends LiveModel> implements AutoCloseable {
    private final T model;
    private final Runnable giveBack;
    private boolean given;

    private Loan(T model, Runnable giveBack) {
      this.model = model;
      this.giveBack = giveBack;
    }

    /** The model; not to be closed. */
    public T model() {
      return model;
    }

    /** Gives the model back; twice is fine. */
    @Override
    public void close() {
      if (!given) {
        given = true;
        giveBack.run();
      }
    }
  }

  /**
   * A model, loaded if it is not here.
   *
   * @param kind what it is to do: {@link InProcessDeployment}, {@link TextDeployment} or {@link
   *     EmbeddingDeployment}, or {@link LiveModel} for any
   * @throws UnsupportedException if the model does something else
   * @throws ValidationException if it alone is larger than the budget
   * @throws BackendException if there is no room as long as others are in use; retryable
   * @throws AthanorException if it cannot be found, checked or loaded
   * @throws IllegalStateException after {@link #close}
   */
  public <T extends LiveModel> Loan<T> borrow(VersionId id, Class<T> kind) {
    Resident resident;
    boolean first;
    synchronized (this) {
      if (closed) {
        throw new IllegalStateException("The resident models are closed");
      }
      resident = residents.get(id);
      first = resident == null;
      if (resident == null) {
        resident = new Resident();
        residents.put(id, resident);
      }
      resident.users++;
    }
    Resident used = resident;
    try {
      if (first) {
        load(id, used);
      }
      LiveModel live = used.live.join();
      if (!kind.isInstance(live)) {
        throw new UnsupportedException(
            live.model()
                + " is no "
                + kind.getSimpleName()
                + ", its task is "
                + live.model().task(),
            "Ask for what it does");
      }
      return new Loan<>(kind.cast(live), () -> giveBack(used));
    } catch (CompletionException e) {
      giveBack(used);
      throw e.getCause() instanceof RuntimeException cause ? cause : e;
    } catch (RuntimeException | Error e) {
      giveBack(used);
      throw e;
    }
  }

  private void load(VersionId id, Resident resident) {
    try {
      ModelVersion version = registry.apply(id);
      ModelArtifact artifact = version.artifact();
      makeRoom(id, resident, bytes(artifact.weights()));
      resident.live.complete(serving.open(version, artifact));
    } catch (RuntimeException | Error e) {
      synchronized (this) {
        residents.remove(id, resident);
        taken -= resident.bytes;
        resident.bytes = 0;
      }
      resident.live.completeExceptionally(e);
    }
  }

  private static long bytes(Weights weights) {
    return weights.tensors().values().stream().mapToLong(ResidentModels::bytes).sum();
  }

  private static long bytes(Tensor tensor) {
    return tensor.elements() * (tensor.dtype() == DType.I8 ? 1 : Float.BYTES);
  }

  /** Takes bytes of the budget, once enough models that nobody uses have gone. */
  private void makeRoom(VersionId id, Resident resident, long bytes) {
    if (bytes > budget) {
      throw new ValidationException(
          "memory for " + id,
          List.of("its weights take " + bytes + " bytes, and the budget is " + budget));
    }
    List<LiveModel> leaving = new ArrayList<>();
    synchronized (this) {
      for (var others = residents.values().iterator();
          taken + bytes > budget && others.hasNext(); ) {
        Resident other = others.next();
        if (other.users == 0) {
          taken -= other.bytes;
          leaving.add(other.live.join());
          others.remove();
        }
      }
      if (taken + bytes <= budget) {
        taken += bytes;
        resident.bytes = bytes;
      }
    }
    leaving.forEach(LiveModel::close);
    if (resident.bytes != bytes) {
      throw new BackendException(
          "models",
          id
              + " needs "
              + bytes
              + " bytes, and others in use leave too few of "
              + budget
              + "; try again later, or raise the budget",
          true);
    }
  }

  private synchronized void giveBack(Resident resident) {
    resident.users--;
  }

  /** The bytes of each model that is here, the one used longest ago first. */
  public synchronized Map<VersionId, Long> resident() {
    Map<VersionId, Long> bytes = new LinkedHashMap<>();
    residents.forEach((id, resident) -> bytes.put(id, resident.bytes));
    return bytes;
  }

  /** Loads no more models and closes those that are here, used or not; twice is fine. */
  @Override
  public void close() {
    List<Resident> all;
    synchronized (this) {
      closed = true;
      all = List.copyOf(residents.values());
      residents.clear();
      taken = 0;
    }
    for (Resident resident : all) {
      resident.live.thenAccept(LiveModel::close).exceptionally(problem -> null).join();
    }
  }
}
