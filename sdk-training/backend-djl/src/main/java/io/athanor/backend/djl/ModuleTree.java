package io.athanor.backend.djl;

import io.athanor.api.common.Tensor;
import io.athanor.api.error.UnsupportedException;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.Parameter;
import io.athanor.api.graph.Weights;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Parameters as PyTorch holds them: {@code layer.0.weight} is the tensor {@code weight} of the
 * module {@code 0} of the module {@code layer}. So the names of a model's state in PyTorch are
 * ours.
 */
final class ModuleTree {
  private static final Pattern NAME = Pattern.compile("[A-Za-z0-9_-]+");
  private static final String TRAINING = "training";

  private final Map<String, ModuleTree> modules = new LinkedHashMap<>();
  private final Map<String, Tensor> tensors = new LinkedHashMap<>();
  private final List<String> buffers = new ArrayList<>();
  private final Set<String> trained = new HashSet<>();
  private String className = "";

  private ModuleTree() {}

  /**
   * The parameters of a graph.
   *
   * @throws UnsupportedException if there can be no modules of these names
   */
  static ModuleTree of(Graph graph, Weights weights) {
    ModuleTree root = new ModuleTree();
    for (Parameter parameter : graph.parameters()) {
      root.add(parameter, parameter.name(), weights.tensor(parameter.name()));
    }
    return root;
  }

  private void add(Parameter parameter, String rest, Tensor tensor) {
    int dot = rest.indexOf('.');
    String name = dot < 0 ? rest : rest.substring(0, dot);
    if (!NAME.matcher(name).matches() || name.equals(TRAINING) || name.equals("forward")) {
      throw refusal(parameter, "PyTorch has no place for '" + name + "'");
    }
    if (dot < 0 ? modules.containsKey(name) : tensors.containsKey(name)) {
      throw refusal(parameter, "'" + name + "' would be a tensor and a module");
    }
    if (dot >= 0) {
      modules
          .computeIfAbsent(name, n -> new ModuleTree())
          .add(parameter, rest.substring(dot + 1), tensor);
      return;
    }
    tensors.put(name, tensor);
    if (parameter.role() == Parameter.Role.STATISTIC) {
      buffers.add(name);
    } else if (parameter.trained()) {
      trained.add(name);
    }
  }

  private static UnsupportedException refusal(Parameter parameter, String reason) {
    return new UnsupportedException(
        "the parameter '" + parameter.name() + "' in a TorchScript module: " + reason,
        "Name it as PyTorch does: parts of letters, digits, - and _, joined by dots, where no whole"
            + " name is the beginning of another");
  }

  /** The expression of a parameter in a method of the root. */
  static String expression(String parameter) {
    String value = "self";
    for (String name : parameter.split("\\.")) {
      value = "getattr(" + value + ", \"" + name + "\")";
    }
    return value;
  }

  /**
   * The texts of all classes; modules of the same form share one.
   *
   * @param root name of the root's class
   * @param methods of the root
   */
  String classes(String root, String methods) {
    Map<String, String> names = new LinkedHashMap<>();
    String attributes = attributes(names);
    className = root;
    StringBuilder text = new StringBuilder();
    names.forEach((body, name) -> text.append(head(name)).append(body).append('\n'));
    return text.append(head(root)).append(attributes).append(methods).toString();
  }

  private static String head(String name) {
    return "class " + name + "(Module):\n";
  }

  /** Declares what the module holds, and the classes of its modules. */
  private String attributes(Map<String, String> names) {
    StringBuilder text = new StringBuilder();
    List<String> parameters = tensors.keySet().stream().filter(n -> !buffers.contains(n)).toList();
    text.append("  __parameters__ = [").append(quoted(parameters)).append("]\n");
    text.append("  __buffers__ = [").append(quoted(buffers)).append("]\n");
    text.append("  __annotations__ = []\n");
    tensors.keySet().forEach(name -> text.append(attribute(name, "Tensor")));
    text.append("  training : bool\n");
    modules.forEach(
        (name, module) -> {
          String body = module.attributes(names);
          module.className = names.computeIfAbsent(body, b -> "Module" + names.size());
          text.append(attribute(name, "__torch__." + module.className));
        });
    return text.toString();
  }

  private static String attribute(String name, String type) {
    return "  __annotations__[\"" + name + "\"] = " + type + "\n";
  }

  private static String quoted(List<String> names) {
    return names.stream().map(name -> "\"" + name + "\", ").collect(Collectors.joining());
  }

  /** The module as an object, once its class has a name. */
  void write(Pickle pickle) {
    pickle.begin(className).text(TRAINING).flag(false);
    tensors.forEach((name, tensor) -> pickle.text(name).tensor(tensor, trained.contains(name)));
    modules.forEach(
        (name, module) -> {
          pickle.text(name);
          module.write(pickle);
        });
    pickle.end();
  }
}
