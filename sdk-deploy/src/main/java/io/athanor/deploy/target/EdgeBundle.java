package io.athanor.deploy.target;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.athanor.api.backend.Precision;
import io.athanor.api.common.AtomicFile;
import io.athanor.api.common.AtomicFolder;
import io.athanor.api.common.Digest;
import io.athanor.api.common.JsonFields;
import io.athanor.api.data.LanguageEncoding;
import io.athanor.api.data.Task;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.StorageException;
import io.athanor.api.graph.Dim;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.Input;
import io.athanor.api.graph.TensorType;
import io.athanor.api.model.EncodingJson;
import io.athanor.api.model.ExportFormat;
import io.athanor.api.model.ModelArtifact;
import io.athanor.model.format.onnx.OnnxModel;
import io.athanor.model.format.onnx.OnnxPrecision;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/**
 * A model for devices without Java: ONNX in 8 bits, and a manifest with all that a program in any
 * language must know to use it. A folder, or one zip file with the same bytes for the same model.
 * The files are
 *
 * <ul>
 *   <li>{@code model.onnx}: operator set 17; large models have a second file beside it
 *   <li>{@code manifest.json}: inputs and outputs with element types and shapes, labels in the
 *       order of the outputs, how data become inputs, the memory of one pass, and bytes and SHA-256
 *       of every other file
 *   <li>{@code tokenizer.json}, where there is text, {@code chat_template.jinja}, where there are
 *       conversations, and {@code labels.txt}, where there are labels
 * </ul>
 *
 * Immutable and thread-safe.
 */
public final class EdgeBundle {
  /** The version of the manifest that this class writes, and the newest it reads. */
  public static final int FORMAT = 1;

  private static final String MANIFEST = "manifest.json";
  private static final String MODEL = "model.onnx";
  private static final int MOST_FILES = 100;
  private static final int LONGEST_MANIFEST = 64 << 20;
  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

  private final OnnxPrecision precision;
  private final boolean zipped;
  private final int rows;
  private final Consumer<Path> check;

  private EdgeBundle(OnnxPrecision precision, boolean zipped, int rows, Consumer<Path> check) {
    this.precision = precision;
    this.zipped = zipped;
    this.rows = rows;
    this.check = check;
  }

  /** A folder in 8 bits, for one row at a time. */
  public static EdgeBundle folder() {
    return new EdgeBundle(OnnxPrecision.INT8, false, 1, folder -> {});
  }

  /** A zip file in 8 bits, for one row at a time. */
  public static EdgeBundle zip() {
    return new EdgeBundle(OnnxPrecision.INT8, true, 1, folder -> {});
  }

  /** How numbers are stored; 8 bits unless set. */
  public EdgeBundle precision(OnnxPrecision stored) {
    return new EdgeBundle(stored, zipped, rows, check);
  }

  /** For how many rows at a time the memory is told; any number may be given there. */
  public EdgeBundle rows(int atOnce) {
    if (atOnce < 1) {
      throw new IllegalArgumentException("atOnce must be at least 1, got " + atOnce);
    }
    return new EdgeBundle(precision, zipped, atOnce, check);
  }

  /**
   * What must hold of the folder before it gets its name or is zipped, for example {@link
   * GoldenTranscript#readBy} with an ONNX runtime and a tolerance.
   *
   * @param demand throws if it does not
   */
  public EdgeBundle checkedBy(Consumer<Path> demand) {
    return new EdgeBundle(precision, zipped, rows, demand);
  }

  /** The format for {@link io.athanor.api.model.Export}; holds what {@link OnnxModel} holds. */
  public ExportFormat format() {
    ExportFormat onnx = OnnxModel.format(precision);
    return ExportFormat.of(
        "edge bundle, " + precision + (zipped ? ", zip" : ""),
        model -> {
          ExportFormat.Prepared prepared = onnx.prepare(model);
          return target -> {
            if (zipped) {
              zip(target, folder -> fill(model, prepared, folder));
            } else {
              AtomicFolder.write(target, folder -> fill(model, prepared, folder));
            }
            return List.of(target);
          };
        });
  }

  private void fill(ModelArtifact model, ExportFormat.Prepared onnx, Path folder)
      throws IOException {
    onnx.writeTo(folder.resolve(MODEL));
    if (model.encoding().tokenizer().isPresent()) {
      Files.writeString(
          folder.resolve("tokenizer.json"), model.encoding().tokenizer().get().json());
    }
    if (model.encoding() instanceof LanguageEncoding language
        && language.chatTemplate().isPresent()) {
      Files.writeString(folder.resolve("chat_template.jinja"), language.chatTemplate().get());
    }
    if (model.task() instanceof Task.Classification task) {
      Files.writeString(folder.resolve("labels.txt"), String.join("\n", task.labels()) + "\n");
    }
    Files.writeString(folder.resolve(MANIFEST), manifest(model, folder).toPrettyString() + "\n");
    check.accept(folder);
  }

