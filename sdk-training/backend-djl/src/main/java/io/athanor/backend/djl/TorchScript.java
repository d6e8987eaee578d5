package io.athanor.backend.djl;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.athanor.api.backend.Precision;
import io.athanor.api.backend.Support;
import io.athanor.api.common.AtomicFile;
import io.athanor.api.common.DType;
import io.athanor.api.common.Digest;
import io.athanor.api.common.Tensor;
import io.athanor.api.data.Feature;
import io.athanor.api.data.FeatureEncoding;
import io.athanor.api.data.LanguageEncoding;
import io.athanor.api.data.Signature;
import io.athanor.api.data.Task;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.NotFoundException;
import io.athanor.api.error.StorageException;
import io.athanor.api.error.UnsupportedException;
import io.athanor.api.graph.Dim;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.GraphBuilder;
import io.athanor.api.graph.Initializer;
import io.athanor.api.graph.Input;
import io.athanor.api.graph.LayerOp;
import io.athanor.api.graph.Parameter;
import io.athanor.api.graph.TensorType;
import io.athanor.api.graph.Value;
import io.athanor.api.graph.Weights;
import io.athanor.api.graph.Widened;
import io.athanor.api.model.EncodingJson;
import io.athanor.api.model.ExportFormat;
import io.athanor.api.model.ModelArtifact;
import io.athanor.api.model.Provenance;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Pattern;

/**
 * Models as TorchScript, one file {@code .pt} that libtorch, {@code torch.jit.load} in Python and
 * DJL's {@code Criteria} with the engine PyTorch load and run without this library.
 *
 * <p>The module's {@code forward} predicts. It takes the inputs of the model's graph, targets left
 * out, in the graph's order: for rows, first the vector of numbers and categories, if any, then for
 * each text its ids {@code I64 [batch, sequence]} and its mask {@code F32 [batch, sequence]}, and
 * for each picture its pixels; for a language model {@code tokens I64 [batch, sequence]}. It gives
 * the graph's output, or a tuple of them if there are several, in the graph's order. All sizes that
 * are symbolic in the graph may differ from call to call. The parameters are those of the model, by
 * name, in single precision; those that training updates ask for a gradient.
 *
 * <p>What a program that loads the file needs besides lies in the archive's extra files: {@code
 * athanor.json} (architecture, inputs and outputs with types and shapes, digest of the weights),
 * {@code encoding.json}, and where the model has them {@code labels.json}, {@code tokenizer.json}
 * and {@code chat_template.jinja}.
 *
 * <p>Writing needs no native library. Thread-safe.
 *
 * @see <a href="https://github.com/pytorch/pytorch/tree/v2.7.1/torch/csrc/jit/serialization">The
 *     format</a>
 */
public final class TorchScript {
  private static final int FORMAT = 1;

  /** Names that the program has other uses for, or the language. */
  private static final Set<String> RESERVED =
      Set.of(
          ("False None True and annotate as assert async await break class continue def del elif"
                  + " else except finally float for from getattr global if import in int is lambda"
                  + " nonlocal not ops or p pass raise return self torch try unchecked_cast while"
                  + " with yield")
              .split(" "));

  private static final Pattern NAME = Pattern.compile("[A-Za-z][A-Za-z0-9_]*");

  private TorchScript() {}

  /**
   * The format for {@link io.athanor.api.model.Export}. It holds every model, unless an input is
   * neither F32 nor I64, a weight is not F32, the model is itself a program of others, or a
   * parameter has a name that no module of PyTorch can have.
   */
  public static ExportFormat format() {
    return ExportFormat.of("TorchScript", TorchScript::prepared);
  }

  /**
   * Writes a model whole or not at all, as {@link #format} has it. Weights go from where they are
   * to the file, without a copy of all in memory.
   *
   * @param file is replaced if there is one
   * @throws UnsupportedException if TorchScript cannot hold the model: inputs other than F32 and
   *     I64, weights other than F32, names that no module can have; says which, before anything is
   *     written
   * @throws StorageException if it cannot be written; the old file, if any, is untouched
   */
  public static void write(Path file, ModelArtifact model) {
    prepared(model).writeTo(file);
  }

