package io.athanor.tck.reference;

import io.athanor.api.backend.Decoder;
import io.athanor.api.common.DType;
import io.athanor.api.common.Tensor;
import io.athanor.api.data.LanguageEncoding;
import io.athanor.api.data.Signature;
import io.athanor.api.error.GraphException;
import io.athanor.api.graph.Dim;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.Input;
import io.athanor.api.graph.LayerOp;
import io.athanor.api.graph.Node;
import io.athanor.api.graph.SequenceOp;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Decodes by reading every row anew, from its beginning and alone. */
final class ReferenceDecoder implements Decoder {
  private final Graph graph;
  private final ReferenceModel model;
  private final int longest;
  private final List<long[]> rows = new ArrayList<>();
  private List<Map<String, Tensor>> rowInputs = new ArrayList<>();
  private int capacity;

  /**
   * @param graph for prediction
   */
  ReferenceDecoder(Graph graph, ReferenceModel model) {
    this.graph = graph;
    this.model = model;
    this.longest = longest(graph);
  }

  /** The rows of the smallest table of positions. */
  private static int longest(Graph graph) {
    long longest = Integer.MAX_VALUE;
    for (Node node : graph.nodes()) {
      if (node.op() instanceof LayerOp.Embedding table) {
        for (Node from : graph.nodes()) {
          if (from.name().equals(node.inputs().get(0))
              && from.op() instanceof SequenceOp.PositionIds positions) {
            Dim length = from.type().shape().dim(1);
            long room = graph.parameter(table.weight()).shape().dim(0).offset();
            longest = Math.min(longest, room - positions.first() - length.offset());
          }
        }
      }
    }
    return (int) longest;
  }

  @Override
  public Tensor begin(List<int[]> prompts, int room, Map<String, Tensor> inputs) {
    if (prompts.isEmpty()) {
      throw new IllegalArgumentException("prompts must not be empty");
    }
    if (room > longest) {
      throw new GraphException(
          LanguageEncoding.TOKENS,
          "expected a capacity of at most " + longest + " positions, got " + room);
    }
    rows.clear();
    rowInputs = new ArrayList<>();
    capacity = room;
    for (int row = 0; row < prompts.size(); row++) {
      int[] prompt = prompts.get(row);
      if (prompt.length == 0) {
        throw new GraphException(LanguageEncoding.TOKENS, "prompt " + row + " is empty");
      }
      rows.add(Arrays.stream(prompt).asLongStream().toArray());
      rowInputs.add(inputsOf(row, prompts.size(), inputs));
    }
    return read();
  }

  private Map<String, Tensor> inputsOf(int row, int count, Map<String, Tensor> inputs) {
    Map<String, Tensor> own = new LinkedHashMap<>();
    for (Input input : graph.inputs()) {
      if (!input.name().equals(LanguageEncoding.TOKENS)) {
        Tensor all = Tensors.required(input.name(), inputs);
        if (all.rank() != 1 || all.size(0) != count || all.dtype() != input.type().dtype()) {
          throw new GraphException(
              input.name(), "expected one element for each of " + count + " rows, got " + all);
        }
        int width = all.dtype().bytes();
        own.put(input.name(), Tensor.of(all.dtype(), all.bytes().slice(row * width, width), 1));
      }
    }
    return own;
  }

  @Override
  public Tensor next(int[] tokens) {
    if (rows.isEmpty()) {
      throw new IllegalStateException("Nothing was begun");
    }
    if (tokens.length != rows.size()) {
      throw new IllegalArgumentException(
          "tokens must be one for each of " + rows.size() + " rows, got " + tokens.length);
    }
    for (int row = 0; row < tokens.length; row++) {
      long[] longer = Arrays.copyOf(rows.get(row), rows.get(row).length + 1);
      longer[longer.length - 1] = tokens[row];
      rows.set(row, longer);
    }
    return read();
  }

  private Tensor read() {
    List<Array> lasts = new ArrayList<>();
    for (int row = 0; row < rows.size(); row++) {
      long[] ids = rows.get(row);
      if (ids.length > capacity) {
        throw new GraphException(
            LanguageEncoding.TOKENS,
            "expected at most " + capacity + " tokens in a row, got " + ids.length);
      }
      Map<String, Tensor> inputs = new LinkedHashMap<>(rowInputs.get(row));
      inputs.put(LanguageEncoding.TOKENS, Tensor.ofLongs(ids, 1, ids.length));
      Array logits = Tensors.array(Tensors.required(Signature.OUTPUT, model.predict(inputs)));
      int width = logits.size(-1);
      int from = logits.count() - width;
      lasts.add(Array.of(Arrays.copyOfRange(logits.values, from, logits.count()), 1, width));
    }
    Array all = lasts.size() == 1 ? lasts.get(0) : Axes.concat(lasts, 0).value();
    return Tensors.tensor(all, DType.F32);
  }

  @Override
  public void keep(int[] kept) {
    List<long[]> some = Arrays.stream(kept).mapToObj(rows::get).toList();
    List<Map<String, Tensor>> their = Arrays.stream(kept).mapToObj(rowInputs::get).toList();
    rows.clear();
    rows.addAll(some);
    rowInputs = new ArrayList<>(their);
  }

  @Override
  public void close() {
    model.close();
  }
}
