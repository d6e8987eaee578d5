package io.athanor.model.format.gguf;

import io.athanor.api.common.Tensor;
import io.athanor.model.format.PretrainedModel;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * The model that an adapter is for.
 *
 * @param shapes [out, in] of the linear tensors that GGUF keeps, by Hugging Face name of the module
 */
record AdapterBase(Family family, Family.Heads heads, Map<String, List<Long>> shapes) {
  private static final String WEIGHT = ".weight";

  static AdapterBase of(PretrainedModel model) {
    ConfigEntries config = new ConfigEntries(model.source(), model.config());
    Family family = Families.ofModelType(config.text("model_type"), model.source());
    Family.Heads heads = family.heads(config);
    Map<String, List<Long>> shapes = new LinkedHashMap<>();
    for (String key : model.tensors().keySet()) {
      String module = family.fullName(key);
      String name = family.names().toGguf(module).orElse("");
      boolean linear =
          name.startsWith("blk.") || (name.startsWith("output.") && !family.tied(config));
      if (linear && name.endsWith(WEIGHT)) {
        Tensor tensor = Optional.ofNullable(model.tensors().get(key)).orElseThrow();
        List<Long> shape = Arrays.stream(tensor.shape()).boxed().toList();
        Layout layout = family.layout(name, heads);
        if (shape.size() == 2 && layout.fits(shape)) {
          shapes.put(
              module.substring(0, module.length() - WEIGHT.length()), layout.ggufShape(shape));
        }
      }
    }
    return new AdapterBase(family, heads, shapes);
  }

  /** The name in GGUF of a module's weight. */
  String gguf(String module) {
    return family.names().toGguf(module + WEIGHT).orElseThrow();
  }

  /** The module of a weight in GGUF; empty if there is none. */
  String module(String gguf) {
    return family
        .names()
        .toHuggingFace(gguf)
        .filter(name -> name.endsWith(WEIGHT))
        .map(name -> name.substring(0, name.length() - WEIGHT.length()))
        .orElse("");
  }

  /** The matrix that makes the outputs [out, r], its rows in the order of the weight's. */
  Tensor toGguf(String name, Tensor up) {
    return family.layout(name, heads) instanceof Layout.RotaryRows rows ? rows.toGguf(up) : up;
  }

  Tensor toPeft(String name, Tensor up) {
    return family.layout(name, heads) instanceof Layout.RotaryRows rows
        ? rows.toHuggingFace(up)
        : up;
  }
}