  private static ExportFormat.Prepared prepared(ModelArtifact model) {
    Widened wide = Widened.of(model.graph().forPrediction(), model.weights());
    return prepared(wide.graph(), wide.weights(), extra(model, wide.graph()));
  }

  /**
   * Takes in a model that another program saved by {@code torch.jit.save}, to be evaluated,
   * registered, deployed, and trained further like any other. Its {@code forward} takes what the
   * encoding gives, in the order above, and returns one tensor: logits {@code [batch, labels]}, or
   * standardised numbers {@code [batch, 1]}.
   *
   * <p>Its tensors in F32 become weights; those that ask for a gradient are trained when the model
   * is. Dropout stays off and statistics stay as they are, as the module must be in evaluation
   * mode. The code and all other tensors, 8 MiB at most, become part of the graph. Only the backend
   * {@code djl} runs such a graph, on the processor and in F32.
   *
   * <p><b>A TorchScript file is a program.</b> This method runs nothing of it; predicting and
   * training run all of it, with the rights of the process. Take in files of makers you trust only.
   *
   * @param encoding how rows become the inputs of {@code forward}, and what its outputs mean
   * @throws FormatException if the file is not what {@code torch.jit.save} writes
   * @throws UnsupportedException if it holds what cannot be taken in; says what and what to do
   * @throws NotFoundException if there is no such file
   * @throws StorageException if it cannot be read
   */
  public static ModelArtifact read(Path file, FeatureEncoding encoding) {
    ScriptImport found = ScriptImport.read(file);
    GraphBuilder graph = Graph.builder(ForeignScript.FORMAT);
    Value[] inputs = inputs(graph, encoding.signature());
    found
        .script()
        .parameters()
        .forEach(
            (name, slot) ->
                graph.declare(
                    new Parameter(
                        name,
                        slot.shape(),
                        Initializer.ZEROS,
                        slot.trained() ? Parameter.Role.TRAINED : Parameter.Role.FROZEN)));
    TensorType type = TensorType.f32(Dim.BATCH, Dim.of(encoding.signature().outputSize()));
    List<String> parameters = List.copyOf(found.script().parameters().keySet());
    LayerOp.Foreign program =
        new LayerOp.Foreign(ForeignScript.FORMAT, found.script().encoded(), parameters, type);
    Value output = graph.apply("program", program, inputs);
    graph.output(Signature.OUTPUT, output).loss(loss(graph, output, encoding.task()));
    try {
      Digest digest = Digest.ofFile(file);
      Instant saved = Files.getLastModifiedTime(file).toInstant();
      Map<String, String> origin = Map.of("file", file.toString(), "sha256", digest.hex());
      return new ModelArtifact(
          ForeignScript.FORMAT,
          Map.of("sha256", digest.hex()),
          graph.build(),
          found.weights(),
          encoding,
          Map.of(),
          new Provenance(saved, 0, "{}", List.of(), Optional.of(digest), origin));
    } catch (IOException e) {
      throw new StorageException(file.toString(), "cannot be read (" + e + ")", e);
    }
  }

  private static Value[] inputs(GraphBuilder graph, Signature signature) {
    List<Value> inputs = new ArrayList<>();
    for (Feature feature : signature.features()) {
      String name = feature.name();
      if (feature instanceof Feature.Vector vector) {
        inputs.add(graph.input(name, TensorType.f32(Dim.BATCH, Dim.of(vector.width()))));
      } else if (feature instanceof Feature.Tokens tokens) {
        inputs.add(graph.input(name, TensorType.i64(Dim.BATCH, Dim.SEQUENCE)));
        inputs.add(graph.input(tokens.mask(), TensorType.f32(Dim.BATCH, Dim.SEQUENCE)));
      } else if (feature instanceof Feature.Image image) {
        Dim height = Dim.of(image.height());
        Dim width = Dim.of(image.width());
        inputs.add(
            graph.input(name, TensorType.f32(Dim.BATCH, Dim.of(image.channels()), height, width)));
      }
    }
    return inputs.toArray(Value[]::new);
  }

