package io.athanor.api.model;

import io.athanor.api.backend.Support;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.GraphException;
import io.athanor.api.error.UnsupportedException;
import io.athanor.api.error.ValidationException;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Function;

/**
 * A form in which other programs read models; the writers of such forms give it, and {@link Export}
 * takes it. Writing has two steps: first all that depends on the model is checked and made ready,
 * then it goes to disk. Immutable and thread-safe.
 */
public final class ExportFormat {
  private static final String REMEDY = "Mend what it names, or take another format";

  private final String name;
  private final Function<ModelArtifact, Prepared> preparation;

  /** A model made ready for a format: only the disk can refuse it. */
  @FunctionalInterface
  public interface Prepared {
    /**
     * Writes whole or not at all.
     *
     * @param target a file or a folder, as the format has it
     * @return the target, and files beside it that belong to it
     * @throws io.athanor.api.error.StorageException if it cannot be written
     */
    List<Path> writeTo(Path target);
  }

  private ExportFormat(String name, Function<ModelArtifact, Prepared> preparation) {
    this.name = name;
    this.preparation = preparation;
  }

  /**
   * A format.
   *
   * @param name for people, for example {@code "ONNX, INT8"}
   * @param preparation refuses what the format cannot hold by one of {@link UnsupportedException},
   *     {@link ValidationException}, {@link FormatException} and {@link GraphException}, and writes
   *     nothing
   */
  public static ExportFormat of(String name, Function<ModelArtifact, Prepared> preparation) {
    return new ExportFormat(name, preparation);
  }

  /** For people. */
  public String name() {
    return name;
  }

  /** Whether it can hold a model. Looks at all of the model and at no file. */
  public Support holds(ModelArtifact model) {
    try {
      prepare(model);
      return new Support.Supported();
    } catch (UnsupportedException e) {
      return new Support.Unsupported(e.reason(), e.remedy());
    }
  }

  /**
   * Makes a model ready to be written; writes nothing.
   *
   * @throws UnsupportedException if it cannot hold the model; says why and what to do
   */
  public Prepared prepare(ModelArtifact model) {
    try {
      return preparation.apply(model);
    } catch (UnsupportedException e) {
      throw refusal(e.reason(), e.remedy());
    } catch (ValidationException | FormatException | GraphException e) {
      throw refusal(e.getMessage(), REMEDY);
    }
  }

  private UnsupportedException refusal(String reason, String remedy) {
    return new UnsupportedException("as " + name + ": " + reason, remedy);
  }

  @Override
  public String toString() {
    return name;
  }
}
