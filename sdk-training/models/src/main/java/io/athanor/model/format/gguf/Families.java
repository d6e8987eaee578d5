package io.athanor.model.format.gguf;

import io.athanor.api.error.UnsupportedException;
import java.util.List;
import java.util.stream.Collectors;

/** The architectures that are known. */
final class Families {
  private static final List<Family> ALL =
      List.of(
          DecoderFamily.LLAMA,
          DecoderFamily.QWEN2,
          DecoderFamily.QWEN3,
          DecoderFamily.GEMMA,
          DecoderFamily.GEMMA2,
          new Gpt2Family());

  private Families() {}

  static Family ofArchitecture(String name, String source) {
    return ALL.stream()
        .filter(family -> family.architecture().equals(name))
        .findFirst()
        .orElseThrow(
            () ->
                new UnsupportedException(
                    source + ": GGUF architecture '" + name + "'",
                    "Known are "
                        + ALL.stream().map(Family::architecture).collect(Collectors.joining(", "))
                        + "; take the model's Hugging Face folder instead"));
  }

  static Family ofModelType(String type, String source) {
    return ALL.stream()
        .filter(family -> family.modelTypes().contains(type))
        .findFirst()
        .orElseThrow(
            () ->
                new UnsupportedException(
                    source + ": model type '" + type + "' cannot be written as GGUF",
                    "Known are "
                        + ALL.stream()
                            .flatMap(family -> family.modelTypes().stream())
                            .collect(Collectors.joining(", "))
                        + "; write a Hugging Face folder instead"));
  }
}
