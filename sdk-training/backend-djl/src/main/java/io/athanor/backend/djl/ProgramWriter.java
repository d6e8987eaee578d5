package io.athanor.backend.djl;

import io.athanor.api.backend.Optimizer;
import io.athanor.api.backend.TrainingMode;
import io.athanor.api.graph.ElementOp;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.Input;
import io.athanor.api.graph.Node;
import io.athanor.api.graph.SequenceOp;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Collectors;

/**
 * Writes a graph as the text of one TorchScript class, in the form {@code torch.jit.save} prints.
 * Parameters are the attribute {@code p}, a list in the graph's order that Java binds; the layers
 * are unrolled.
 */
final class ProgramWriter {
  static final String CLASS = "Program";

  /** The class of a file for others, which may come back as a part of a program. */
  static final String EXPORTED = "Model";

  private static List<String> attributes(int groups) {
    List<String> names = new ArrayList<>(List.of("p", "g", "blocks"));
    for (int i = 0; i < groups; i++) {
      names.addAll(List.of("weights" + i, "gradients" + i, "first" + i, "second" + i, "steps" + i));
    }
    return names;
  }

  private final Graph graph;
  private final Target target;
  private final StringBuilder text = new StringBuilder();

  private ProgramWriter(Graph graph, Target target, List<String> attributes) {
    this.graph = graph;
    this.target = target;
    line("class " + CLASS + "(Module):");
    line("  __parameters__ = []");
    line("  __buffers__ = []");
    line("  training : bool");
    attributes.forEach(name -> line("  " + name + " : List[Tensor]"));
    ForeignScript.in(graph).ifPresent(program -> line("  foreign : " + program.type()));
    StringBuilder parameters = new StringBuilder();
    attributes.forEach(name -> parameters.append(", ").append(name).append(": List[Tensor]"));
    method("bind", parameters.substring(2), "int");
    attributes.forEach(name -> line("    self." + name + " = " + name));
    line("    return 0");
  }

  /**
   * The text of a class.
   *
   * @param attributes to bind: the parameters, and in training further lists
   * @param recording whether training needs autograd
   * @param foreign the program that is its attribute {@code foreign}
   */
  record Text(
      String text, List<String> attributes, boolean recording, Optional<ForeignScript> foreign) {
    Text(String text, List<String> attributes, boolean recording) {
      this(text, attributes, recording, Optional.empty());
    }
  }

  /** The beginning of a class, up to its method {@code bind}. */
  static String head(Graph graph, Target target, List<String> attributes) {
    return new ProgramWriter(graph, target, attributes).text.toString();
  }

  /** Prediction only; binds the parameters. */
  static Text forPrediction(Graph graph, Target target) {
    List<String> attributes = new ArrayList<>(List.of("p"));
    ProgramWriter writer = new ProgramWriter(graph, target, attributes);
    QuantizedLayers quantized = new QuantizedLayers(graph);
    if (quantized.any()) {
      attributes.addAll(QuantizedLayers.ATTRIBUTES);
      writer.text.insert(writer.text.indexOf("  def "), quantized.declaration());
      OpWriter names = new OpWriter(graph, target, false, new StringBuilder());
      writer.text.append(quantized.methods(names));
    }
    writer.predict(graph);
    return new Text(writer.text.toString(), attributes, false, ForeignScript.in(graph));
  }

  /**
   * The method {@code forward}, for a class that holds the parameters by name.
   *
   * @param arguments names of the arguments, one for each input
   */
  static String forward(Graph graph, Target target, List<String> arguments) {
    StringBuilder text = new StringBuilder();
    boolean single = graph.outputs().size() == 1;
    String types = String.join(", ", Collections.nCopies(graph.outputs().size(), "Tensor"));
    text.append("  def forward(self: __torch__.").append(EXPORTED);
    arguments.forEach(argument -> text.append(", ").append(argument).append(": Tensor"));
    text.append(") -> ").append(single ? types : "Tuple[" + types + "]").append(":\n    p = [");
    text.append(
        graph.parameters().stream()
            .map(parameter -> ModuleTree.expression(parameter.name()))
            .collect(Collectors.joining(", ")));
    text.append("]\n");
    OpWriter writer = new OpWriter(graph, target, false, text);
    Iterator<String> argument = arguments.iterator();
    graph.inputs().forEach(input -> writer.input(input.name(), argument.next()));
    graph.nodes().forEach(writer::node);
    String results =
        graph.outputs().values().stream().map(writer::variable).collect(Collectors.joining(", "));
    return text.append("    return ")
        .append(single ? results : "(" + results + ")")
        .append('\n')
        .toString();
  }

