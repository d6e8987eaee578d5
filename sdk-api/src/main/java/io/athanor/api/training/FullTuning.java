package io.athanor.api.training;

import java.util.List;

/**
 * Trains every parameter that the model does not freeze itself, but for those named here.
 *
 * @param frozen patterns of parameter names, in which {@code *} stands for any characters, dots
 *     included; each must match
 */
public record FullTuning(List<String> frozen) implements Tuning {
  public FullTuning {
    frozen = Lora.names("frozen", frozen);
  }

  /** Trains everything. */
  public static FullTuning everything() {
    return new FullTuning(List.of());
  }

  /** Trains everything but the parameters whose names match, for example {@code embeddings.*}. */
  public static FullTuning freezing(String... patterns) {
    return new FullTuning(List.of(patterns));
  }

  @Override
  public Kind kind() {
    return Kind.FULL;
  }
}
