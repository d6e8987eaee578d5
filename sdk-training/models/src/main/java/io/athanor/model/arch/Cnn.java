package io.athanor.model.arch;

import io.athanor.api.data.Feature;
import io.athanor.api.data.Signature;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.GraphBuilder;
import io.athanor.api.graph.ShapeOp.Pool2d;
import io.athanor.api.graph.ShapeOp.Reduce;
import io.athanor.api.graph.Value;
import io.athanor.api.model.Architecture;
import java.util.List;
import java.util.Map;

/**
 * Convolutional network: stages of 3 x 3 convolution, batch normalisation, rectifier and 2 x 2 max
 * pooling (Simonyan and Zisserman 2015, one convolution a stage; Ioffe and Szegedy 2015). Numbers
 * and categories beside the picture join before the last layer.
 *
 * <pre>{@code
 * b batch   c channels   h, w height and width   s stages   o outputs
 * [b, c, h, w] -> stage -> [b, c1, h/2, w/2] -> .. -> flatten -> [b, cs h/2^s w/2^s] -> linear -> [b, o]
 * }</pre>
 */
public final class Cnn implements Architecture {
  private final List<Integer> channels;
  private final boolean globalPooling;
  private final double dropout;

  private Cnn(List<Integer> channels, boolean globalPooling, double dropout) {
    this.channels = channels;
    this.globalPooling = globalPooling;
    this.dropout = dropout;
  }

  /** With all positions kept for the last layer and no dropout. */
  public static Cnn of(int... channels) {
    return new Cnn(Settings.sizes("channels", 1, channels), false, 0);
  }

  /** Takes the mean over all positions before the last layer: for large pictures. */
  public Cnn globalPooling() {
    return new Cnn(channels, true, dropout);
  }

  /** The probability of dropping an element before the last layer, in [0, 1). */
  public Cnn dropout(double rate) {
    return new Cnn(channels, globalPooling, Settings.rate("dropout", rate));
  }

  @Override
  public String name() {
    return "cnn";
  }

  @Override
  public Map<String, Object> config() {
    return Map.of("channels", channels, "globalPooling", globalPooling, "dropout", dropout);
  }

  @Override
  public Graph graph(Signature signature) {
    DataFit fit = new DataFit(name(), signature);
    Feature.Image image = fit.only(Feature.Image.class, "one picture column");
    int side = Math.min(image.height(), image.width());
    if (side >> channels.size() < 1) {
      throw fit.refuse(
          "a picture of at least "
              + (1L << channels.size())
              + " pixels a side for "
              + channels.size()
              + " stages that halve it (it has "
              + side
              + ")");
    }
    GraphBuilder g = fit.graph();
    Value x = fit.image(image); // [b, c, h, w]
    for (int i = 1; i <= channels.size(); i++) {
      x = g.conv2d("conv" + i, x, channels.get(i - 1), 3, 1, 1);
      x = g.relu(g.batchNorm("bn" + i, x));
      x = g.pool2d(Pool2d.Kind.MAX, x, 2); // [b, ci, h / 2^i, w / 2^i]
    }
    Value rows = globalPooling ? g.reduce(Reduce.Statistic.MEAN, x, 2, 3) : g.flatten(x);
    return fit.finish(g.dropout(fit.withVector(rows), dropout));
  }
}
