package io.athanor.api.model;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.athanor.api.common.AtomicFolder;
import io.athanor.api.common.Digest;
import io.athanor.api.common.JsonFields;
import io.athanor.api.data.Baseline;
import io.athanor.api.data.Encoding;
import io.athanor.api.data.LanguageEncoding;
import io.athanor.api.data.Task;
import io.athanor.api.data.Tokenizer;
import io.athanor.api.data.Tokenizers;
import io.athanor.api.error.AthanorException;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.NotFoundException;
import io.athanor.api.error.StorageException;
import io.athanor.api.error.UnsupportedException;
import io.athanor.api.error.ValidationException;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.GraphJson;
import io.athanor.api.graph.Weights;
import java.io.IOException;
import java.nio.charset.CharacterCodingException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;

/**
 * A {@link ModelArtifact} as a folder that other tools understand too: {@code athanor.json} (graph,
 * encoding, metrics, provenance, and the digest of every other file and of itself), {@code
 * config.json}, {@code model.safetensors}, {@code tokenizer.json} where there is text, {@code
 * labels.json} where there are labels, {@code chat_template.jinja} where it converses, {@code
 * baseline.json} where it is known what its rows were like in training, and {@code README.md}, the
 * model card, which alone may be edited.
 *
 * <p>Writing is whole or not at all. Reading trusts nothing: names and sizes are checked before a
 * file is opened, digests before it is understood, and the weights stay on disk, mapped into
 * memory. Nothing in the folder is ever executed; pickled weights are refused.
 */
public final class ArtifactFolder {
  /** The version this class writes, and the newest it reads. */
  public static final int FORMAT = 1;

  private static final String MAIN = "athanor.json";
  private static final String CONFIG = "config.json";
  private static final String WEIGHTS = "model.safetensors";
  private static final String TOKENIZER = "tokenizer.json";
  private static final String LABELS = "labels.json";
  private static final String TEMPLATE = "chat_template.jinja";
  private static final String BASELINE = "baseline.json";
  private static final String CARD = "README.md";
  private static final Set<String> NAMES =
      Set.of(CONFIG, WEIGHTS, TOKENIZER, LABELS, TEMPLATE, BASELINE);
  private static final String PICKLE = ".*\\.(pkl|pickle|bin|pt|pth|ckpt|joblib)";
  private static final long LARGEST_TEXT = 64L << 20;
  private static final String NO_DIGEST = "0".repeat(64);
  private static final String MODEL_TYPE = "model_type";
  private static final ObjectMapper JSON = new ObjectMapper();

  private ArtifactFolder() {}

  /**
   * Writes a model.
   *
   * @param folder must be absent or empty
   * @throws io.athanor.api.error.ConflictException if there is something already; it is untouched
   * @throws ValidationException if a metric is not finite
   * @throws StorageException if it cannot be written; nothing stays behind
   */
  public static void write(ModelArtifact model, Path folder) {
    requireFinite(model.metrics());
    AtomicFolder.write(folder, temporary -> fill(model, temporary));
  }

  private static void requireFinite(Map<String, Double> metrics) {
    List<String> problems =
        metrics.entrySet().stream()
            .filter(metric -> !Double.isFinite(metric.getValue()))
            .map(metric -> "metric '" + metric.getKey() + "' is " + metric.getValue())
            .toList();
    if (!problems.isEmpty()) {
      throw new ValidationException("model", problems);
    }
  }

