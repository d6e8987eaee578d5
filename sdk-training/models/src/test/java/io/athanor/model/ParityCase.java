package io.athanor.model;

import static org.assertj.core.api.Assertions.assertThat;

import io.athanor.api.common.DType;
import io.athanor.api.common.Tensor;
import io.athanor.api.data.Feature;
import io.athanor.api.data.LanguageEncoding;
import io.athanor.api.data.Signature;
import io.athanor.api.data.Task;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.LossOp;
import io.athanor.api.graph.Weights;
import io.athanor.api.model.SafeTensors;
import io.athanor.api.training.Lora;
import io.athanor.model.arch.Pretrained;
import io.athanor.model.format.PeftAdapter;
import io.athanor.model.format.PeftFolder;
import io.athanor.training.tuning.TunedModel;
import java.net.URISyntaxException;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A tiny model, and what transformers and PEFT compute with it. */
record ParityCase(String name, Task task, Pretrained model, Map<String, Tensor> expected) {
  static final int VOCABULARY = 61;
  static final List<String> GENERATION =
      List.of(
          "llama", "llama3", "linear", "yarn", "smollm", "mistral", "qwen2", "qwen3", "gemma",
          "gemma2", "gpt2");
  static final List<String> CLASSIFICATION =
      List.of(
          "llama-classification",
          "gpt2-classification",
          "bert-classification",
          "roberta-classification",
          "distilbert-classification");
  static final List<String> EMBEDDING = List.of("bert-embedding");

  static ParityCase generation(String name) {
    return read(name, new Task.Generation("text"));
  }

  static ParityCase classification(String name) {
    return read(name, new Task.Classification("label", List.of("a", "b", "c")));
  }

  static ParityCase read(String name, Task task) {
    Path folder = folder(name);
    Map<String, Tensor> expected =
        SafeTensors.read(folder.resolve("expected.safetensors")).tensors();
    return new ParityCase(name, task, Models.huggingFace(folder), expected);
  }

  static Path folder(String name) {
    try {
      return Path.of(ParityCase.class.getResource("/parity/" + name).toURI());
    } catch (URISyntaxException e) {
      throw new AssertionError(e);
    }
  }

  Signature signature() {
    Feature tokens = new Feature.Tokens(LanguageEncoding.TOKENS, VOCABULARY, model.contextLength());
    return new Signature(List.of(tokens), task);
  }

  Graph graph() {
    return model.graph(signature());
  }

  Weights weights() {
    return model.weights(graph(), 1);
  }

  /** With the low-rank adapter that PEFT saved. */
  TunedModel adapted() {
    PeftAdapter adapter = PeftFolder.read(folder(name).resolve("adapter"));
    String[] targets =
        name.startsWith("bert")
            ? new String[] {"query", "value"}
            : name.equals("gpt2") ? new String[] {"c_attn", "c_proj"} : new String[0];
    TunedModel tuned =
        TunedModel.of(
            Lora.rank(4).alpha(8).targets(targets), graph(), weights(), Optional.empty(), 1);
    Weights weights = tuned.weights().with(Weights.of(adapter.tensors()));
    assertThat(weights.tensors()).hasSameSizeAs(tuned.weights().tensors());
    return new TunedModel(tuned.graph(), weights);
  }

  int rows() {
    return (int) ids().size(0);
  }

  int length() {
    return (int) ids().size(1);
  }

  private Tensor ids() {
    return expected.get("input_ids");
  }

  /** A row's ids without its padding. */
  int[] prompt(int row) {
    long[] ids = ids().longs();
    long[] mask = expected.get("attention_mask").longs();
    int from = row * length();
    int real = (int) Arrays.stream(mask, from, from + length()).sum();
    return Arrays.stream(ids, from, from + real).mapToInt(id -> (int) id).toArray();
  }

  /** Tokens, mask, target and reference, as far as there are any. */
  Map<String, Tensor> batch() {
    Map<String, Tensor> tensors = new HashMap<>();
    tensors.put(LanguageEncoding.TOKENS, ids());
    long[] mask = expected.get("attention_mask").longs();
    float[] real = new float[mask.length];
    for (int i = 0; i < real.length; i++) {
      real[i] = mask[i];
    }
    tensors.put(LanguageEncoding.TOKENS + ".mask", Tensor.ofFloats(real, ids().shape()));
    Tensor labels = expected.get("labels");
    if (labels != null) {
      tensors.put(Signature.TARGET, labels.rank() == 2 ? shifted(labels) : labels);
    }
    Tensor reference = expected.get("reference");
    if (reference != null) {
      tensors.put("reference", reference);
    }
    return tensors;
  }

  /** Transformers scores position i against label i + 1. */
  private Tensor shifted(Tensor labels) {
    long[] from = labels.longs();
    long[] to = new long[from.length];
    for (int i = 0; i < to.length; i++) {
      to[i] = (i + 1) % length() == 0 ? LossOp.IGNORED : from[i + 1];
    }
    return Tensor.ofLongs(to, labels.shape());
  }

  float[] floats(String tensor) {
    Tensor found = expected.get(tensor);
    if (found.dtype() != DType.F32) {
      throw new AssertionError(tensor + " is " + found);
    }
    return found.floats();
  }
}
