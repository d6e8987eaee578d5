package io.athanor.tck.reference;

import io.athanor.api.backend.Decoder;
import io.athanor.api.common.DType;
import io.athanor.api.common.Tensor;
import io.athanor.api.data.LanguageEncoding;
import io.athanor.api.data.Signature;
import io.athanor.api.error.GraphException;
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
  private List<long[]> rows = List.of();
  private List<Map<String, Tensor>> rowInputs = List.of();
  private int capacity;

  /**
   * @param graph for prediction
   */
  ReferenceDecoder(Graph graph, ReferenceModel model) {
    this.graph = graph;
    this.model = model;
  }

  /** Fails if a table of positions has fewer rows than the capacity takes. */
  private void requireRoom(int room) {
    for (Node node : graph.nodes()) {
      for (Node from : graph.nodes()) {
        if (node.op() instanceof LayerOp.Embedding table
            && from.op() instanceof SequenceOp.PositionIds positions
            && from.name().equals(node.inputs().get(0))) {
          long virtual = from.type().shape().dim(1).offset();
          long longest = rows(table) - positions.first() - virtual;
          if (room > longest) {
            throw new GraphException(
                node.name(),
                "expected a capacity of at most " + longest + " positions, got " + room);
          }
        }
      }
    }
  }

  private long rows(LayerOp.Embedding table) {
    return graph.parameter(table.weight()).shape().dim(0).offset();
  }

  private void requireWord(long id) {
    for (Node node : graph.nodes()) {
      if (node.op() instanceof LayerOp.Embedding table
          && node.inputs().get(0).equals(LanguageEncoding.TOKENS)
          && (id < 0 || id >= rows(table))) {
        throw refused("expected ids in [0, " + rows(table) + "), got " + id);
      }
    }
  }

  private static GraphException refused(String problem) {
    return new GraphException(LanguageEncoding.TOKENS, problem);
  }

  @Override
  public Tensor begin(List<int[]> prompts, int room, Map<String, Tensor> inputs) {
    if (prompts.isEmpty()) {
      throw refused("expected at least one prompt");
    }
    requireRoom(room);
    List<long[]> first = new ArrayList<>();
    List<Map<String, Tensor>> their = new ArrayList<>();
    for (int row = 0; row < prompts.size(); row++) {
      int[] prompt = prompts.get(row);
      if (prompt.length < 1 || prompt.length > room) {
        throw refused("expected prompts of 1 to " + room + " tokens, got " + prompt.length);
      }
      first.add(Arrays.stream(prompt).asLongStream().toArray());
      their.add(inputsOf(row, prompts.size(), inputs));
    }
    Tensor logits = read(first, their);
    rows = first;
    rowInputs = their;
    capacity = room;
    return logits;
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

  private void requireBegun() {
    if (rows.isEmpty()) {
      throw new IllegalStateException("Nothing was begun");
    }
  }

  @Override
  public Tensor next(int[] tokens) {
    requireBegun();
    if (tokens.length != rows.size()) {
      throw refused(
          "expected one token for each of " + rows.size() + " rows, got " + tokens.length);
    }
    List<long[]> longer = new ArrayList<>();
    for (int row = 0; row < tokens.length; row++) {
      long[] ids = Arrays.copyOf(rows.get(row), rows.get(row).length + 1);
      ids[ids.length - 1] = tokens[row];
      if (ids.length > capacity) {
        throw refused("the capacity of " + capacity + " tokens is used up in row " + row);
      }
      longer.add(ids);
    }
    Tensor logits = read(longer, rowInputs);
    rows = longer;
    return logits;
  }

  private Tensor read(List<long[]> sequences, List<Map<String, Tensor>> further) {
    List<Array> lasts = new ArrayList<>();
    for (int row = 0; row < sequences.size(); row++) {
      long[] ids = sequences.get(row);
      Arrays.stream(ids).forEach(this::requireWord);
      Map<String, Tensor> inputs = new LinkedHashMap<>(further.get(row));
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
    requireBegun();
    if (kept.length == 0 || Arrays.stream(kept).anyMatch(row -> row < 0 || row >= rows.size())) {
      throw new IllegalArgumentException(
          "rows must be some of 0 to " + (rows.size() - 1) + ", got " + Arrays.toString(kept));
    }
    List<long[]> before = rows;
    List<Map<String, Tensor>> their = rowInputs;
    rows = Arrays.stream(kept).mapToObj(before::get).toList();
    rowInputs = Arrays.stream(kept).mapToObj(their::get).toList();
  }

  @Override
  public void replaceAdapter(int adapter, Map<String, Tensor> entries) {
    model.replaceAdapter(adapter, entries);
  }

  @Override
  public void close() {
    model.close();
  }
}
