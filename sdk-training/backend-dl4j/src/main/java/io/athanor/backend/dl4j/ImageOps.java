package io.athanor.backend.dl4j;

import io.athanor.api.common.Tensor;
import io.athanor.api.graph.LayerOp;
import io.athanor.api.graph.Node;
import io.athanor.api.graph.ShapeOp;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.enums.WeightsFormat;
import org.nd4j.linalg.api.ops.impl.layers.convolution.Pooling2D;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Conv2DConfig;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.PaddingMode;
import org.nd4j.linalg.api.ops.impl.layers.convolution.config.Pooling2DConfig;

/** Operations that slide a window over an image {@code [b, c, h, w]}. */
final class ImageOps {
  private final ProgramWriter to;
  private final SameDiff program;

  ImageOps(ProgramWriter to) {
    this.to = to;
    this.program = to.program();
  }

  SDVariable conv2d(Node node, LayerOp.Conv2d op) {
    long[] kernel = to.shapeOf(op.weight());
    Conv2DConfig config =
        Conv2DConfig.builder()
            .kH(kernel[2])
            .kW(kernel[3])
            .sH(op.stride())
            .sW(op.stride())
            .pH(op.padding())
            .pW(op.padding())
            .paddingMode(PaddingMode.VALID)
            .dataFormat(Conv2DConfig.NCHW)
            .weightsFormat(WeightsFormat.OIYX)
            .build();
    SDVariable x = to.in(node, 0);
    SDVariable weight = to.parameter(op.weight());
    String bias = op.bias();
    return bias == null
        ? program.cnn().conv2d(x, weight, config)
        : program.cnn().conv2d(x, weight, to.parameter(bias), config);
  }

  SDVariable pool2d(Node node, ShapeOp.Pool2d op) {
    boolean max = op.kind() == ShapeOp.Pool2d.Kind.MAX;
    Pooling2DConfig config =
        Pooling2DConfig.builder()
            .kH(op.kernel())
            .kW(op.kernel())
            .sH(op.stride())
            .sW(op.stride())
            .pH(max ? op.padding() : 0)
            .pW(max ? op.padding() : 0)
            .paddingMode(PaddingMode.VALID)
            .type(max ? Pooling2D.Pooling2DType.MAX : Pooling2D.Pooling2DType.AVG)
            .build();
    SDVariable x = to.in(node, 0);
    return max
        ? program.cnn().maxPooling2d(x, config)
        : program.cnn().avgPooling2d(framed(x, to.shape(node, 0), op.padding()), config);
  }

  /** An image with zeros around it, which SameDiff's mean would leave out of the count. */
  private SDVariable framed(SDVariable x, long[] shape, int width) {
    if (width == 0) {
      return x;
    }
    SDVariable beside = zeros(shape[0], shape[1], shape[2], width);
    SDVariable wide = program.concat(3, beside, x, beside);
    SDVariable above = zeros(shape[0], shape[1], width, shape[3] + 2L * width);
    return program.concat(2, above, wide, above);
  }

  private SDVariable zeros(long... shape) {
    return to.constant(new float[Math.toIntExact(Tensor.elements(shape))], shape);
  }
}
