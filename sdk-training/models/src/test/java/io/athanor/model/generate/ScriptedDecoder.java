package io.athanor.model.generate;

import io.athanor.api.backend.Decoder;
import io.athanor.api.common.Tensor;
import io.athanor.api.error.GraphException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Function;

/** Gives the logits that a function gives for all tokens of a row. */
final class ScriptedDecoder implements Decoder {
  private final Function<List<Integer>, float[]> script;
  private List<List<Integer>> rows = List.of();
  int capacity;
  Map<String, Tensor> inputs = Map.of();
  final List<Integer> sizes = new ArrayList<>();
  boolean closed;

  ScriptedDecoder(Function<List<Integer>, float[]> script) {
    this.script = script;
  }

  /** Says a text after each prompt, byte by byte, and then an end token. */
  static ScriptedDecoder saying(int promptBytes, String text) {
    byte[] bytes = text.getBytes(java.nio.charset.StandardCharsets.UTF_8);
    return new ScriptedDecoder(
        row -> {
          int said = row.size() - promptBytes;
          return onlyFor(said < bytes.length ? bytes[said] & 255 : ByteTokenizer.END);
        });
  }

  static float[] onlyFor(int id) {
    float[] logits = new float[ByteTokenizer.SIZE];
    logits[id] = 9;
    return logits;
  }

  @Override
  public Tensor begin(List<int[]> prompts, int most, Map<String, Tensor> rowInputs) {
    rows = new ArrayList<>();
    prompts.forEach(ids -> rows.add(new ArrayList<>(Arrays.stream(ids).boxed().toList())));
    capacity = most;
    inputs = rowInputs;
    return logits();
  }

  @Override
  public Tensor next(int[] tokens) {
    for (int i = 0; i < tokens.length; i++) {
      rows.get(i).add(tokens[i]);
      if (rows.get(i).size() > capacity) {
        throw new AssertionError("row " + i + " outgrows the capacity " + capacity);
      }
    }
    return logits();
  }

  private Tensor logits() {
    sizes.add(rows.size());
    float[] all = new float[rows.size() * ByteTokenizer.SIZE];
    for (int i = 0; i < rows.size(); i++) {
      float[] one = script.apply(rows.get(i));
      System.arraycopy(one, 0, all, i * one.length, one.length);
    }
    return Tensor.ofFloats(all, rows.size(), ByteTokenizer.SIZE);
  }

  @Override
  public void keep(int[] kept) {
    rows = Arrays.stream(kept).mapToObj(rows::get).collect(java.util.stream.Collectors.toList());
  }

  @Override
  public void replaceAdapter(int adapter, Map<String, Tensor> entries) {
    throw new GraphException("scripted", "the graph has no AdapterLinear, so no adapters");
  }

  @Override
  public void close() {
    closed = true;
  }
}
