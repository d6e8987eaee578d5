package io.athanor.model.format.gguf;

import io.athanor.api.common.DType;
import io.athanor.api.common.Tensor;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.NotFoundException;
import io.athanor.api.error.StorageException;
import io.athanor.api.error.UnsupportedException;
import io.athanor.api.error.ValidationException;
import io.athanor.api.model.ExportFormat;
import io.athanor.model.format.FloatConversion;
import io.athanor.model.format.PeftAdapter;
import io.athanor.model.format.PeftMethod;
import io.athanor.model.format.PretrainedModel;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.TreeMap;

/**
 * LoRA adapters in GGUF, which llama.cpp puts beside a base model in GGUF ({@code --lora}). The
 * matrices of a linear tensor lie under its name: {@code NAME.lora_a} [rank, in] and {@code
 * NAME.lora_b} [out, rank], with rows in the base's order. All methods are thread-safe.
 *
 * @see <a href="https://github.com/ggml-org/llama.cpp/blob/master/convert_lora_to_gguf.py">The
 *     converter that defines the layout</a>
 */
public final class GgufAdapter {
  private static final String A = ".lora_a";
  private static final String B = ".lora_b";
  private static final String PEFT_A = ".lora_A.weight";
  private static final String PEFT_B = ".lora_B.weight";
  private static final String WEIGHT = ".weight";
  private static final String ARCHITECTURE = "general.architecture";
  private static final String TYPE = "general.type";
  private static final String METHOD = "adapter.type";
  private static final String ALPHA = "adapter.lora.alpha";

  private GgufAdapter() {}

  /**
   * Writes an adapter whole or not at all. GGUF has one alpha, divided by the rank of each tensor;
   * another scale, as rsLoRA's, becomes such an alpha or goes into the matrices {@code lora_b}.
   *
   * @param base the model that it was made for; its configuration and shapes are looked at
   * @param precision of the matrices
   * @throws UnsupportedException if GGUF cannot hold the adapter (prompt tuning, DoRA, modules
   *     trained as a whole) or the architecture of its base
   * @throws ValidationException if the base lacks an adapted module, or has it in another shape, or
   *     if a number is beyond the precision; lists every module
   * @throws StorageException if it cannot be written
   */
  public static void write(
      Path file, PeftAdapter adapter, PretrainedModel base, GgufPrecision precision) {
    prepared(adapter, base, precision).writeTo(file);
  }

  /**
   * Checks an adapter as {@link #write} does, and makes it ready to be written.
   *
   * @throws UnsupportedException as write
   * @throws ValidationException as write
   */
  public static ExportFormat.Prepared prepared(
      PeftAdapter adapter, PretrainedModel base, GgufPrecision precision) {
    requireHeld(adapter);
    PeftMethod.LoraSettings lora = (PeftMethod.LoraSettings) adapter.method();
    AdapterBase target = AdapterBase.of(base);
    List<String> problems = new ArrayList<>();
    List<GgufWriter.Item> items = new ArrayList<>();
    String first = adapter.modules().iterator().next();
    double alpha = lora.scale(first) * lora.rank(first);
    if ((float) alpha == 0) {
      problems.add("its alpha must not be 0, which llama.cpp reads as none given");
    }
    for (String module : adapter.modules()) {
      Tensor a = Objects.requireNonNull(adapter.tensors().get(module + PEFT_A));
      Tensor b = Objects.requireNonNull(adapter.tensors().get(module + PEFT_B));
      List<Long> shape = target.shapes().get(module);
      if (shape == null) {
        problems.add("GGUF keeps no linear tensor '" + module + WEIGHT + "' of this model");
      } else if (!shape.equals(List.of(b.size(0), a.size(1)))) {
        problems.add(
            "it is for '"
                + module
                + "' ["
                + b.size(0)
                + ", "
                + a.size(1)
                + "], the model has "
                + shape);
      } else {
        String name = target.gguf(module);
        float factor = (float) (lora.scale(module) * lora.rank(module) / alpha);
        items.add(item(name + A, a, precision));
        items.add(item(name + B, target.toGguf(name, times(b, factor)), precision));
      }
    }
    if (!problems.isEmpty()) {
      throw new ValidationException("adapter " + adapter.source() + " for GGUF", problems);
    }
    Map<String, Object> metadata = new LinkedHashMap<>();
    metadata.put(ARCHITECTURE, target.family().architecture());
    metadata.put(TYPE, "adapter");
    metadata.put("general.file_type", precision.fileType());
    metadata.put(METHOD, "lora");
    metadata.put(ALPHA, (float) alpha);
    return GgufWriter.prepared(metadata, items);
  }

