package io.athanor.api.backend;

import io.athanor.api.graph.ElementOp;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.Input;
import io.athanor.api.graph.LayerOp;
import io.athanor.api.graph.LossOp;
import io.athanor.api.graph.Node;
import io.athanor.api.graph.Op;
import io.athanor.api.graph.Segments;
import io.athanor.api.graph.SequenceOp;
import io.athanor.api.graph.ShapeOp;
import io.athanor.api.graph.TensorType;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * The memory of one forward and one backward pass over a micro-batch: what each operation writes,
 * and what it leaves for its gradient. With recomputation, all {@link Segments} but the last leave
 * only what goes on from them, and run a second time.
 */
final class TrainingPass {
  /** From so many classes on, logits and cross-entropy go through in chunks of this many bytes. */
  private static final long MANY_CLASSES = 4096;

  private static final long CHUNK = 50_000_000;

  private final Graph graph;
  private final Map<String, Long> sizes;
  private final Set<String> differentiable;
  private final KeptForBackward keeper;
  private final Liveness memory = new Liveness();
  private final Map<String, String> values = new HashMap<>();
  private final Map<String, String> gradients = new HashMap<>();
  private int names;
  private int turn;

  TrainingPass(Graph graph, Map<String, Long> sizes, boolean recompute) {
    this.graph = graph;
    this.sizes = sizes;
    this.differentiable = graph.differentiable();
    this.keeper = new KeptForBackward(graph, sizes, differentiable);
    for (Input input : graph.inputs()) {
      values.put(input.name(), input.name());
      memory.give(input.name(), bytes(input.type()));
    }
    run(recompute);
  }

  /** Bytes that are held where the backward pass begins. */
  long kept() {
    return memory.before(turn);
  }

  /** The most bytes that are held at once. */
  long peak() {
    return memory.peak();
  }

  private void run(boolean recompute) {
    List<Node> needed = needed();
    String end = graph.loss().orElseGet(() -> needed.get(needed.size() - 1).name());
    Optional<List<Node>> head = head(needed);
    List<Node> body = new ArrayList<>(needed);
    head.ifPresent(body::removeAll);
    String last = head.map(nodes -> nodes.get(0).inputs().get(0)).orElse(end);
    List<List<Node>> segments =
        recompute && !body.isEmpty() ? Segments.of(graph, body, last) : List.of(body);
    Deque<Runnable> tape = new ArrayDeque<>();
    for (int i = 0; i < segments.size(); i++) {
      for (Node node : segments.get(i)) {
        forward(node, i + 1 == segments.size() ? tape : null);
      }
    }
    turn = memory.length();
    if (head.isPresent()) {
      chunks(head.get());
    } else {
      memory.statement(0);
      write(gradients, end, Float.BYTES);
    }
    tape.forEach(Runnable::run);
    for (int i = segments.size() - 2; i >= 0; i--) {
      tape.clear();
      for (Node node : segments.get(i)) {
        if (differentiable.contains(node.name())) {
          forward(node, tape);
        }
      }
      tape.forEach(Runnable::run);
    }
  }

  private List<Node> needed() {
    if (graph.loss().isEmpty()) {
      return List.copyOf(graph.nodes());
    }
    Set<String> wanted = new HashSet<>(Set.of(graph.loss().get()));
    List<Node> reversed = new ArrayList<>(graph.nodes());
    Collections.reverse(reversed);
    List<Node> found = new ArrayList<>();
    for (Node node : reversed) {
      if (wanted.contains(node.name())) {
        wanted.addAll(node.inputs());
        found.add(node);
      }
    }
    Collections.reverse(found);
    return found;
  }

  /** Linear layer, elementwise operations and loss, where these make logits of many classes. */
  private Optional<List<Node>> head(List<Node> nodes) {
    int at = nodes.size() - 1;
    if (graph.loss().isEmpty()
        || !(nodes.get(at).op() instanceof LossOp.CrossEntropy loss)
        || loss.labelSmoothing() > 0) {
      return Optional.empty();
    }
    while (at > 0 && nodes.get(at).inputs().get(0).equals(nodes.get(at - 1).name())) {
      at--;
      if (nodes.get(at).op() instanceof LayerOp.Linear linear) {
        boolean many = graph.parameter(linear.weight()).shape().dim(0).offset() >= MANY_CLASSES;
        return many ? Optional.of(nodes.subList(at, nodes.size())) : Optional.empty();
      }
      if (!(nodes.get(at).op() instanceof ElementOp.Activation)
          && !(nodes.get(at).op() instanceof ElementOp.Scale)) {
        return Optional.empty();
      }
    }
    return Optional.empty();
  }

