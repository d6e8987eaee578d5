package io.athanor.training.compress;

import io.athanor.api.backend.Support;
import io.athanor.api.error.ValidationException;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.Parameter;
import io.athanor.api.graph.Rewrite;
import io.athanor.api.graph.Shape;
import io.athanor.api.model.ModelArtifact;
import io.athanor.training.tuning.Names;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Removes the neurons of hidden layers, and the filters of convolutions, that matter least by the
 * size of their weights (Li et al. 2017). What remains is a smaller dense model, for every backend
 * and every export. Immutable and thread-safe.
 *
 * <pre>{@code
 * ModelArtifact pruned = Pruning.neurons(0.5).of(model);
 * ModelArtifact tuned = Training.of(pruned, data).epochs(2).run().model();   // makes up for the loss
 * }</pre>
 *
 * <p>A neuron can go where nothing but element-wise operations, batch normalisation or pooling lies
 * between the layers that make it and the one layer that reads it: in multi-layer perceptrons, in
 * chains of convolutions, in the feed-forward layers of transformers, gated ones included. The
 * weight of a neuron is the norm of what makes it times the norm of what reads it. Every layer
 * loses the same share, and keeps one neuron at least.
 *
 * <p>Single weights are not removed: zeros scattered over a matrix make it neither smaller nor
 * faster for engines that multiply dense matrices, as all of these do.
 */
public final class Pruning {
  private static final String WIDTH = "intermediate_size";

  private final double share;
  private final List<String> kept;

  private Pruning(double share, List<String> kept) {
    this.share = share;
    this.kept = kept;
  }

  /**
   * A share of the neurons of each hidden layer, rounded down.
   *
   * @param share in (0, 1)
   */
  public static Pruning neurons(double share) {
    if (!(share > 0 && share < 1)) {
      throw new IllegalArgumentException("share must be in (0, 1), got " + share);
    }
    return new Pruning(share, List.of());
  }

  /**
   * Leaves the neurons of layers as they are, besides those of earlier calls.
   *
   * @param layers names of the layers that make them or of blocks, or their ends after a dot
   */
  public Pruning keep(String... layers) {
    List<String> all = new ArrayList<>(kept);
    all.addAll(List.of(layers));
    return new Pruning(share, List.copyOf(all));
  }

  /**
   * A model without those neurons; it has no metrics, as those were measured before.
   *
   * @throws ValidationException if no neuron can be removed, or a name to keep fits nothing
   * @throws io.athanor.api.error.UnsupportedException if the model is quantised
   */
  public ModelArtifact of(ModelArtifact model) {
    Graph graph = model.graph();
    Support.withoutQuantized(graph).require();
    Compressed.requireNames(kept, graph);
    List<HiddenLayer> layers =
        HiddenLayer.in(graph).stream()
            .filter(layer -> layer.makers().stream().noneMatch(name -> Names.within(kept, name)))
            .toList();
    if (layers.stream().allMatch(layer -> removed(layer) == 0)) {
      throw new ValidationException(
          "pruning of '" + model.architecture() + "'",
          List.of(
              layers.isEmpty()
                  ? "no hidden layer's neurons can be removed: each is kept, has adapters beside"
                      + " it, or is read by more than one layer"
                  : "a share of "
                      + share
                      + " is less than one neuron of every hidden layer, of which the largest has "
                      + layers.stream().mapToLong(HiddenLayer::width).max().orElse(0)));
    }
    Cut cut = new Cut(model.weights());
    layers.forEach(layer -> cut.remove(layer, removed(layer)));
    Graph pruned =
        new Rewrite(graph) {
          @Override
          protected Optional<Parameter> parameter(Parameter whole) {
            Shape shape = Shape.of(cut.shape(whole.name()));
            return Optional.of(
                new Parameter(whole.name(), shape, whole.initializer(), whole.role()));
          }
        }.rewritten();
    String done = "pruned " + share + " of the neurons";
    return Compressed.model(model, config(model, layers), done, pruned, cut.weights());
  }

  private long removed(HiddenLayer layer) {
    return (long) Math.floor(share * layer.width());
  }

  /** The config, with the width of transformers' feed-forward layers as it is now. */
  private Map<String, Object> config(ModelArtifact model, List<HiddenLayer> layers) {
    Map<String, Object> config = new LinkedHashMap<>(model.config());
    boolean all =
        config.get(WIDTH) instanceof Number width
            && layers.stream().allMatch(layer -> layer.width() == width.longValue());
    if (all) {
      config.put(WIDTH, (int) (layers.get(0).width() - removed(layers.get(0))));
    }
    return config;
  }
}