  private ObjectNode manifest(ModelArtifact model, Path folder) throws IOException {
    ObjectNode json =
        JSON.objectNode()
            .put("format", FORMAT)
            .put("architecture", model.architecture())
            .put("weights", model.weightsDigest().hex())
            .put("precision", precision.name().toLowerCase(Locale.ROOT))
            .put("task", model.task().getClass().getSimpleName().toLowerCase(Locale.ROOT))
            .put("target", model.task().target());
    if (model.task() instanceof Task.Classification task) {
      task.labels().forEach(json.putArray("labels")::add);
    }
    Graph graph = model.graph().forPrediction();
    ArrayNode inputs = json.putArray("inputs");
    for (Input input : graph.inputs()) {
      describe(inputs.addObject(), input.name(), input.type());
    }
    ArrayNode outputs = json.putArray("outputs");
    graph
        .outputs()
        .forEach(
            (name, value) ->
                describe(
                    outputs.addObject(),
                    graph.hasInput(name) ? name + ".output" : name,
                    graph.type(value)));
    json.set("encoding", EncodingJson.write(model.encoding()));
    json.putObject("memory")
        .put("rows", rows)
        .put("tokens", ServingSizes.longest(model))
        .put("activationBytes", ServingSizes.memory(model, rows, Precision.F32).activations())
        .put("fileBytes", Files.size(folder.resolve(MODEL)));
    ArrayNode files = json.putArray("files");
    for (Path file : files(folder)) {
      files
          .addObject()
          .put("name", file.getFileName().toString())
          .put("bytes", Files.size(file))
          .put("sha256", Digest.ofFile(file).hex());
    }
    return json;
  }

  private static void describe(ObjectNode json, String name, TensorType type) {
    json.put("name", name).put("type", type.dtype().name().toLowerCase(Locale.ROOT));
    ArrayNode shape = json.putArray("shape");
    for (Dim dim : type.shape().dims()) {
      if (dim.fixed()) {
        shape.add(dim.offset());
      } else {
        shape.add(dim.toString());
      }
    }
  }

  private static List<Path> files(Path folder) throws IOException {
    try (Stream<Path> list = Files.list(folder)) {
      return list.sorted().toList();
    }
  }

  /** The same bytes for the same files: no times, names in order, nothing packed. */
  private static void zip(Path target, AtomicFolder.Content content) {
    ScratchFolder.during(
        folder -> {
          Path files = folder.resolve("bundle");
          AtomicFolder.write(files, content);
          List<Path> entries = files(files);
          AtomicFile.write(
              target,
              AtomicFile.streaming(
                  out -> {
                    ZipOutputStream zip = new ZipOutputStream(out);
                    for (Path file : entries) {
                      zip.putNextEntry(entry(file));
                      Files.copy(file, zip);
                      zip.closeEntry();
                    }
                    zip.finish();
                  }));
          return target;
        });
  }

  private static ZipEntry entry(Path file) throws IOException {
    CRC32 sum = new CRC32();
    byte[] buffer = new byte[1 << 16];
    try (var in = Files.newInputStream(file)) {
      for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
        sum.update(buffer, 0, n);
      }
    }
    ZipEntry entry = new ZipEntry(file.getFileName().toString());
    entry.setTimeLocal(LocalDateTime.of(1980, 1, 1, 0, 0));
    entry.setMethod(ZipEntry.STORED);
    entry.setSize(Files.size(file));
    entry.setCompressedSize(Files.size(file));
    entry.setCrc(sum.getValue());
    return entry;
  }

  /**
   * Checks every file of a bundle against its manifest.
   *
   * @param folder with a manifest
   * @return the manifest
   * @throws FormatException if a file is missing, differs or should not be there
   * @throws StorageException if a file cannot be read
   */
  public static JsonFields verify(Path folder) {
    Path file = folder.resolve(MANIFEST);
    try {
      if (!Files.isRegularFile(file) || Files.size(file) > LONGEST_MANIFEST) {
        throw new FormatException(folder.toString(), "expected a bundle with a " + MANIFEST);
      }
      JsonFields manifest = JsonFields.parse(file.toString(), Files.readString(file));
      if (manifest.smallInteger("format") > FORMAT) {
        throw manifest.fail("written by a newer version; update Athanor to read it");
      }
      Map<String, JsonFields> known = new TreeMap<>();
      manifest.objects("files", MOST_FILES, one -> known.put(one.text("name"), one));
      for (Path present : files(folder)) {
        String name = present.getFileName().toString();
        JsonFields facts = known.remove(name);
        if (facts == null && !name.equals(MANIFEST)) {
          throw manifest.fail("'" + name + "' should not be there");
        }
        if (facts != null
            && (Files.size(present) != facts.integer("bytes")
                || !Digest.ofFile(present).equals(facts.digest("sha256")))) {
          throw manifest.fail("'" + name + "' is not what was written; copy the bundle again");
        }
      }
      if (!known.isEmpty()) {
        throw manifest.fail("missing are " + known.keySet() + "; copy the bundle again");
      }
      return manifest;
    } catch (IOException | UncheckedIOException e) {
      throw new StorageException(folder.toString(), "cannot be read (" + e + ")", e);
    }
  }
}