  private static void fill(ModelArtifact model, Path folder) throws IOException {
    ObjectNode config = JSON.createObjectNode().put(MODEL_TYPE, model.architecture());
    config.setAll(JSON.<ObjectNode>valueToTree(new TreeMap<>(model.config())));
    Files.writeString(folder.resolve(CONFIG), config.toPrettyString());
    SafeTensors.write(folder.resolve(WEIGHTS), model.weights().tensors(), Map.of("format", "pt"));
    Optional<Tokenizer> tokenizer = model.encoding().tokenizer();
    if (tokenizer.isPresent()) {
      Files.writeString(folder.resolve(TOKENIZER), tokenizer.get().json());
    }
    if (model.task() instanceof Task.Classification task) {
      ArrayNode labels = JSON.createArrayNode();
      task.labels().forEach(labels::add);
      Files.writeString(folder.resolve(LABELS), labels.toPrettyString());
    }
    if (model.encoding() instanceof LanguageEncoding language
        && language.chatTemplate().isPresent()) {
      Files.writeString(folder.resolve(TEMPLATE), language.chatTemplate().get());
    }
    if (model.baseline().isPresent()) {
      Files.writeString(
          folder.resolve(BASELINE), BaselineJson.write(model.baseline().get()).toString());
    }
    Files.writeString(folder.resolve(CARD), ModelCard.write(model));
    String main = main(model, folder).toPrettyString();
    Files.writeString(
        folder.resolve(MAIN), main.replaceFirst(NO_DIGEST, Digest.ofText(main).hex()));
  }

  private static ObjectNode main(ModelArtifact model, Path folder) throws IOException {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.put("format", FORMAT).put("sha256", NO_DIGEST);
    json.put("architecture", model.architecture());
    ObjectNode metrics = json.putObject("metrics");
    model.metrics().forEach(metrics::put);
    json.set("encoding", EncodingJson.write(model.encoding()));
    json.set("provenance", ProvenanceJson.write(model.provenance()));
    ObjectNode files = json.putObject("files");
    for (String name : new TreeSet<>(NAMES)) {
      Path file = folder.resolve(name);
      if (Files.exists(file)) {
        files
            .putObject(name)
            .put("bytes", Files.size(file))
            .put("sha256", Digest.ofFile(file).hex());
      }
    }
    json.set("graph", GraphJson.write(model.graph()));
    return json;
  }

  /**
   * Reads a model.
   *
   * @throws NotFoundException if there is no such folder
   * @throws FormatException if a file is missing, damaged, too large or of an unknown version
   * @throws UnsupportedException if the folder holds pickled weights instead, or a tokenizer of
   *     another kind
   * @throws io.athanor.api.error.GraphException if graph and weights are sound but do not fit
   * @throws StorageException if it cannot be read
   */
  public static ModelArtifact read(Path folder) {
    if (!Files.isDirectory(folder)) {
      throw new NotFoundException("model folder " + folder, List.of(), "Check the path");
    }
    Path main = folder.resolve(MAIN);
    if (!Files.isRegularFile(main)) {
      throw notAModel(folder);
    }
    String text = text(main);
    JsonFields fields = JsonFields.parse(main.toString(), text);
    requireVersion(fields);
    requireUnchanged(fields, text);
    verifyFiles(folder, fields.object("files"));
    return model(folder, fields);
  }

  private static ModelArtifact model(Path folder, JsonFields fields) {
    String source = folder.resolve(MAIN).toString();
    String architecture = fields.text("architecture");
    JsonFields metrics = fields.object("metrics");
    Map<String, Double> values = new TreeMap<>();
    metrics.names().forEach(name -> values.put(name, metrics.number(name)));
    Path tokenizerFile = folder.resolve(TOKENIZER);
    Optional<Tokenizer> tokenizer =
        Files.exists(tokenizerFile)
            ? Optional.of(Tokenizers.read(tokenizerFile.toString(), text(tokenizerFile)))
            : Optional.empty();
    Path templateFile = folder.resolve(TEMPLATE);
    Optional<String> template =
        Files.exists(templateFile) ? Optional.of(text(templateFile)) : Optional.empty();
    Encoding encoding = EncodingJson.read(source, fields.node("encoding"), tokenizer, template);
    Graph graph = GraphJson.read(source, fields.node("graph"));
    Provenance provenance = ProvenanceJson.read(fields.object("provenance"));
    fields.requireNoMore();
    Weights weights = Weights.of(SafeTensors.readTensors(folder.resolve(WEIGHTS)));
    Path baselineFile = folder.resolve(BASELINE);
    Optional<Baseline> baseline =
        Files.exists(baselineFile)
            ? Optional.of(BaselineJson.read(baselineFile.toString(), text(baselineFile)))
            : Optional.empty();
    return new ModelArtifact(
            architecture,
            config(folder.resolve(CONFIG)),
            graph,
            weights,
            encoding,
            values,
            provenance)
        .withBaseline(baseline);
  }

