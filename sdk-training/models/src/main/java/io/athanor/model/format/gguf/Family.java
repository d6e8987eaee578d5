package io.athanor.model.format.gguf;

import io.athanor.api.common.Tensor;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * One architecture of GGUF: what its configuration and tensors are called, and how they lie, here
 * and in Hugging Face files.
 */
interface Family {
  /** The value of {@code general.architecture}. */
  String architecture();

  /** The values of {@code model_type} that fit. */
  List<String> modelTypes();

  TensorNames names();

  /**
   * @param name of the tensor in GGUF
   */
  Layout layout(String name, Heads heads);

  /** The full Hugging Face name of a tensor whose name may lack a prefix. */
  default String fullName(String name) {
    return name;
  }

  /**
   * Why llama.cpp loads no model that has this tensor; empty if it does.
   *
   * @param name of the tensor in GGUF
   */
  default Optional<String> refusal(String name, ConfigEntries config) {
    return Optional.empty();
  }

  /** Tensors of a GGUF file that are part of its configuration. */
  default boolean configures(String name) {
    return false;
  }

  /** Hugging Face's configuration of a GGUF file. */
  Map<String, @Nullable Object> config(GgufFile file);

  Heads heads(ConfigEntries config);

  /** Number of layers. */
  int layers(ConfigEntries config);

  boolean tied(ConfigEntries config);

  /** Whether readers want a tied output as a tensor of its own, a copy of the embedding. */
  default boolean copiesTiedOutput() {
    return false;
  }

  /** GGUF's metadata of a Hugging Face configuration; integers as Long, others as Float. */
  Map<String, Object> metadata(ConfigEntries config);

  /** The tensors of a GGUF file that Hugging Face keeps in the configuration. */
  default Map<String, Tensor> configuring(ConfigEntries config) {
    return Map.of();
  }

  /**
   * Attention heads.
   *
   * @param size numbers in a head
   */
  record Heads(int queries, int keys, int size) {}
}
