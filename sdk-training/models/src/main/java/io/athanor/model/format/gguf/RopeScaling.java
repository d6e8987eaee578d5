package io.athanor.model.format.gguf;

import io.athanor.api.common.DType;
import io.athanor.api.common.Tensor;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.UnsupportedException;
import io.athanor.model.format.FloatConversion;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * Rotary frequencies stretched for longer contexts. GGUF keeps linear and YaRN scaling as metadata,
 * and Llama 3's as a tensor that holds a divisor for each frequency; from that its four settings
 * are worked out again.
 */
final class RopeScaling {
  static final String TENSOR = "rope_freqs.weight";
  private static final double LOW = 1;
  private static final double HIGH = 4;
  private static final int ORIGINAL = 8192;
  private static final double TOLERANCE = 1e-3;

  private RopeScaling() {}

  /** The entry {@code rope_scaling}, or null. */
  static @Nullable Map<String, @Nullable Object> config(
      GgufFile file, String prefix, double base, int headSize) {
    Metadata metadata = file.metadata();
    GgufFile.Entry factors = file.tensors().get(TENSOR);
    if (factors != null) {
      return llama3(file, factors, base, headSize);
    }
    String type = metadata.optionalText(prefix + "rope.scaling.type").orElse("none");
    if (type.equals("none")) {
      return null;
    }
    if (!type.equals("linear") && !type.equals("yarn")) {
      throw new UnsupportedException(
          file.source() + ": rope scaling '" + type + "'",
          "Take a model with linear, yarn or none");
    }
    Map<String, @Nullable Object> scaling = new LinkedHashMap<>();
    scaling.put("rope_type", type);
    scaling.put("factor", metadata.number(prefix + "rope.scaling.factor"));
    if (type.equals("yarn")) {
      scaling.put(
          "original_max_position_embeddings",
          metadata.size(prefix + "rope.scaling.original_context_length"));
    }
    return scaling;
  }

  private static Map<String, @Nullable Object> llama3(
      GgufFile file, GgufFile.Entry entry, double base, int headSize) {
    if (Tensor.elements(entry.sizes()) != headSize / 2) {
      throw new FormatException(
          file.source(),
          "tensor '" + TENSOR + "' must hold " + headSize / 2 + " numbers, got " + entry.shape());
    }
    float[] divisors = FloatConversion.convert(file.tensor(entry), DType.F32).floats();
    double factor = 1;
    for (float divisor : divisors) {
      factor = Math.max(factor, divisor);
    }
    Llama3 usual = new Llama3(factor, LOW, HIGH, ORIGINAL);
    Llama3 found =
        usual.gives(divisors, base)
            ? usual
            : solved(divisors, base, factor)
                .filter(candidate -> candidate.gives(divisors, base))
                .orElseThrow(
                    () ->
                        new UnsupportedException(
                            file.source() + ": rope factors that are not Llama 3's",
                            "Take the model's Hugging Face folder instead"));
    Map<String, @Nullable Object> scaling = new LinkedHashMap<>();
    scaling.put("rope_type", "llama3");
    scaling.put("factor", found.factor());
    scaling.put("low_freq_factor", found.low());
    scaling.put("high_freq_factor", found.high());
    scaling.put("original_max_position_embeddings", found.original());
    return scaling;
  }

  /**
   * Between the limits the blend is a straight line over frequency, whose two numbers give the
   * limits; a common multiple of the three settings changes nothing, so the lower one is 1.
   */
  private static Optional<Llama3> solved(float[] divisors, double base, double factor) {
    int first = -1;
    int last = -1;
    for (int i = 0; i < divisors.length; i++) {
      if (divisors[i] > 1 + TOLERANCE && divisors[i] < factor - TOLERANCE) {
        first = first < 0 ? i : first;
        last = i;
      }
    }
    if (first == last) {
      return Optional.empty();
    }
    double x1 = 1 / wavelength(first, divisors.length, base);
    double x2 = 1 / wavelength(last, divisors.length, base);
    double y1 = blend(divisors[first], factor);
    double y2 = blend(divisors[last], factor);
    double slope = (y2 - y1) / (x2 - x1);
    double high = 1 - 1 / (y1 - slope * x1);
    double original = slope * (high - 1);
    return high > 1 && original >= 1 && original < Integer.MAX_VALUE
        ? Optional.of(
            new Llama3(factor, 1, Math.round(high * 1000) / 1000d, (int) Math.round(original)))
        : Optional.empty();
  }

  private static double blend(double divisor, double factor) {
    return (1 / divisor - 1 / factor) / (1 - 1 / factor);
  }

  private static double wavelength(int i, int count, double base) {
    return 2 * Math.PI * Math.pow(base, (double) i / count);
  }

  /** The metadata of a configuration, without the architecture's prefix. */
  static Map<String, Object> metadata(ConfigEntries config) {
    Optional<ConfigEntries> scaling = config.object("rope_scaling");
    String type = scaling.map(RopeScaling::type).orElse("default");
    if (type.equals("default") || type.equals("llama3")) {
      return Map.of();
    }
    if (!type.equals("linear") && !type.equals("yarn")) {
      throw new UnsupportedException(
          config.source() + ": rope scaling '" + type + "' cannot be written as GGUF",
          "Use llama3, linear, yarn or none, or write a Hugging Face folder instead");
    }
    Map<String, Object> values = new LinkedHashMap<>();
    values.put("rope.scaling.type", type);
    values.put("rope.scaling.factor", (float) scaling.orElseThrow().number("factor"));
    if (type.equals("yarn")) {
      values.put(
          "rope.scaling.original_context_length",
          (long) scaling.orElseThrow().size("original_max_position_embeddings"));
    }
    return values;
  }

  /** Llama 3's divisors, if the configuration asks for them. */
  static Map<String, Tensor> tensors(ConfigEntries config, double base, int headSize) {
    return config
        .object("rope_scaling")
        .filter(scaling -> type(scaling).equals("llama3"))
        .map(
            scaling ->
                new Llama3(
                    scaling.number("factor", 8),
                    scaling.number("low_freq_factor", LOW),
                    scaling.number("high_freq_factor", HIGH),
                    scaling.size("original_max_position_embeddings", ORIGINAL)))
        .map(llama3 -> llama3.divisors(headSize / 2, base))
        .map(divisors -> Map.of(TENSOR, Tensor.ofFloats(divisors, divisors.length)))
        .orElse(Map.of());
  }

  private static String type(ConfigEntries scaling) {
    return scaling.has("rope_type") ? scaling.text("rope_type") : scaling.text("type");
  }

  /** Llama 3's settings, named as in Hugging Face's configuration. */
  private record Llama3(double factor, double low, double high, int original) {
    float[] divisors(int count, double base) {
      float[] divisors = new float[count];
      for (int i = 0; i < count; i++) {
        double wavelength = wavelength(i, count, base);
        double smooth = (original / wavelength - low) / (high - low);
        divisors[i] =
            (float)
                (wavelength < original / high
                    ? 1
                    : wavelength > original / low ? factor : 1 / ((1 - smooth) / factor + smooth));
      }
      return divisors;
    }

    boolean gives(float[] wanted, double base) {
      float[] own = divisors(wanted.length, base);
      for (int i = 0; i < own.length; i++) {
        if (!(Math.abs(own[i] - wanted[i]) <= TOLERANCE * wanted[i])) {
          return false;
        }
      }
      return true;
    }
  }
}