  private static AthanorException notAModel(Path folder) {
    try (Stream<Path> files = Files.list(folder)) {
      Optional<Path> pickle =
          files.filter(f -> f.getFileName().toString().matches(PICKLE)).findFirst();
      if (pickle.isPresent()) {
        return new UnsupportedException(
            pickle.get() + " may be a pickle, and loading a pickle runs whatever code it holds",
            "Convert the model to safetensors with the tool that made it");
      }
    } catch (IOException e) {
      return unreadable(folder, e);
    }
    return new FormatException(
        folder.toString(),
        "the file " + MAIN + " is missing; expected a folder written by ArtifactFolder");
  }

  private static void requireVersion(JsonFields fields) {
    long format = fields.integer("format");
    if (format != FORMAT) {
      throw fields.fail(
          "expected format " + FORMAT + ", got " + format + "; read it with a newer version");
    }
  }

  private static void requireUnchanged(JsonFields fields, String text) {
    Digest expected = fields.digest("sha256");
    Digest actual = Digest.ofText(text.replaceFirst(expected.hex(), NO_DIGEST));
    if (!actual.equals(expected)) {
      throw fields.fail(
          "the content has " + actual + " and claims " + expected + "; it was changed or damaged");
    }
  }

  private static void verifyFiles(Path folder, JsonFields files) {
    for (String name : files.names()) {
      if (!NAMES.contains(name)) {
        throw files.fail(
            "expected only the files " + new TreeSet<>(NAMES) + ", got '" + name + "'");
      }
    }
    for (String name : new TreeSet<>(NAMES)) {
      boolean listed = files.has(name);
      boolean required = name.equals(CONFIG) || name.equals(WEIGHTS);
      if (listed != Files.isRegularFile(folder.resolve(name)) || (required && !listed)) {
        throw new FormatException(
            folder.toString(),
            listed || required
                ? "the file " + name + " is missing"
                : "there is a file " + name + " that " + MAIN + " does not list");
      }
      if (listed) {
        verify(folder.resolve(name), files.object(name));
      }
    }
  }

  private static void verify(Path file, JsonFields expected) {
    try {
      long bytes = Files.size(file);
      if (bytes != expected.integer("bytes")) {
        throw new FormatException(
            file.toString(),
            "expected " + expected.integer("bytes") + " bytes, got " + bytes + "; it was cut off");
      }
      Digest actual = Digest.ofFile(file);
      if (!actual.equals(expected.digest("sha256"))) {
        throw new FormatException(
            file.toString(),
            "the content has another digest than " + MAIN + " says; it is damaged");
      }
    } catch (IOException e) {
      throw unreadable(file, e);
    }
  }

  private static Map<String, Object> config(Path file) {
    JsonFields fields = JsonFields.parse(file.toString(), text(file));
    Map<String, Object> config = new LinkedHashMap<>();
    for (String name : fields.names()) {
      if (!name.equals(MODEL_TYPE)) {
        Object value = JSON.convertValue(fields.node(name), Object.class);
        if (value == null) {
          throw fields.fail("'" + name + "' must not be null");
        }
        config.put(name, value);
      }
    }
    return config;
  }

  private static String text(Path file) {
    try {
      long bytes = Files.size(file);
      if (bytes > LARGEST_TEXT) {
        throw new FormatException(
            file.toString(), "expected at most " + LARGEST_TEXT + " bytes, got " + bytes);
      }
      return Files.readString(file);
    } catch (CharacterCodingException e) {
      throw new FormatException(file.toString(), "not UTF-8 text", e);
    } catch (IOException e) {
      throw unreadable(file, e);
    }
  }

  private static StorageException unreadable(Path path, IOException e) {
    return new StorageException(path.toString(), "cannot be read (" + e + ")", e);
  }
}
