package io.athanor.api.graph;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * Cuts a graph where a single value that needs a gradient goes on, so that all before it can be
 * computed a second time instead of kept (Chen et al. 2016). Of the possible cuts, those are taken
 * for which the values at the cuts and the largest part between two of them are smallest together.
 */
public final class Segments {
  /** What every symbolic size counts as when values are compared. */
  private static final long TYPICAL = 256;

  private final List<Node> nodes;
  private final Set<String> differentiable;
  private final Map<String, Integer> lastUse = new HashMap<>();

  private Segments(Graph graph, List<Node> nodes) {
    this.nodes = nodes;
    this.differentiable = graph.differentiable();
    for (int i = 0; i < nodes.size(); i++) {
      for (String input : nodes.get(i).inputs()) {
        lastUse.put(input, i);
      }
    }
  }

  /**
   * The nodes in consecutive parts, at least one.
   *
   * @param nodes of the graph, each after its inputs
   * @param last what is used after all of them
   */
  public static List<List<Node>> of(Graph graph, List<Node> nodes, String last) {
    Segments segments = new Segments(graph, nodes);
    segments.lastUse.put(last, nodes.size());
    return segments.best();
  }

  private List<List<Node>> best() {
    List<Integer> cuts = cuts();
    long total = size(0, nodes.size());
    List<Integer> best = List.of();
    long least = total;
    for (int parts = 2; parts <= cuts.size() + 1; parts++) {
      List<Integer> chosen = choose(cuts, total / parts);
      long cost = cost(chosen);
      if (cost < least) {
        least = cost;
        best = chosen;
      }
    }
    List<List<Node>> parts = new ArrayList<>();
    int from = 0;
    for (int cut : best) {
      parts.add(nodes.subList(from, cut));
      from = cut;
    }
    parts.add(nodes.subList(from, nodes.size()));
    return parts;
  }

  /** Where a part may end: before the node of this index. */
  private List<Integer> cuts() {
    List<Integer> cuts = new ArrayList<>();
    Set<String> alive = new HashSet<>();
    for (int i = 0; i + 1 < nodes.size(); i++) {
      int at = i;
      if (differentiable.contains(nodes.get(i).name())) {
        alive.add(nodes.get(i).name());
      }
      alive.removeIf(value -> lastUse.getOrDefault(value, -1) <= at);
      if (alive.size() == 1 && alive.contains(nodes.get(i).name())) {
        cuts.add(i + 1);
      }
    }
    return cuts;
  }

  /** As few cuts as keep the parts below a size, where that is possible. */
  private List<Integer> choose(List<Integer> cuts, long limit) {
    List<Integer> chosen = new ArrayList<>();
    int from = 0;
    for (int i = 0; i < cuts.size(); i++) {
      int next = i + 1 < cuts.size() ? cuts.get(i + 1) : nodes.size();
      if (size(from, next) > limit) {
        chosen.add(cuts.get(i));
        from = cuts.get(i);
      }
    }
    return chosen;
  }

  private long cost(List<Integer> cuts) {
    long kept = 0;
    long largest = 0;
    int from = 0;
    for (int cut : cuts) {
      kept += size(cut - 1, cut);
      largest = Math.max(largest, size(from, cut));
      from = cut;
    }
    return kept + Math.max(largest, size(from, nodes.size()));
  }

  /** Elements of the values that some consecutive nodes compute and training would keep. */
  private long size(int from, int to) {
    long size = 0;
    for (Node node : nodes.subList(from, to)) {
      if (differentiable.contains(node.name())) {
        long elements = 1;
        for (Dim dim : node.type().shape().dims()) {
          elements *= dim.fixed() ? dim.offset() : TYPICAL;
        }
        size += elements;
      }
    }
    return size;
  }
}
