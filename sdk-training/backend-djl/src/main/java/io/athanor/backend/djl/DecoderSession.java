package io.athanor.backend.djl;

import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.jni.IValue;
import io.athanor.api.backend.Decoder;
import io.athanor.api.common.DType;
import io.athanor.api.common.Tensor;
import io.athanor.api.data.LanguageEncoding;
import io.athanor.api.error.GraphException;
import io.athanor.api.graph.AdapterStacks;
import io.athanor.api.graph.Parameter;
import java.nio.LongBuffer;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.jspecify.annotations.Nullable;

/**
 * A program that decodes, with its caches. Calls from several threads wait for each other, so that
 * a close never pulls the memory from under a call.
 */
final class DecoderSession implements Decoder {
  private final DecoderGraph decoded;
  private final DecoderRules rules;
  private final ThreadChoice choice;
  private final NativeCalls gate;
  private final NativeScope scope;
  private final Program program;

  private int[] padding = {};
  private List<Tensor> rowInputs = List.of();
  private int capacity;
  private int end;
  private int allocatedRows;
  private int allocatedSlots;
  private int threads;
  private boolean ownStacks;
  private @Nullable DecoderCall next;

  /**
   * @param program bound, written by {@link DecoderWriter}
   */
  DecoderSession(
      DecoderGraph decoded,
      ThreadChoice choice,
      NativeCalls gate,
      NativeScope scope,
      Program program) {
    this.decoded = decoded;
    this.rules = new DecoderRules(decoded);
    this.choice = choice;
    this.gate = gate;
    this.scope = scope;
    this.program = program;
  }

  private <T> T alone(Supplier<T> action) {
    synchronized (scope) {
      if (scope.closed()) {
        throw new IllegalStateException(
            "The decoder of '" + decoded.graph().name() + "' is closed; make another");
      }
      return action.get();
    }
  }

  @Override
  public Tensor begin(List<int[]> prompts, int capacity, Map<String, Tensor> rowInputs) {
    return alone(
        () -> {
          rules.requirePrompts(prompts, capacity);
          List<Tensor> forRows = rules.rowInputs(rowInputs, prompts.size());
          return gate.run(() -> begin(prompts, capacity, forRows));
        });
  }

  private Tensor begin(List<int[]> prompts, int most, List<Tensor> forRows) {
    int longest = prompts.stream().mapToInt(prompt -> prompt.length).max().orElseThrow();
    int shortest = prompts.stream().mapToInt(prompt -> prompt.length).min().orElseThrow();
    padding = new int[0];
    change();
    allocate(prompts.size(), Math.addExact(most, longest - shortest));
    int[] missing = prompts.stream().mapToInt(prompt -> longest - prompt.length).toArray();
    DecoderCall call = new DecoderCall(scope, longest, decoded.vocabulary(), missing, forRows);
    try {
      LongBuffer tokens = call.tokens();
      for (int[] prompt : prompts) {
        for (int i = prompt.length; i < longest; i++) {
          tokens.put(prompt[0]);
        }
        for (int id : prompt) {
          tokens.put(id);
        }
      }
      NativeCalls.threads(choice.of(List.of(decoded.sizes(prompts.size(), longest))));
      Tensor logits = call.run(program, DecoderWriter.BEGIN, longest);
      padding = missing;
      rowInputs = forRows;
      capacity = most;
      end = longest;
      return logits;
    } finally {
      call.close();
    }
  }

  /** Room for keys and values; what is there is used again if it suffices. */
  private void allocate(int rows, int slots) {
    if (rows == allocatedRows && slots <= allocatedSlots) {
      return;
    }
    allocatedRows = 0;
    try (IValue first = IValue.from((long) rows);
        IValue second = IValue.from((long) slots)) {
      program.run("allocate", first, second);
    }
    allocatedRows = rows;
    allocatedSlots = slots;
  }

  /** Drops what fits only the rows so far. */
  private void change() {
    if (next != null) {
      next.close();
      next = null;
    }
  }