  /** Turns the logits of some rows after the other into their gradients. */
  private void chunks(List<Node> head) {
    Node linear = head.get(0);
    TensorType hidden = graph.type(linear.inputs().get(0));
    long width = hidden.shape().dim(-1).resolve(sizes);
    long classes = linear.type().shape().dim(-1).resolve(sizes);
    long rows = Math.min(elements(linear.type()) / classes, Math.max(1, CHUNK / (4 * classes)));
    memory.statement(Math.multiplyExact(4 * rows, classes * (head.size() > 2 ? 2 : 1) + 2 * width));
    memory.read(value(linear.inputs().get(0)));
    if (differentiable.contains(linear.inputs().get(0))) {
      write(gradients, linear.inputs().get(0), bytes(hidden));
    }
  }

  private void forward(Node node, @Nullable Deque<Runnable> tape) {
    List<String> inputs = node.inputs().stream().map(this::value).toList();
    KeptForBackward.Kept kept = node.op().accept(keeper, node);
    memory.statement(kept.scratchBytes());
    inputs.forEach(memory::read);
    if (view(node.op())) {
      view(values, node.name(), inputs.get(0));
    } else {
      write(values, node.name(), bytes(node.type()));
    }
    if (tape == null || !differentiable.contains(node.name())) {
      return;
    }
    List<String> read = new ArrayList<>(kept.values().stream().map(this::value).toList());
    if (kept.bytes() > 0) {
      String buffer = name("kept for " + node.name());
      memory.write(buffer, kept.bytes());
      read.add(buffer);
    }
    tape.push(() -> backward(node, read, kept.scratchBytes()));
  }

  private void backward(Node node, List<String> read, long scratch) {
    String gradient = gradients.remove(node.name());
    if (gradient == null) {
      return;
    }
    Map<String, String> before = new HashMap<>();
    memory.statement(scratch);
    memory.read(gradient);
    read.forEach(memory::read);
    for (String input : node.inputs()) {
      if (!differentiable.contains(input)) {
        continue;
      }
      String other = gradients.get(input);
      if (other != null) {
        before.put(input, other);
      }
      if (passes(node, input)) {
        view(gradients, input, gradient);
      } else {
        write(gradients, input, bytes(graph.type(input)));
      }
    }
    before.forEach(this::add);
  }

  /** Adds an earlier gradient of a value to its latest one. */
  private void add(String value, String earlier) {
    memory.statement(0);
    memory.read(earlier);
    memory.read(Objects.requireNonNull(gradients.get(value)));
    write(gradients, value, bytes(graph.type(value)));
  }

  /** Whether an operation's result is its input's memory. */
  private static boolean view(Op op) {
    return op instanceof ShapeOp.Reshape
        || op instanceof ShapeOp.Transpose
        || op instanceof ShapeOp.Slice
        || op instanceof SequenceOp.Skip;
  }

  /** Whether the gradient of an input is that of the result, or a part of its memory. */
  private boolean passes(Node node, String input) {
    return node.op() instanceof ShapeOp.Reshape
        || node.op() instanceof ShapeOp.Transpose
        || node.op() instanceof ShapeOp.Concat
        || node.op() instanceof LayerOp.VirtualTokens
        || (node.op() instanceof ElementOp.Add
            && graph.type(input).shape().equals(node.type().shape()));
  }

  private String value(String of) {
    return Objects.requireNonNull(values.get(of), of);
  }

  private String name(String of) {
    return of + "#" + names++;
  }

  private void write(Map<String, String> to, String of, long bytes) {
    String name = name(of);
    to.put(of, name);
    memory.write(name, bytes);
  }

  private void view(Map<String, String> to, String of, String source) {
    String name = name(of);
    to.put(of, name);
    memory.view(name, source);
  }

  private long elements(TensorType type) {
    return type.shape().elements(sizes);
  }

  private long bytes(TensorType type) {
    return Math.multiplyExact(elements(type), (long) type.dtype().bytes());
  }
}