  /**
   * Training and prediction; binds the parameters, their gradients, the blocks these lie in, and
   * for each group five lists of one tensor: weights, gradients, two moments, count of steps. (A
   * list joined within the program will not do: libtorch drops writes to tensors of such a list.)
   *
   * @param choice how to write gradients
   */
  static Text forTraining(
      Graph graph,
      TrainingMode mode,
      List<ParameterGroup> groups,
      WritingChoice choice,
      Target target) {
    List<String> attributes = attributes(groups.size());
    ProgramWriter writer = new ProgramWriter(graph, target, attributes);
    writer.predict(graph.forPrediction());
    writer.evaluate(choice.head(graph));
    boolean recording = writer.gradients(groups, choice, mode.recompute());
    writer.accumulate();
    writer.step(mode.optimizer(), groups);
    return new Text(writer.text.toString(), attributes, recording, ForeignScript.in(graph));
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

  private OpWriter inputs(Graph part, boolean training, String offset) {
    line("    p = self.p");
    OpWriter writer = new OpWriter(graph, target, training, text);
    int index = 0;
    for (Input input : part.inputs()) {
      writer.input(input.name(), "inputs[" + offset + index++ + "]");
    }
    return writer;
  }

  private OpWriter forward(Graph part) {
    OpWriter writer = inputs(part, false, "");
    part.nodes().forEach(writer::node);
    return writer;
  }

  private void predict(Graph part) {
    method("predict", "inputs: List[Tensor], outputs: List[Tensor]", "int");
    OpWriter writer = forward(part);
    int index = 0;
    for (Map.Entry<String, String> output : part.outputs().entrySet()) {
      line("    torch.copy_(outputs[" + index++ + "], " + writer.variable(output.getValue()) + ")");
    }
    line("    return 0");
  }

  private void evaluate(Optional<Head> head) {
    head.ifPresent(end -> end.scoring(target).forEach(this::line));
    method("evaluate", "inputs: List[Tensor], outputs: List[Tensor]", "int");
    OpWriter writer = inputs(graph, false, "");
    for (Node node : Head.needed(graph)) {
      if (head.isEmpty() || !head.get().contains(node)) {
        writer.node(node);
      }
    }
    String loss =
        head.map(end -> end.score(writer))
            .orElseGet(() -> writer.variable(graph.loss().orElseThrow()));
    line("    torch.copy_(outputs[0], " + loss + ")");
    line("    return 0");
  }

  /** Leaves the gradients of one micro-batch in the list {@code g}; zeros where unused. */
  private boolean gradients(List<ParameterGroup> groups, WritingChoice choice, boolean recompute) {
    method("present", "found: Optional[Tensor], like: Tensor", "Tensor");
    line("    if torch.__is__(found, None):");
    line("      result = torch.zeros_like(like)");
    line("    else:");
    line("      result = unchecked_cast(Tensor, found)");
    line("    return result");

    int start = text.length();
    method("gradients", "inputs: List[Tensor], start: int, seed: Tensor, share: Tensor", "Tensor");
    if (random(graph)) {
      line("    base = int(seed)");
    }
    line("    g = self.g");
    if (target.separate()) {
      line("    share = " + target.brought("share"));
    }
    OpWriter out = inputs(graph, true, "start + ");
    List<String> trained = groups.stream().flatMap(group -> group.names().stream()).toList();
    GradientWriter writer = new GradientWriter(graph, out, trained, choice);
    line("    return " + writer.write("share", recompute));
    choice
        .head(graph)
        .map(head -> head.training(writer.wanted(head, "share"), target))
        .ifPresent(lines -> text.insert(start, String.join("\n", lines) + "\n"));
    return writer.recording();
  }

  /** Computes gradients of one or several micro-batches. */
  private void accumulate() {
    method(
        "accumulate", "seeds: List[Tensor], shares: List[Tensor], inputs: List[Tensor]", "Tensor");
    line("    loss = self.gradients(inputs, 0, seeds[0], shares[0])");
    line("    if torch.gt(torch.len(seeds), 1):");
    line("      blocks = self.blocks");
    line("      sums = annotate(List[Tensor], [])");
    line("      for i in range(torch.len(blocks)):");
    line("        torch.append(sums, torch.clone(blocks[i]))");
    line("      loss = torch.mul(loss, shares[0])");
    line("      for i in range(1, torch.len(seeds)):");
    String start = "i * " + graph.inputs().size();
    line("        next = self.gradients(inputs, " + start + ", seeds[i], shares[i])");
    line("        loss = torch.add(loss, torch.mul(next, shares[i]))");
    line("        torch._foreach_add_(sums, blocks)");
    line("      torch._foreach_copy_(blocks, sums)");
    line("    return loss");
  }

  /** One optimizer step: clips by the global norm, then a fused call for each group. */
  private void step(Optimizer optimizer, List<ParameterGroup> groups) {
    method(
        "step",
        "settings: List[Tensor], results: List[Tensor], seeds: List[Tensor], shares: List[Tensor], "
            + "inputs: List[Tensor]",
        "Tensor");
    line("    loss = self.accumulate(seeds, shares, inputs)");
    line("    rate = float(settings[0])");
    line("    clip = float(settings[1])");
    String one =
        groups.size() == 1 ? "self.gradients0[0]" : "torch.stack(torch._foreach_norm(self.blocks))";
    line("    norm = torch.linalg_vector_norm(" + one + ")");
    line("    if torch.gt(clip, 0.):");
    line(
        "      factor = torch.clamp_max(torch.mul(torch.reciprocal(torch.add(norm, 1e-6)), clip),"
            + " 1.)");
    line("      torch._foreach_mul_(self.blocks, factor)");
    for (int i = 0; i < groups.size(); i++) {
      line("    " + groups.get(i).update(optimizer, i));
    }
    // Last, as a device is done when its results are here.
    line("    torch.copy_(results[0], loss)");
    line("    torch.copy_(results[1], norm)");
    line("    return norm");
  }
}
