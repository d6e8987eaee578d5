package io.athanor.api.model;

import io.athanor.api.error.ConflictException;
import io.athanor.api.error.StorageException;
import io.athanor.api.error.UnsupportedException;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * Writes a model for other programs, in one format or in several. A format that cannot hold the
 * model refuses it when it is named, so that nothing is written unless all can be:
 *
 * <pre>{@code
 * Export.of(model)
 *     .to(Path.of("model.onnx"), OnnxModel.format(OnnxPrecision.INT8))
 *     .to(Path.of("model.pt"), TorchScript.format())
 *     .write();
 * }</pre>
 *
 * <p>Nothing is ever replaced: a target must be absent. Immutable and thread-safe.
 */
public final class Export {
  private final ModelArtifact model;
  private final List<Target> targets;

  private record Target(Path path, ExportFormat format, ExportFormat.Prepared content) {}

  private Export(ModelArtifact model, List<Target> targets) {
    this.model = model;
    this.targets = List.copyOf(targets);
  }

  /** An export of a model, so far to nowhere. */
  public static Export of(ModelArtifact model) {
    return new Export(model, List.of());
  }

  /**
   * Names one more target, and checks it; {@link #write} writes.
   *
   * @param target a file, or a folder if the format is one; folders above it are made
   * @throws UnsupportedException if the format cannot hold the model; says why and what to do
   * @throws ConflictException if there is something already
   * @throws IllegalArgumentException if the target is, holds or lies in one that was named before
   */
  public Export to(Path target, ExportFormat format) {
    Path path = target.toAbsolutePath().normalize();
    for (Target other : targets) {
      if (path.startsWith(other.path()) || other.path().startsWith(path)) {
        throw new IllegalArgumentException(
            "target must lie apart from the others, got '" + path + "' and '" + other.path() + "'");
      }
    }
    requireAbsent(path);
    List<Target> more = new ArrayList<>(targets);
    more.add(new Target(path, format, format.prepare(model)));
    return new Export(model, more);
  }

  /**
   * Writes the targets one after the other, each whole or not at all.
   *
   * @return what was written, in the order in which it was named
   * @throws ConflictException if there is something at a target by now; nothing is written
   * @throws StorageException if a target cannot be written; those named before it are there
   */
  public List<Exported> write() {
    targets.forEach(target -> requireAbsent(target.path()));
    List<Exported> written = new ArrayList<>();
    for (Target target : targets) {
      List<Path> paths = target.content().writeTo(target.path());
      written.add(Exported.of(target.format().name(), target.path(), paths, model.weightsDigest()));
    }
    return List.copyOf(written);
  }

  private static void requireAbsent(Path path) {
    if (Files.exists(path, LinkOption.NOFOLLOW_LINKS)) {
      throw new ConflictException(
          path
              + ": there is something already, and an export replaces nothing; choose another path"
              + " or delete it",
          false);
    }
  }
}
