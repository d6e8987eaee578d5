package io.athanor.backend.djl;

import io.athanor.api.backend.Optimizer;
import io.athanor.api.graph.ElementOp;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.Input;
import io.athanor.api.graph.Node;
import io.athanor.api.graph.SequenceOp;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/**
 * Writes a graph as the text of one TorchScript class, in the form {@code torch.jit.save} prints.
 * Parameters are the attribute {@code p}, a list in the graph's order that Java binds; the layers
 * are unrolled.
 */
final class ProgramWriter {
  static final String CLASS = "Program";

  /** The attributes to bind: the parameters, then for each {@link ParameterGroup} four lists. */
  static List<String> attributes(int groups) {
    List<String> names = new ArrayList<>(List.of("p"));
    for (int i = 0; i < groups; i++) {
      names.addAll(List.of("leaves" + i, "weights" + i, "first" + i, "second" + i, "steps" + i));
    }
    return names;
  }

  private final Graph graph;
  private final StringBuilder text = new StringBuilder();

  private ProgramWriter(Graph graph, List<String> attributes) {
    this.graph = graph;
    line("class " + CLASS + "(Module):");
    line("  __parameters__ = []");
    line("  __buffers__ = []");
    line("  training : bool");
    attributes.forEach(name -> line("  " + name + " : List[Tensor]"));
    StringBuilder parameters = new StringBuilder();
    attributes.forEach(name -> parameters.append(", ").append(name).append(": List[Tensor]"));
    method("bind", parameters.substring(2), "int");
    attributes.forEach(name -> line("    self." + name + " = " + name));
    line("    return 0");
  }

  /** The text for prediction only. */
  static String forPrediction(Graph graph) {
    ProgramWriter writer = new ProgramWriter(graph, attributes(0));
    writer.predict(graph);
    return writer.text.toString();
  }

  /** The text for training and prediction. */
  static String forTraining(Graph graph, Optimizer optimizer, List<ParameterGroup> groups) {
    ProgramWriter writer = new ProgramWriter(graph, attributes(groups.size()));
    writer.predict(graph.forPrediction());
    writer.evaluate();
    writer.loss();
    writer.gradients(groups);
    writer.update(optimizer, groups);
    writer.step();
    return writer.text.toString();
  }

  /** Whether training draws random numbers. */
  static boolean random(Graph graph) {
    return graph.nodes().stream()
        .map(Node::op)
        .anyMatch(
            op ->
                (op instanceof ElementOp.Dropout dropout && dropout.rate() > 0)
                    || (op instanceof SequenceOp.Attention attention && attention.dropout() > 0));
  }

  private void line(String line) {
    text.append(line).append('\n');
  }

  private void method(String name, String parameters, String result) {
    line(
        "  def " + name + "(self: __torch__." + CLASS + ", " + parameters + ") -> " + result + ":");
  }

  private OpWriter forward(Graph part, boolean training, String offset) {
    line("    p = self.p");
    OpWriter writer = new OpWriter(graph, training, text);
    int index = 0;
    for (Input input : part.inputs()) {
      writer.input(input.name(), "inputs[" + offset + index++ + "]");
    }
    part.nodes().forEach(writer::node);
    return writer;
  }

  private void predict(Graph part) {
    method("predict", "inputs: List[Tensor], outputs: List[Tensor]", "int");
    OpWriter writer = forward(part, false, "");
    int index = 0;
    for (Map.Entry<String, String> output : part.outputs().entrySet()) {
      line("    torch.copy_(outputs[" + index++ + "], " + writer.variable(output.getValue()) + ")");
    }
    line("    return 0");
  }

  private void evaluate() {
    method("evaluate", "inputs: List[Tensor], outputs: List[Tensor]", "int");
    OpWriter writer = forward(graph, false, "");
    line("    torch.copy_(outputs[0], " + writer.variable(graph.loss().orElseThrow()) + ")");
    line("    return 0");
  }