  /**
   * Checks that an adapter is of the kind that GGUF can hold, whatever its base.
   *
   * @throws UnsupportedException if it is not; says what it has
   */
  public static void requireHeld(PeftAdapter adapter) {
    if (!(adapter.method() instanceof PeftMethod.LoraSettings lora)) {
      throw unsupported(
          adapter, "virtual tokens", "Keep it as a PEFT folder; llama.cpp has no prompt tuning");
    }
    if (lora.dora()) {
      throw unsupported(adapter, "magnitudes of DoRA", "Write the merged model instead");
    }
    List<String> others =
        adapter.tensors().keySet().stream()
            .filter(name -> !name.endsWith(PEFT_A) && !name.endsWith(PEFT_B))
            .toList();
    if (!others.isEmpty()) {
      throw unsupported(
          adapter, "modules trained as a whole " + others, "Write the merged model instead");
    }
  }

  private static UnsupportedException unsupported(PeftAdapter adapter, String what, String remedy) {
    return new UnsupportedException(
        "the adapter " + adapter.source() + " has " + what + ", which GGUF cannot hold", remedy);
  }

  private static GgufWriter.Item item(String name, Tensor tensor, GgufPrecision precision) {
    List<Long> shape = Arrays.stream(tensor.shape()).boxed().toList();
    return new GgufWriter.Item(name, precision.typeOf(name, shape), shape, () -> tensor);
  }

  private static Tensor times(Tensor tensor, float factor) {
    if (factor == 1) {
      return tensor;
    }
    FloatBuffer from = FloatConversion.convert(tensor, DType.F32).floatBuffer();
    ByteBuffer to = Tensor.allocate(DType.F32, tensor.elements());
    FloatBuffer products = to.asFloatBuffer();
    while (from.hasRemaining()) {
      products.put(from.get() * factor);
    }
    return Tensor.of(DType.F32, to, tensor.shape());
  }

  /**
   * Reads an adapter.
   *
   * @param base the model that it is for
   * @throws FormatException if the file is not what the format promises, or the adapter is for
   *     another model
   * @throws UnsupportedException if it is no LoRA adapter, or holds more than its matrices
   * @throws NotFoundException if there is no such file
   * @throws StorageException if it cannot be read
   */
  public static PeftAdapter read(Path file, PretrainedModel base) {
    GgufFile gguf = GgufFile.read(file);
    Metadata metadata = gguf.metadata();
    AdapterBase target = AdapterBase.of(base);
    expect(metadata, TYPE, "adapter");
    expect(metadata, METHOD, "lora");
    expect(metadata, ARCHITECTURE, target.family().architecture());
    Map<String, Tensor> tensors = new TreeMap<>();
    Map<String, Integer> ranks = new TreeMap<>();
    for (GgufFile.Entry entry : gguf.tensors().values()) {
      boolean down = entry.name().endsWith(A);
      if (!down && !entry.name().endsWith(B)) {
        throw new UnsupportedException(
            gguf.source() + ": an adapter with a tensor '" + entry.name() + "'",
            "Take one that has LoRA matrices only");
      }
      String name = entry.name().substring(0, entry.name().length() - A.length());
      String module = target.module(name);
      int kept = down ? 1 : 0;
      List<Long> shape = target.shapes().get(module);
      if (shape == null
          || entry.shape().size() != 2
          || !entry.shape().get(kept).equals(shape.get(kept))) {
        throw new FormatException(
            gguf.source(),
            "tensor '"
                + entry.name()
                + "' "
                + entry.shape()
                + " fits no linear tensor of the model "
                + base.source()
                + "; load the model that the adapter was made for");
      }
      Tensor tensor = gguf.tensor(entry);
      tensors.put(module + (down ? PEFT_A : PEFT_B), down ? tensor : target.toPeft(name, tensor));
      if (down) {
        ranks.put(module, Math.toIntExact(tensor.size(0)));
      }
    }
    try {
      return new PeftAdapter(
          gguf.source(),
          settings(ranks, metadata.number(ALPHA, 0)),
          Optional.of("CAUSAL_LM"),
          base.source(),
          Optional.empty(),
          List.of(),
          tensors);
    } catch (ValidationException e) {
      throw new FormatException(gguf.source(), String.valueOf(e.getMessage()), e);
    }
  }

  /** Without an alpha, or with 0, the product is added as it is. */
  private static PeftMethod.LoraSettings settings(Map<String, Integer> ranks, double alpha) {
    int rank = ranks.values().stream().findFirst().orElse(1);
    Map<String, Integer> otherRanks = new TreeMap<>(ranks);
    otherRanks.values().removeIf(own -> own == rank);
    Map<String, Double> otherAlphas = new TreeMap<>();
    if (alpha == 0) {
      otherRanks.forEach((module, own) -> otherAlphas.put(module, (double) own));
    }
    return new PeftMethod.LoraSettings(
        rank,
        alpha == 0 ? rank : alpha,
        0,
        List.copyOf(ranks.keySet()),
        false,
        false,
        false,
        otherRanks,
        otherAlphas);
  }

  private static void expect(Metadata metadata, String key, String expected) {
    String found = metadata.text(key);
    if (!found.equals(expected)) {
      throw metadata.fail(key, "'" + expected + "'", found);
    }
  }
}
