package io.athanor.model.format.gguf;

import io.athanor.api.common.Tensor;
import io.athanor.model.format.PeftAdapter;
import io.athanor.model.format.PeftMethod;
import io.athanor.model.format.PretrainedModel;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.TreeMap;

/** Tiny models whose greedy texts vary, and adapters for them. */
final class TinyModels {
  /** The first token of llama.gguf that is no role and no single byte. */
  private static final int BYTES_END = 260;

  private TinyModels() {}

  /**
   * A fixture with matrices drawn anew, large enough that tokens differ in their scores. Llama goes
   * without biases of the attention, which llama.cpp takes only where heads fill the hidden size,
   * and never says single bytes, which decoders make different texts of.
   */
  static PretrainedModel lively(String fixture) {
    PretrainedModel model = Gguf.read(Fixtures.path(fixture));
    Random random = new Random(5);
    Map<String, Object> config = new LinkedHashMap<>(model.config());
    config.put("attention_bias", false);
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    model
        .tensors()
        .forEach(
            (name, tensor) ->
                tensors.put(name, tensor.rank() < 2 ? tensor : drawn(random, tensor.shape())));
    tensors.keySet().removeIf(name -> name.contains("self_attn") && name.endsWith(".bias"));
    tensors.computeIfPresent("lm_head.weight", (name, tensor) -> withoutBytes(tensor));
    return new PretrainedModel(
        fixture, config, tensors, model.tokenizer(), model.chatTemplate(), model.specialTokens());
  }

  /** The fixture of Llama, biases included, with one head, which fills the hidden size. */
  static PretrainedModel oneBiasedHead() {
    PretrainedModel model = Gguf.read(Fixtures.path("llama.gguf"));
    Random random = new Random(7);
    Map<String, Object> config = new LinkedHashMap<>(model.config());
    config.put("num_attention_heads", 1);
    Map<String, Tensor> tensors = new LinkedHashMap<>(model.tensors());
    tensors.replaceAll(
        (name, tensor) ->
            name.endsWith("q_proj.bias")
                ? drawn(random, 8)
                : name.matches(".*[qo]_proj\\.weight") ? drawn(random, 8, 8) : tensor);
    return new PretrainedModel(
        "one head",
        config,
        tensors,
        model.tokenizer(),
        model.chatTemplate(),
        model.specialTokens());
  }

  private static Tensor withoutBytes(Tensor output) {
    float[] numbers = new float[(int) output.elements()];
    output.floatBuffer().get(numbers);
    Arrays.fill(numbers, 0, (int) (BYTES_END * output.size(1)), 0);
    return Tensor.ofFloats(numbers, output.shape());
  }

  static Tensor drawn(Random random, long... shape) {
    float[] numbers = new float[(int) Tensor.elements(shape)];
    for (int i = 0; i < numbers.length; i++) {
      numbers[i] = (float) random.nextGaussian();
    }
    return Tensor.ofFloats(numbers, shape);
  }

  /** LoRA with rank 2, and rank 3 in the first module; sizes [in, out] by module. */
  static PeftAdapter adapter(Map<String, long[]> modules, boolean rsLora) {
    Random random = new Random(6);
    Map<String, Tensor> tensors = new LinkedHashMap<>();
    Map<String, Integer> ranks = new LinkedHashMap<>();
    new TreeMap<>(modules)
        .forEach(
            (module, sizes) -> {
              int rank = ranks.isEmpty() ? 3 : 2;
              if (rank == 3) {
                ranks.put(module, rank);
              }
              tensors.put(module + ".lora_A.weight", drawn(random, rank, sizes[0]));
              tensors.put(module + ".lora_B.weight", drawn(random, sizes[1], rank));
            });
    return adapter(settings(rsLora, ranks), tensors);
  }

  static PeftMethod.LoraSettings settings(boolean rsLora, Map<String, Integer> ranks) {
    return new PeftMethod.LoraSettings(
        2, 1.5, 0, List.of("any"), rsLora, false, false, ranks, Map.of());
  }

  static PeftAdapter adapter(PeftMethod method, Map<String, Tensor> tensors) {
    return new PeftAdapter(
        "tiny", method, Optional.empty(), "", Optional.empty(), List.of(), tensors);
  }

  /** The model with the adapter's products added to its weights; GPT-2 keeps them transposed. */
  static PretrainedModel merged(PretrainedModel model, PeftAdapter adapter, boolean transposed) {
    PeftMethod.LoraSettings lora = (PeftMethod.LoraSettings) adapter.method();
    Map<String, Tensor> tensors = new LinkedHashMap<>(model.tensors());
    for (String module : adapter.modules()) {
      Tensor a = adapter.tensors().get(module + ".lora_A.weight");
      Tensor b = adapter.tensors().get(module + ".lora_B.weight");
      int in = (int) a.size(1);
      int out = (int) b.size(0);
      int rank = (int) a.size(0);
      Tensor weight = tensors.get(module + ".weight");
      float[] sums = new float[in * out];
      weight.floatBuffer().get(sums);
      for (int o = 0; o < out; o++) {
        for (int i = 0; i < in; i++) {
          double sum = 0;
          for (int r = 0; r < rank; r++) {
            sum += b.floatBuffer().get(o * rank + r) * a.floatBuffer().get(r * in + i);
          }
          sums[transposed ? i * out + o : o * in + i] += (float) (lora.scale(module) * sum);
        }
      }
      tensors.put(module + ".weight", Tensor.ofFloats(sums, weight.shape()));
    }
    return new PretrainedModel(
        model.source(),
        model.config(),
        tensors,
        model.tokenizer(),
        model.chatTemplate(),
        model.specialTokens());
  }
}