  private void loss() {
    method("loss", "inputs: List[Tensor], start: int, seed: Tensor", "Tensor");
    if (random(graph)) {
      line("    generator = torch.Generator(seed=int(seed))");
    }
    OpWriter writer = forward(graph, true, "start + ");
    line("    return " + writer.variable(graph.loss().orElseThrow()));
  }

  /** Gradients of the trained parameters in the order of the groups; zeros where unused. */
  private void gradients(List<ParameterGroup> groups) {
    method("gradients", "loss: Tensor, share: Optional[Tensor]", "List[Tensor]");
    StringBuilder leaves = new StringBuilder("self.leaves0");
    for (int i = 1; i < groups.size(); i++) {
      leaves.append(" + self.leaves").append(i);
    }
    line("    leaves = " + leaves);
    line(
        "    found = torch.autograd.grad([loss], leaves, annotate(List[Optional[Tensor]], [share]), None, False, True)");
    int count = groups.stream().mapToInt(group -> group.names().size()).sum();
    StringBuilder list = new StringBuilder();
    for (int i = 0; i < count; i++) {
      list.append(i > 0 ? ", " : "").append("g").append(i);
      line("    f" + i + " = found[" + i + "]");
      line("    if torch.__is__(f" + i + ", None):");
      line("      g" + i + " = torch.zeros_like(leaves[" + i + "])");
      line("    else:");
      line("      g" + i + " = unchecked_cast(Tensor, f" + i + ")");
    }
    line("    return [" + list + "]");

    method(
        "copy_gradients", "seeds: Tensor, results: List[Tensor], inputs: List[Tensor]", "Tensor");
    line("    g = self.gradients(self.loss(inputs, 0, torch.select(seeds, 0, 0)), None)");
    line("    for i in range(" + count + "):");
    line("      torch.copy_(results[i], g[i])");
    line("    return seeds");
  }

  /** Clips by the global norm, then one fused optimizer call for each group. */
  private void update(Optimizer optimizer, List<ParameterGroup> groups) {
    method("update", "g: List[Tensor], loss: Tensor, settings: Tensor, result: Tensor", "Tensor");
    line("    norm = torch.linalg_vector_norm(torch.stack(torch._foreach_norm(g)))");
    line("    rate = float(settings[0])");
    line("    clip = float(settings[1])");
    line("    if torch.gt(clip, 0.):");
    line(
        "      factor = torch.clamp_max(torch.mul(torch.reciprocal(torch.add(norm, 1e-6)), clip), 1.)");
    line("      torch._foreach_mul_(g, factor)");
    int from = 0;
    for (int i = 0; i < groups.size(); i++) {
      int to = from + groups.get(i).names().size();
      String gradients = groups.size() == 1 ? "g" : "torch.slice(g, " + from + ", " + to + ")";
      line("    " + groups.get(i).update(optimizer, i, gradients));
      from = to;
    }
    line("    torch.stack([torch.detach(loss), norm], 0, out=result)");
    line("    return result");
  }

  private void step() {
    int inputs = graph.inputs().size();
    method(
        "step", "settings: Tensor, seeds: Tensor, result: Tensor, inputs: List[Tensor]", "Tensor");
    line("    loss = self.loss(inputs, 0, torch.select(seeds, 0, 0))");
    line("    return self.update(self.gradients(loss, None), loss, settings, result)");

    method(
        "accumulate",
        "settings: Tensor, seeds: Tensor, shares: Tensor, result: Tensor, inputs: List[Tensor]",
        "Tensor");
    line("    share = torch.select(shares, 0, 0)");
    line("    loss = self.loss(inputs, 0, torch.select(seeds, 0, 0))");
    line("    total = torch.mul(torch.detach(loss), share)");
    line("    g = self.gradients(loss, share)");
    line("    for i in range(1, torch.size(seeds, 0)):");
    line("      share = torch.select(shares, 0, i)");
    line("      loss = self.loss(inputs, i * " + inputs + ", torch.select(seeds, 0, i))");
    line("      total = torch.add(total, torch.mul(torch.detach(loss), share))");
    line("      torch._foreach_add_(g, self.gradients(loss, share))");
    line("    return self.update(g, total, settings, result)");
  }
}