  @Override
  public Tensor next(int[] tokens) {
    return alone(
        () -> {
          requireBegun();
          if (tokens.length != padding.length) {
            throw new GraphException(
                LanguageEncoding.TOKENS,
                "expected a token for each of the "
                    + padding.length
                    + " rows, got "
                    + tokens.length);
          }
          rules.requireIds(tokens);
          if (end - Arrays.stream(padding).min().orElseThrow() >= capacity) {
            throw new GraphException(
                LanguageEncoding.TOKENS,
                "expected at most "
                    + capacity
                    + " tokens in a row, the capacity given to begin, got one more");
          }
          return gate.run(() -> one(tokens));
        });
  }

  private Tensor one(int[] tokens) {
    DecoderCall call = next;
    if (call == null) {
      call = new DecoderCall(scope, 1, decoded.vocabulary(), padding, rowInputs);
      next = call;
      threads = choice.of(List.of(decoded.sizes(padding.length, 1)));
    }
    LongBuffer buffer = call.tokens();
    for (int token : tokens) {
      buffer.put(token);
    }
    NativeCalls.threads(threads);
    Tensor logits = call.run(program, DecoderWriter.NEXT, end + 1);
    end++;
    return logits;
  }

  private void requireBegun() {
    if (padding.length == 0) {
      throw new IllegalStateException("Nothing has been read yet; call begin first");
    }
  }

  @Override
  public void keep(int[] rows) {
    alone(
        () -> {
          requireBegun();
          if (rows.length == 0
              || Arrays.stream(rows).anyMatch(row -> row < 0 || row >= padding.length)) {
            throw new IllegalArgumentException(
                "rows must be at least one of 0 to "
                    + (padding.length - 1)
                    + ", got "
                    + Arrays.toString(rows));
          }
          if (!Arrays.equals(rows, IntStream.range(0, padding.length).toArray())) {
            gate.run(() -> select(rows));
          }
          return rows;
        });
  }

  private boolean select(int[] rows) {
    change();
    HostTensor indices =
        HostTensor.copyOf(
            scope.manager(),
            Tensor.ofLongs(Arrays.stream(rows).asLongStream().toArray(), rows.length));
    try (IValue list = IValue.from(indices.array())) {
      program.run("keep", list);
    } finally {
      indices.array().close();
    }
    allocatedRows = rows.length;
    padding = Arrays.stream(rows).map(row -> padding[row]).toArray();
    rowInputs = rowInputs.stream().map(tensor -> selected(tensor, rows)).toList();
    return true;
  }

  private static Tensor selected(Tensor tensor, int[] rows) {
    if (tensor.dtype() == DType.I64) {
      long[] all = tensor.longs();
      return Tensor.ofLongs(Arrays.stream(rows).mapToLong(row -> all[row]).toArray(), rows.length);
    }
    float[] all = tensor.floats();
    float[] some = new float[rows.length];
    for (int i = 0; i < rows.length; i++) {
      some[i] = all[rows[i]];
    }
    return Tensor.ofFloats(some, rows.length);
  }

  @Override
  public void replaceAdapter(int adapter, Map<String, Tensor> entries) {
    alone(
        () -> {
          AdapterStacks.requireFit(decoded.graph(), adapter, entries);
          return gate.run(() -> write(adapter, entries));
        });
  }

  private boolean write(int adapter, Map<String, Tensor> entries) {
    List<String> names = decoded.graph().parameters().stream().map(Parameter::name).toList();
    for (String stack : AdapterStacks.of(decoded.graph())) {
      Tensor entry = entries.get(stack);
      List<PtNDArray> arrays =
          entry == null ? List.of() : List.of(HostTensor.copyOf(scope.manager(), entry).array());
      try (IValue index = IValue.from((long) names.indexOf(stack));
          IValue own = IValue.from(ownStacks);
          IValue place = IValue.from((long) adapter);
          IValue values = Program.list(arrays)) {
        program.run("adapt", index, own, place, values);
      } finally {
        arrays.forEach(PtNDArray::close);
      }
    }
    ownStacks = true;
    return true;
  }

  @Override
  public void close() {
    synchronized (scope) {
      scope.close();
    }
  }
}
