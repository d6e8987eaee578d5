package io.athanor.model.format.onnx;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import io.athanor.api.common.JsonFields;
import io.athanor.api.common.Tensor;
import io.athanor.api.data.Task;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.GraphException;
import io.athanor.api.error.NotFoundException;
import io.athanor.api.error.StorageException;
import io.athanor.api.error.UnsupportedException;
import io.athanor.api.error.ValidationException;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.Weights;
import io.athanor.api.model.EncodingJson;
import io.athanor.api.model.ExportFormat;
import io.athanor.api.model.ModelArtifact;
import io.athanor.model.format.PretrainedModel;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/**
 * Models in ONNX, read and written without an ONNX runtime.
 *
 * <p>Reading gives the weights and the configuration of a BERT encoder (BERT, MiniLM, BGE, E5) out
 * of the file that PyTorch exported, in single or half precision. Names and shapes are Hugging
 * Face's. The graph itself is taken to be BERT's and is not run.
 *
 * <p>Writing takes every architecture. The file has operator set 17, holds the graph as far as it
 * predicts, and keeps the names of inputs and outputs (an output named like an input gets the
 * suffix {@code .output}); the sizes that vary, such as {@code batch} and {@code sequence}, stay
 * open. What turns data into inputs is not part of the graph: the metadata say it.
 *
 * <p>Nothing in a file that is read is trusted: every length is compared with the bytes that are
 * there. All but the transposed matrices share pages with the file, which must therefore not be cut
 * short in place, only replaced. All methods are thread-safe.
 *
 * @see <a href="https://github.com/onnx/onnx/blob/main/onnx/onnx.proto">The format</a>
 */
public final class OnnxModel {
  private static final long PROTOBUF_LIMIT = Integer.MAX_VALUE;

  private OnnxModel() {}

  /**
   * Reads a model, without a tokenizer.
   *
   * @throws FormatException if the content is not what the format promises
   * @throws UnsupportedException if it is no BERT encoder, quantised, 2 GiB or more, or keeps its
   *     weights in other files
   * @throws NotFoundException if there is no such file
   * @throws StorageException if it cannot be read
   */
  public static PretrainedModel read(Path onnx) {
    return read(onnx, Optional.empty(), Map.of());
  }

  /**
   * Reads a model with its {@code tokenizer.json}, of which the special tokens are BERT's where it
   * has them.
   *
   * @throws FormatException if the content is not what the formats promise
   * @throws UnsupportedException if it is no BERT encoder, quantised, 2 GiB or more, or keeps its
   *     weights in other files
   * @throws NotFoundException if one of the files is not there
   * @throws StorageException if one cannot be read
   */
  public static PretrainedModel read(Path onnx, Path tokenizerJson) {
    try {
      String text = Files.readString(tokenizerJson);
      Set<String> tokens = new HashSet<>();
      JsonFields.tree(tokenizerJson.toString(), text)
          .path("added_tokens")
          .forEach(token -> tokens.add(token.path("content").asText()));
      Map<String, String> roles =
          Map.of(
              "cls_token", "[CLS]",
              "sep_token", "[SEP]",
              "pad_token", "[PAD]",
              "unk_token", "[UNK]",
              "mask_token", "[MASK]");
      Map<String, String> present = new TreeMap<>(roles);
      present.values().retainAll(tokens);
      return read(onnx, Optional.of(text), present);
    } catch (NoSuchFileException e) {
      throw new NotFoundException("file " + tokenizerJson, List.of(), "Check the path");
    } catch (IOException e) {
      throw new StorageException(tokenizerJson.toString(), "cannot be read (" + e + ")", e);
    }
  }

  private static PretrainedModel read(
      Path onnx, Optional<String> tokenizer, Map<String, String> specialTokens) {
    BertExport export = new BertExport(OnnxGraph.read(onnx));
    Map<String, Tensor> tensors = export.tensors();
    return new PretrainedModel(
        onnx.toString(),
        export.config(tensors),
        tensors,
        tokenizer,
        Optional.empty(),
        specialTokens);
  }

  /**
   * The format for {@link io.athanor.api.model.Export}. It holds every architecture, unless an
   * input is neither F32 nor I64, a parameter has 2 GiB or more, the graph has an operation without
   * counterpart, or the precision has nothing to do or meets a weight that is not finite.
   *
   * <p>The metadata of a file are {@code athanor.architecture}, {@code athanor.weights} (the
   * digest), {@code athanor.task}, {@code athanor.target}, {@code athanor.labels} (in the order of
   * the logits, as JSON) and {@code athanor.encoding} (how rows or texts become inputs, as JSON).
   *
   * <p>Where the file would have 2 GiB or more, the weights go to a second file beside it, named
   * after it and the digest; both must be kept together.
   */
  public static ExportFormat format(OnnxPrecision precision) {
    return ExportFormat.of("ONNX, " + precision, model -> prepared(model, precision));
  }

  /**
   * Writes a trained model whole or not at all, as {@link #format} has it.
   *
   * @param file is replaced if there is one
   * @throws UnsupportedException if ONNX or the precision cannot hold the model; says why
   * @throws ValidationException if a weight for 8 bits is not finite
   * @throws StorageException if it cannot be written
   */
  public static void write(Path file, ModelArtifact model, OnnxPrecision precision) {
    prepared(model, precision).writeTo(file);
  }

  private static ExportFormat.Prepared prepared(ModelArtifact model, OnnxPrecision precision) {
    Map<String, String> properties = new LinkedHashMap<>();
    properties.put("athanor.architecture", model.architecture());
    Task task = model.task();
    properties.put("athanor.task", task.getClass().getSimpleName().toLowerCase(Locale.ROOT));
    properties.put("athanor.target", task.target());
    if (task instanceof Task.Classification classification) {
      ArrayNode labels = JsonNodeFactory.instance.arrayNode();
      classification.labels().forEach(labels::add);
      properties.put("athanor.labels", labels.toString());
    }
    properties.put("athanor.encoding", EncodingJson.write(model.encoding()).toString());
    return prepared(model.graph(), model.weights(), precision, properties, PROTOBUF_LIMIT);
  }

  /**
   * Writes a graph and its weights whole or not at all. Its metadata are {@code athanor.weights},
   * the digest.
   *
   * @param file is replaced if there is one
   * @param graph what it needs only for its loss is left out
   * @throws GraphException if the weights do not fit the graph
   * @throws UnsupportedException if ONNX or the precision cannot hold the model; says why
   * @throws ValidationException if a weight for 8 bits is not finite
   * @throws StorageException if it cannot be written
   */
  public static void write(Path file, Graph graph, Weights weights, OnnxPrecision precision) {
    prepared(graph, weights, precision, Map.of(), PROTOBUF_LIMIT).writeTo(file);
  }

  /**
   * @param limit the most bytes of one file
   */
  static ExportFormat.Prepared prepared(
      Graph graph,
      Weights weights,
      OnnxPrecision precision,
      Map<String, String> properties,
      long limit) {
    Graph predicting = graph.forPrediction();
    weights.requireFit(predicting);
    OnnxProgram program = GraphCompiler.compile(predicting, weights, precision);
    String digest = weights.digest().hex();
    Map<String, String> all = new LinkedHashMap<>(properties);
    all.put("athanor.weights", digest);
    String identity = digest.substring(0, 12) + "-" + precision.name().toLowerCase(Locale.ROOT);
    return file -> new OnnxWriter(file, identity, limit).write(graph.name(), program, all);
  }
}
