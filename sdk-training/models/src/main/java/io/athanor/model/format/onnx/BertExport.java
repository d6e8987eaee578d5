package io.athanor.model.format.onnx;

import io.athanor.api.common.DType;
import io.athanor.api.common.Tensor;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.UnsupportedException;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import org.jspecify.annotations.Nullable;

/**
 * A BERT that PyTorch exported: embeddings, biases and norms keep their Hugging Face names, but the
 * matrices are transposed to [in, out] under generated names. The bias that is added to a product
 * says whose weight the matrix is.
 */
final class BertExport {
  private static final String LAYER = "encoder.layer.";
  private static final String POSITION_IDS = "position_ids";

  private final OnnxGraph graph;
  private final Map<String, OnnxNode> additions = new HashMap<>();
  private final Map<String, OnnxNode> producers = new HashMap<>();

  BertExport(OnnxGraph graph) {
    this.graph = graph;
    for (OnnxNode node : graph.nodes()) {
      if (node.operation().equals("Add")) {
        node.inputs().forEach(input -> additions.putIfAbsent(input, node));
      }
      node.outputs().forEach(output -> producers.put(output, node));
    }
  }

  /** The weights by Hugging Face name, matrices as [out, in]. */
  Map<String, Tensor> tensors() {
    for (String operation : List.of("DynamicQuantizeLinear", "DequantizeLinear", "MatMulInteger")) {
      if (graph.contains(operation)) {
        throw new UnsupportedException(
            graph.source() + ": a quantised ONNX model", "Take the export in single precision");
      }
    }
    Map<String, String> products = new LinkedHashMap<>();
    for (OnnxNode node : graph.nodes()) {
      boolean product = node.operation().equals("MatMul");
      boolean plainGemm =
          node.operation().equals("Gemm") && node.numbers().getOrDefault("transB", 0d) == 0;
      if ((product || plainGemm) && node.inputs().size() >= 2) {
        String weight = node.inputs().get(1);
        Tensor matrix = graph.initializers().get(weight);
        if (matrix != null && matrix.rank() == 2) {
          products.put(weight, product ? nameOf(node) : nameOfGemm(node));
        }
      }
    }
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    graph
        .initializers()
        .forEach(
            (name, tensor) -> {
              String known = products.get(name);
              if (name.endsWith(POSITION_IDS)) {
                return;
              }
              Tensor weight = known == null ? tensor : transposed(tensor);
              if (tensors.put(known == null ? name : known, weight) != null) {
                throw new FormatException(
                    graph.source(), "two matrices are the weight '" + known + "'");
              }
            });
    return tensors;
  }

  private String nameOf(OnnxNode product) {
    String output = product.outputs().isEmpty() ? "" : product.outputs().get(0);
    OnnxNode addition = additions.get(output);
    return (addition == null ? List.<String>of() : addition.inputs())
        .stream()
            .filter(input -> graph.initializers().containsKey(input) && input.endsWith(".bias"))
            .findFirst()
            .map(BertExport::weightOf)
            .orElseThrow(() -> unnamed(product));
  }

  private String nameOfGemm(OnnxNode gemm) {
    String bias = gemm.inputs().size() > 2 ? gemm.inputs().get(2) : "";
    if (!bias.endsWith(".bias")) {
      throw unnamed(gemm);
    }
    return weightOf(bias);
  }

  private static String weightOf(String bias) {
    return bias.substring(0, bias.length() - ".bias".length()) + ".weight";
  }

  private UnsupportedException unnamed(OnnxNode node) {
    return new UnsupportedException(
        graph.source()
            + ": matrix '"
            + node.inputs().get(1)
            + "' is not followed by a bias that names it",
        "Take an export of BERT by PyTorch that keeps the names of its parameters, or the model's"
            + " Hugging Face folder");
  }

  private static Tensor transposed(Tensor matrix) {
    int rows = Math.toIntExact(matrix.size(0));
    int columns = Math.toIntExact(matrix.size(1));
    int size = matrix.dtype().bytes();
    ByteBuffer from = matrix.bytes();
    ByteBuffer to = Tensor.allocate(matrix.dtype(), matrix.elements());
    for (int i = 0; i < rows; i++) {
      for (int j = 0; j < columns; j++) {
        to.put((j * rows + i) * size, from, (i * columns + j) * size, size);
      }
    }
    return Tensor.of(matrix.dtype(), to, columns, rows);
  }

