package io.athanor.model.format.gguf;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The names of one architecture's tensors in GGUF and in Hugging Face files. {@code #} stands for
 * the layer's number; the ending {@code .weight} or {@code .bias} is the same on both sides.
 */
final class TensorNames {
  private static final Pattern LAYER = Pattern.compile("\\.(0|[1-9][0-9]{0,5})\\.");

  private final Map<String, String> huggingFace = new LinkedHashMap<>();
  private final Map<String, String> gguf = new LinkedHashMap<>();

  /**
   * @param pairs GGUF name and Hugging Face name in turn, without the ending
   */
  TensorNames(String... pairs) {
    for (int i = 0; i < pairs.length; i += 2) {
      huggingFace.put(pairs[i], pairs[i + 1]);
      gguf.put(pairs[i + 1], pairs[i]);
    }
  }

  /** The Hugging Face name of a GGUF tensor, if the architecture has such a tensor. */
  Optional<String> toHuggingFace(String name) {
    return translate(huggingFace, name);
  }

  /** The GGUF name of a Hugging Face tensor, if the architecture has such a tensor. */
  Optional<String> toGguf(String name) {
    return translate(gguf, name);
  }

  /** The GGUF names of what every layer has, without the ending. */
  List<String> layerStems() {
    return huggingFace.keySet().stream().filter(stem -> stem.startsWith("blk.#.")).toList();
  }

  private static Optional<String> translate(Map<String, String> table, String name) {
    int ending = name.lastIndexOf('.');
    if (ending < 0 || !(name.endsWith(".weight") || name.endsWith(".bias"))) {
      return Optional.empty();
    }
    String stem = name.substring(0, ending);
    Matcher layer = LAYER.matcher(stem);
    String number = layer.find() ? layer.group(1) : "";
    String known = table.get(number.isEmpty() ? stem : layer.replaceFirst(".#."));
    return Optional.ofNullable(known)
        .map(found -> found.replace("#", number) + name.substring(ending));
  }

  /** The layer's number in a name of either side, or -1. */
  static int layer(String name) {
    Matcher layer = LAYER.matcher(name);
    return layer.find() ? Integer.parseInt(layer.group(1)) : -1;
  }
}
