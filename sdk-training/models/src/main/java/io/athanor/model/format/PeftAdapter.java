package io.athanor.model.format;

import io.athanor.api.common.DType;
import io.athanor.api.common.Digest;
import io.athanor.api.common.Tensor;
import io.athanor.api.error.ValidationException;
import io.athanor.api.graph.Weights;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;

/**
 * An adapter as PEFT keeps it: what was trained beside a frozen base model.
 *
 * <p>Tensors go by the base's names of modules: {@code <module>.lora_A.weight} [rank, in], {@code
 * <module>.lora_B.weight} [out, rank], {@code <module>.lora_magnitude_vector} [out] with DoRA,
 * {@code prompt_embeddings} [tokens, width] with prompt tuning, and the parameters of modules that
 * were trained as a whole under their own names, such as {@code classifier.weight}. Immutable and
 * thread-safe.
 *
 * @param source where it came from, for errors
 * @param method how it changes the base
 * @param task PEFT's name of the task, such as {@code CAUSAL_LM} or {@code SEQ_CLS}
 * @param base name or path of the base model, for people; may be empty
 * @param baseDigest of the base's weights, if known; see {@link #digest}
 * @param savedModules names or ends of names of modules that were trained as a whole
 * @param tensors by name, in the file's order
 */
public record PeftAdapter(
    String source,
    PeftMethod method,
    Optional<String> task,
    String base,
    Optional<Digest> baseDigest,
    List<String> savedModules,
    Map<String, Tensor> tensors) {
  static final String A = ".lora_A.weight";
  static final String B = ".lora_B.weight";
  static final String MAGNITUDE = ".lora_magnitude_vector";
  private static final int CHUNK = 1 << 20;
  private static final List<String> TOKEN_TABLES =
      List.of("embed_tokens.weight", "wte.weight", "word_embeddings.weight", "shared.weight");

  /**
   * @throws ValidationException if the tensors are not those that the method needs, or not of the
   *     shapes it gives them; lists every problem
   */
  public PeftAdapter {
    savedModules = List.copyOf(savedModules);
    tensors = Collections.unmodifiableMap(new LinkedHashMap<>(tensors));
    List<String> problems =
        method instanceof PeftMethod.LoraSettings lora
            ? loraProblems(lora, tensors, savedModules)
            : promptProblems((PeftMethod.PromptSettings) method, tensors, savedModules);
    tensors.forEach(
        (name, tensor) -> {
          if (!tensor.dtype().floating()) {
            problems.add("tensor '" + name + "' must hold floating-point numbers, is " + tensor);
          }
        });
    if (!problems.isEmpty()) {
      throw new ValidationException("adapter " + source, problems);
    }
  }

  private static List<String> loraProblems(
      PeftMethod.LoraSettings lora, Map<String, Tensor> tensors, List<String> savedModules) {
    List<String> problems = new ArrayList<>();
    Set<String> modules = modules(tensors);
    for (String module : modules) {
      int rank = lora.rank(module);
      Optional<Tensor> a = axes(tensors, module + A, 2, problems);
      Optional<Tensor> b = axes(tensors, module + B, 2, problems);
      if (a.isPresent() && b.isPresent() && (a.get().size(0) != rank || b.get().size(1) != rank)) {
        problems.add(
            "module '"
                + module
                + "' must have A [r, in] and B [out, r] of rank "
                + rank
                + ", got "
                + a.get()
                + " and "
                + b.get());
      }
      if (lora.dora()) {
        Optional<Tensor> magnitude = axes(tensors, module + MAGNITUDE, 1, problems);
        if (magnitude.isPresent() && b.isPresent() && magnitude.get().size(0) != b.get().size(0)) {
          problems.add("'" + module + MAGNITUDE + "' must have one element for each row of B");
        }
      }
    }
    if (modules.isEmpty()) {
      problems.add("it has no tensor whose name ends with " + A);
    }
    for (String name : tensors.keySet()) {
      Optional<String> module = moduleOf(name);
      boolean known =
          module.isPresent()
              ? lora.dora() || !name.endsWith(MAGNITUDE)
              : isSaved(savedModules, name);
      if (!known) {
        problems.add("tensor '" + name + "' belongs to no setting of the adapter");
      }
    }
    return problems;
  }

  private static List<String> promptProblems(
      PeftMethod.PromptSettings prompt, Map<String, Tensor> tensors, List<String> savedModules) {
    List<String> problems = new ArrayList<>();
    axes(tensors, PeftMethod.PromptSettings.TENSOR, 2, problems)
        .filter(t -> t.size(0) != prompt.virtualTokens() || t.size(1) != prompt.width())
        .ifPresent(
            t ->
                problems.add(
                    "'"
                        + PeftMethod.PromptSettings.TENSOR
                        + "' must be ["
                        + prompt.virtualTokens()
                        + ", "
                        + prompt.width()
                        + "], is "
                        + t));
    for (String name : tensors.keySet()) {
      if (!name.equals(PeftMethod.PromptSettings.TENSOR) && !isSaved(savedModules, name)) {
        problems.add("tensor '" + name + "' belongs to no setting of the adapter");
      }
    }
    return problems;
  }

  private static Optional<Tensor> axes(
      Map<String, Tensor> tensors, String name, int axes, List<String> problems) {
    Tensor tensor = tensors.get(name);
    if (tensor == null) {
      problems.add("tensor '" + name + "' is missing");
    } else if (tensor.rank() != axes) {
      problems.add("tensor '" + name + "' must have " + axes + " axes, is " + tensor);
    } else {
      return Optional.of(tensor);
    }
    return Optional.empty();
  }

  /** Whether a tensor belongs to a module that was trained as a whole. */
  static boolean isSaved(List<String> savedModules, String tensor) {
    return savedModules.stream().anyMatch(module -> ("." + tensor).contains("." + module + "."));
  }

  private static Optional<String> moduleOf(String tensor) {
    return List.of(A, B, MAGNITUDE).stream()
        .filter(tensor::endsWith)
        .map(end -> tensor.substring(0, tensor.length() - end.length()))
        .findFirst();
  }

  private static Set<String> modules(Map<String, Tensor> tensors) {
    Set<String> modules = new TreeSet<>();
    tensors.keySet().forEach(name -> moduleOf(name).ifPresent(modules::add));
    return modules;
  }

  /** The names of the modules that have matrices A and B, sorted; empty for prompt tuning. */
  public Set<String> modules() {
    return Collections.unmodifiableSet(modules(tensors));
  }

  /**
   * The same adapter, marked as made for this base.
   *
   * @param weights of the base
   */
  public PeftAdapter madeFor(Weights weights) {
    return new PeftAdapter(
        source,
        method,
        task,
        base,
        Optional.of(digest(weights, savedModules)),
        savedModules,
        tensors);
  }

  /**
   * Checks that the adapter was made for a base.
   *
   * @param weights of the base by canonical name, linear ones as [out, in]
   * @throws ValidationException if the base lacks a module, has other shapes, or has other weights
   *     than those the adapter was made with; lists every problem
   */
  public void requireFit(Weights weights) {
    List<String> problems = new ArrayList<>();
    tensors.forEach(
        (name, tensor) -> {
          if (isSaved(savedModules, name)) {
            requireShape(weights, name, tensor.shape(), problems);
          }
        });
    for (String module : modules()) {
      long in = Objects.requireNonNull(tensors.get(module + A)).size(1);
      long out = Objects.requireNonNull(tensors.get(module + B)).size(0);
      requireShape(weights, module + ".weight", new long[] {out, in}, problems);
    }
    if (method instanceof PeftMethod.PromptSettings prompt) {
      weights.tensors().entrySet().stream()
          .filter(item -> TOKEN_TABLES.stream().anyMatch(item.getKey()::endsWith))
          .filter(item -> item.getValue().size(-1) != prompt.width())
          .findFirst()
          .ifPresent(
              item ->
                  problems.add(
                      "virtual tokens are "
                          + prompt.width()
                          + " wide, and '"
                          + item.getKey()
                          + "' is "
                          + item.getValue()));
    }
    if (problems.isEmpty() && baseDigest.isPresent()) {
      Digest found = digest(weights, savedModules);
      if (!found.equals(baseDigest.get())) {
        problems.add(
            "it was made with weights of digest "
                + baseDigest.get().brief()
                + ", and these have "
                + found.brief()
                + "; load "
                + (base.isEmpty() ? "the model it was made for" : "'" + base + "'")
                + " in the same precision");
      }
    }
    if (!problems.isEmpty()) {
      throw new ValidationException("adapter " + source + " for this model", problems);
    }
  }

  private static void requireShape(
      Weights weights, String name, long[] shape, List<String> problems) {
    Tensor found = weights.tensors().get(name);
    if (found == null) {
      problems.add("the model has no '" + name + "'");
    } else if (!Arrays.equals(found.shape(), shape)) {
      problems.add(
          "it is for '" + name + "' " + Arrays.toString(shape) + ", the model has " + found);
    }
  }

  /**
   * A digest of a base's names, shapes and values, whatever its order and whether it keeps the
   * values in 16 or 32 bits; with 32 it is {@link Weights#digest} of the weights that count.
   *
   * @param weights of the base
   * @param savedModules modules to leave out, because the adapter brings its own
   */
  public static Digest digest(Weights weights, List<String> savedModules) {
    MessageDigest digest = Digest.sha256();
    new TreeMap<>(weights.tensors())
        .forEach(
            (name, tensor) -> {
              if (!isSaved(savedModules, name)) {
                DType wide = tensor.dtype().floating() ? DType.F32 : tensor.dtype();
                String head = name + wide + Arrays.toString(tensor.shape()) + "\n";
                digest.update(head.getBytes(StandardCharsets.UTF_8));
                updateWide(digest, tensor);
              }
            });
    return Digest.finish(digest);
  }

  private static void updateWide(MessageDigest digest, Tensor tensor) {
    ByteBuffer bytes = tensor.bytes();
    while (bytes.hasRemaining()) {
      int n = Math.min(bytes.remaining(), CHUNK * tensor.dtype().bytes());
      ByteBuffer part = bytes.slice(bytes.position(), n);
      Tensor chunk = Tensor.of(tensor.dtype(), part, n / tensor.dtype().bytes());
      digest.update(FloatConversion.convert(chunk, DType.F32).bytes());
      bytes.position(bytes.position() + n);
    }
  }

  @Override
  public String toString() {
    return source + " (" + method.peftType() + ", " + tensors.size() + " tensors)";
  }
}