  /** What the shapes and constants say about the configuration. */
  Map<String, @Nullable Object> config(Map<String, Tensor> tensors) {
    long[] words = shape(tensors, "embeddings.word_embeddings.weight");
    long hidden = words[1];
    Map<String, @Nullable Object> config = new LinkedHashMap<>();
    config.put("architectures", List.of("BertModel"));
    config.put("model_type", "bert");
    config.put("vocab_size", Math.toIntExact(words[0]));
    config.put("hidden_size", Math.toIntExact(hidden));
    config.put("num_hidden_layers", layers(tensors));
    config.put("num_attention_heads", Math.toIntExact(heads(hidden)));
    config.put(
        "intermediate_size",
        Math.toIntExact(shape(tensors, LAYER + "0.intermediate.dense.weight")[0]));
    config.put("hidden_act", activation());
    config.put(
        "max_position_embeddings",
        Math.toIntExact(shape(tensors, "embeddings.position_embeddings.weight")[0]));
    config.put(
        "type_vocab_size",
        Math.toIntExact(shape(tensors, "embeddings.token_type_embeddings.weight")[0]));
    config.put("layer_norm_eps", epsilon());
    config.put("pad_token_id", 0);
    config.put("position_embedding_type", "absolute");
    return config;
  }

  private long[] shape(Map<String, Tensor> tensors, String suffix) {
    return tensors.entrySet().stream()
        .filter(e -> e.getKey().endsWith(suffix) && e.getValue().rank() == 2)
        .map(e -> e.getValue().shape())
        .findFirst()
        .orElseThrow(() -> notBert("a matrix '" + suffix + "'"));
  }

  private int layers(Map<String, Tensor> tensors) {
    List<Integer> layers = new ArrayList<>();
    for (String name : tensors.keySet()) {
      int at = name.indexOf(LAYER);
      if (at >= 0) {
        String number = name.substring(at + LAYER.length()).split("\\.", 2)[0];
        if (!number.matches("[0-9]{1,4}")) {
          throw notBert("numbered layers, got '" + name + "'");
        }
        layers.add(Integer.valueOf(number));
      }
    }
    return layers.stream().mapToInt(n -> n + 1).max().orElseThrow(() -> notBert("layers"));
  }

  /** From a reshape whose last two sizes are constants: heads, and numbers in a head. */
  private long heads(long hidden) {
    for (OnnxNode node : graph.nodes()) {
      if (node.operation().equals("Reshape") && node.inputs().size() >= 2) {
        long[] sizes = lastTwo(node.inputs().get(1));
        if (sizes[0] > 0
            && sizes[1] > 0
            && hidden % sizes[0] == 0
            && hidden / sizes[0] == sizes[1]) {
          return sizes[0];
        }
      }
    }
    throw notBert("a reshape into attention heads");
  }

  private long[] lastTwo(String shape) {
    Optional<long[]> constant =
        graph
            .known(shape)
            .filter(t -> t.dtype() == DType.I64 && t.elements() == 4)
            .map(Tensor::longs);
    if (constant.isPresent()) {
      return Arrays.copyOfRange(constant.get(), 2, 4);
    }
    OnnxNode producer = producers.get(shape);
    if (producer == null
        || !producer.operation().equals("Concat")
        || producer.inputs().size() != 4) {
      return new long[2];
    }
    return new long[] {
      single(producer.inputs().get(2)).orElse(0), single(producer.inputs().get(3)).orElse(0)
    };
  }

  private OptionalLong single(String name) {
    return graph
        .known(name)
        .filter(t -> t.dtype() == DType.I64 && t.elements() == 1)
        .map(t -> OptionalLong.of(t.longs()[0]))
        .orElse(OptionalLong.empty());
  }

  private String activation() {
    if (graph.contains("Erf") || graph.contains("Gelu")) {
      return "gelu";
    }
    if (graph.contains("Relu")) {
      return "relu";
    }
    throw notBert("the activation gelu or relu");
  }

  /** What is added before a root is taken, or what a fused norm says. */
  private double epsilon() {
    for (OnnxNode node : graph.nodes()) {
      if (node.operation().equals("LayerNormalization")) {
        return rounded(node.numbers().getOrDefault("epsilon", 1e-5));
      }
      if (node.operation().equals("Sqrt") && node.inputs().size() == 1) {
        OnnxNode sum = producers.get(node.inputs().get(0));
        if (sum != null && sum.operation().equals("Add")) {
          for (String input : sum.inputs()) {
            Optional<Tensor> constant =
                graph.known(input).filter(t -> t.dtype() == DType.F32 && t.elements() == 1);
            if (constant.isPresent()) {
              return rounded(constant.get().floats()[0]);
            }
          }
        }
      }
    }
    throw notBert("a layer norm");
  }

  /** The shortest decimal that stands for a number of single precision. */
  private double rounded(double number) {
    double value = Double.parseDouble(Float.toString((float) number));
    if (!(value > 0 && value < 1)) {
      throw notBert("a layer norm with a small epsilon, got " + value);
    }
    return value;
  }

  private UnsupportedException notBert(String expected) {
    return new UnsupportedException(
        graph.source()
            + ": an ONNX model that is not a BERT encoder as PyTorch exports it; expected "
            + expected,
        "Take the model's Hugging Face folder");
  }
}
