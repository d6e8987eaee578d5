package io.athanor.backend.djl;

import static io.athanor.backend.djl.OpWriter.number;

import io.athanor.api.backend.Optimizer;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.Parameter;
import java.util.ArrayList;
import java.util.List;

/**
 * Trained parameters that share optimizer settings and a block of memory.
 *
 * @param names in the graph's order
 * @param weightDecay of the decay the optimizer asks for
 */
record ParameterGroup(List<String> names, double weightDecay) {
  /** Rounds to 0 as a float; with a true 0 libtorch would not keep the momentum of the state. */
  private static final double LEAST_MOMENTUM = Double.MIN_NORMAL;

  /** The most numbers in one block of memory, but for a single larger parameter. */
  private static final long MOST = 1L << 28;

  /** One group, or two where only some parameters decay; more where they are very large. */
  static List<ParameterGroup> of(Graph graph, Optimizer optimizer) {
    double weightDecay = weightDecay(optimizer);
    List<String> decaying = new ArrayList<>();
    List<String> others = new ArrayList<>();
    for (Parameter parameter : graph.parameters()) {
      if (parameter.trained()) {
        (parameter.decays() && weightDecay > 0 ? decaying : others).add(parameter.name());
      }
    }
    List<ParameterGroup> groups = new ArrayList<>();
    split(groups, graph, decaying, weightDecay);
    split(groups, graph, others, 0);
    return groups;
  }

  private static void split(
      List<ParameterGroup> groups, Graph graph, List<String> names, double weightDecay) {
    List<String> part = new ArrayList<>();
    long size = 0;
    for (String name : names) {
      long more = graph.parameter(name).shape().elements();
      if (!part.isEmpty() && size + more > MOST) {
        groups.add(new ParameterGroup(List.copyOf(part), weightDecay));
        part.clear();
        size = 0;
      }
      part.add(name);
      size += more;
    }
    if (!part.isEmpty()) {
      groups.add(new ParameterGroup(part, weightDecay));
    }
  }

  private static double weightDecay(Optimizer optimizer) {
    if (optimizer instanceof Optimizer.Sgd sgd) {
      return sgd.weightDecay();
    }
    return optimizer instanceof Optimizer.AdamW adamW ? adamW.weightDecay() : 0;
  }

  /** The names under which a {@code TrainingState} keeps the moments of one parameter. */
  static List<String> moments(Optimizer optimizer) {
    return optimizer instanceof Optimizer.Sgd ? List.of("momentum/") : List.of("first/", "second/");
  }

  /** The call that updates this group, the one at an index among the program's lists. */
  String update(Optimizer optimizer, int index) {
    String weights = "self.weights" + index + ", self.gradients" + index + ", self.first" + index;
    String decay = "weight_decay=" + number(weightDecay);
    if (optimizer instanceof Optimizer.Sgd sgd) {
      return "torch._fused_sgd_("
          + weights
          + ", "
          + decay
          + ", momentum="
          + number(Math.max(sgd.momentum(), LEAST_MOMENTUM))
          + ", lr=rate, dampening=0., nesterov=False, maximize=False, is_first_step=False)";
    }
    String tail =
        ", self.second"
            + index
            + ", annotate(List[Tensor], []), self.steps"
            + index
            + ", lr=rate, %s, "
            + decay
            + ", amsgrad=False, maximize=False)";
    if (optimizer instanceof Optimizer.Adam adam) {
      return "torch._fused_adam_("
          + weights
          + tail.formatted(betas(adam.beta1(), adam.beta2(), adam.epsilon()));
    }
    Optimizer.AdamW adamW = (Optimizer.AdamW) optimizer;
    return "torch._fused_adamw_("
        + weights
        + tail.formatted(betas(adamW.beta1(), adamW.beta2(), adamW.epsilon()));
  }

  private static String betas(double beta1, double beta2, double epsilon) {
    return "beta1=" + number(beta1) + ", beta2=" + number(beta2) + ", eps=" + number(epsilon);
  }
}