  private static Value loss(GraphBuilder graph, Value output, Task task) {
    if (task instanceof Task.Classification) {
      Value target = graph.target(Signature.TARGET, TensorType.i64(Dim.BATCH));
      return graph.crossEntropy(output, target);
    }
    Value target = graph.target(Signature.TARGET, output.type());
    return graph.meanSquaredError(output, target);
  }

  /**
   * @param graph without targets and loss
   */
  static ExportFormat.Prepared prepared(Graph graph, Weights weights, Map<String, String> extra) {
    Support.withoutForeign(graph).require();
    DjlBackend.checkInputs(graph).require();
    requireSinglePrecision(graph, weights);
    ModuleTree modules = ModuleTree.of(graph, weights);
    Target target = new Target(ComputeDevice.processor(), Precision.F32);
    String classes =
        modules.classes(
            ProgramWriter.EXPORTED, ProgramWriter.forward(graph, target, arguments(graph)));
    Pickle object = new Pickle();
    modules.write(object);
    return file -> {
      AtomicFile.write(
          file, AtomicFile.streaming(out -> ScriptArchive.write(out, classes, object, extra)));
      return List.of(file);
    };
  }

  private static void requireSinglePrecision(Graph graph, Weights weights) {
    for (Parameter parameter : graph.parameters()) {
      Tensor tensor = weights.tensor(parameter.name());
      if (tensor.dtype() != DType.F32) {
        throw new UnsupportedException(
            "the parameter '" + parameter.name() + "' of type " + tensor.dtype(),
            "Convert the weights to F32 first");
      }
    }
  }

  /** The inputs' names where {@code forward} can have them, else names by position. */
  private static List<String> arguments(Graph graph) {
    List<String> names = new ArrayList<>();
    for (Input input : graph.inputs()) {
      String name = input.name().replace('.', '_');
      boolean usable =
          NAME.matcher(name).matches()
              && !name.matches("v\\d+")
              && !RESERVED.contains(name)
              && !names.contains(name);
      names.add(usable ? name : "input_" + names.size());
    }
    return names;
  }

  private static Map<String, String> extra(ModelArtifact model, Graph graph) {
    ObjectNode main = JsonNodeFactory.instance.objectNode();
    main.put("format", FORMAT).put("architecture", model.architecture());
    main.put("weights", model.weightsDigest().toString());
    ArrayNode inputs = main.putArray("inputs");
    List<String> arguments = arguments(graph);
    for (Input input : graph.inputs()) {
      describe(inputs, input.name(), input.type())
          .put("argument", arguments.get(inputs.size() - 1));
    }
    ArrayNode outputs = main.putArray("outputs");
    graph.outputs().forEach((name, value) -> describe(outputs, name, graph.type(value)));
    Map<String, String> extra = new LinkedHashMap<>();
    extra.put("athanor.json", main.toPrettyString());
    extra.put("encoding.json", EncodingJson.write(model.encoding()).toPrettyString());
    if (model.task() instanceof Task.Classification task) {
      ArrayNode labels = JsonNodeFactory.instance.arrayNode();
      task.labels().forEach(labels::add);
      extra.put("labels.json", labels.toString());
    }
    model.encoding().tokenizer().ifPresent(t -> extra.put("tokenizer.json", t.json()));
    if (model.encoding() instanceof LanguageEncoding language) {
      language.chatTemplate().ifPresent(t -> extra.put("chat_template.jinja", t));
    }
    return extra;
  }

  private static ObjectNode describe(ArrayNode list, String name, TensorType type) {
    ObjectNode entry = list.addObject().put("name", name).put("type", type.dtype().name());
    ArrayNode shape = entry.putArray("shape");
    type.shape().dims().forEach(dim -> shape.add(dim.toString()));
    return entry;
  }
}
