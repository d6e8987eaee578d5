package io.athanor.benchmarks;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.types.Shape;
import ai.djl.nn.Activation;
import ai.djl.nn.Block;
import ai.djl.nn.Blocks;
import ai.djl.nn.LambdaBlock;
import ai.djl.nn.ParallelBlock;
import ai.djl.nn.SequentialBlock;
import ai.djl.nn.convolutional.Conv2d;
import ai.djl.nn.core.Linear;
import ai.djl.nn.norm.LayerNorm;
import ai.djl.nn.pooling.Pool;
import ai.djl.nn.transformer.IdEmbedding;
import ai.djl.nn.transformer.ScaledDotProductAttentionBlock;
import io.athanor.api.common.Tensor;
import io.athanor.api.graph.Dim;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.GraphBuilder;
import io.athanor.api.graph.SequenceOp.SequencePool;
import io.athanor.api.graph.ShapeOp.Pool2d;
import io.athanor.api.graph.TensorType;
import io.athanor.api.graph.Value;
import io.athanor.api.graph.Weights;
import java.util.List;
import java.util.SplittableRandom;

/** A classifier as a graph and as a DJL block, and a batch for it. */
public enum Workload {
  TINY_MLP(3, 0, 16L, 4L) {
    @Override
    Value features(GraphBuilder b) {
      Value x = b.input("x", TensorType.f32(Dim.BATCH, Dim.of(4)));
      return b.relu(b.linear("first", x, 16));
    }

    @Override
    Block block() {
      return new SequentialBlock().add(linear(16)).add(Activation::relu).add(linear(3));
    }
  },
  MLP(2, 0, 32L, 30L) {
    @Override
    Value features(GraphBuilder b) {
      Value x = b.input("x", TensorType.f32(Dim.BATCH, Dim.of(30)));
      return b.relu(b.linear("second", b.relu(b.linear("first", x, 64)), 64));
    }

    @Override
    Block block() {
      return new SequentialBlock()
          .add(linear(64))
          .add(Activation::relu)
          .add(linear(64))
          .add(Activation::relu)
          .add(linear(2));
    }
  },
  CNN_8(10, 0, 32L, 1L, 8L, 8L) {
    @Override
    Value features(GraphBuilder b) {
      return convolutions(b, 8);
    }

    @Override
    Block block() {
      return convolutions();
    }
  },
  CNN_28(10, 0, 32L, 1L, 28L, 28L) {
    @Override
    Value features(GraphBuilder b) {
      return convolutions(b, 28);
    }

    @Override
    Block block() {
      return convolutions();
    }
  },
  LSTM(2, 0, 32L, 32L, 16L) {
    @Override
    Value features(GraphBuilder b) {
      Value x = b.input("x", TensorType.f32(Dim.BATCH, Dim.SEQUENCE, Dim.of(16)));
      return b.sequencePool(SequencePool.Kind.LAST, b.lstm("lstm", x, 64));
    }

    @Override
    Block block() {
      return new SequentialBlock()
          .add(
              ai.djl
                  .nn
                  .recurrent
                  .LSTM
                  .builder()
                  .setNumLayers(1)
                  .setStateSize(64)
                  .optBatchFirst(true)
                  .build())
          .add(LambdaBlock.singleton(x -> x.get(":, -1")))
          .add(linear(2));
    }
  },
  ENCODER(2, 8192, 16L, 64L) {
    @Override
    Value features(GraphBuilder b) {
      Value ids = b.input("x", TensorType.i64(Dim.BATCH, Dim.SEQUENCE));
      Value x = b.embedding("words", ids, 8192, 128, 0.02);
      for (String layer : List.of("a.", "b.")) {
        x = encoder(b, layer, x);
      }
      return b.sequencePool(SequencePool.Kind.MEAN, x);
    }

    @Override
    Block block() {
      return new SequentialBlock()
          .add(new IdEmbedding.Builder().setDictionarySize(8192).setEmbeddingSize(128).build())
          .add(encoder())
          .add(encoder())
          .add(LambdaBlock.singleton(x -> x.mean(new int[] {1})))
          .add(linear(2));
    }
  },
  LARGE_MLP(10, 0, 256L, 1024L) {
    @Override
    Value features(GraphBuilder b) {
      Value x = b.input("x", TensorType.f32(Dim.BATCH, Dim.of(1024)));
      return b.relu(b.linear("second", b.relu(b.linear("first", x, 2048)), 2048));
    }

    @Override
    Block block() {
      return new SequentialBlock()
          .add(linear(2048))
          .add(Activation::relu)
          .add(linear(2048))
          .add(Activation::relu)
          .add(linear(10));
    }
  };

  private final int classes;
  private final int vocabulary;

  @SuppressWarnings("ImmutableEnumChecker")
  private final List<Long> sizes;

  Workload(int classes, int vocabulary, Long... sizes) {
    this.classes = classes;
    this.vocabulary = vocabulary;
    this.sizes = List.of(sizes);
  }

  abstract Value features(GraphBuilder b);

  /** The DJL block, from the batch to logits. */
  abstract Block block();

  /** The graph, with an input {@code x} and a target {@code y}. */
  final Graph graph() {
    GraphBuilder b = Graph.builder(name());
    Value y = b.target("y", TensorType.i64(Dim.BATCH));
    Value logits = b.linear("last", features(b), classes);
    return b.output("logits", logits).loss(b.crossEntropy(logits, y)).build();
  }

  /** What every contender begins with. */
  final Weights weights() {
    return Weights.initialize(graph(), 1);
  }

  final int classes() {
    return classes;
  }

  /** The batch's inputs. */
  final Tensor inputs(long seed) {
    SplittableRandom random = new SplittableRandom(seed);
    long[] shape = shape();
    int n = (int) Tensor.elements(shape);
    if (vocabulary > 0) {
      return Tensor.ofLongs(random.longs(n, 0, vocabulary).toArray(), shape);
    }
    float[] x = new float[n];
    for (int i = 0; i < n; i++) {
      x[i] = (float) random.nextGaussian();
    }
    return Tensor.ofFloats(x, shape);
  }

  /** The batch's classes. */
  final Tensor targets(long seed) {
    long[] y = new SplittableRandom(seed).longs(sizes.get(0), 0, classes).toArray();
    return Tensor.ofLongs(y, y.length);
  }

  final Shape djlShape() {
    return new Shape(shape());
  }

  private long[] shape() {
    return sizes.stream().mapToLong(Long::longValue).toArray();
  }

  private static Linear linear(long units) {
    return Linear.builder().setUnits(units).build();
  }

  private static Value convolutions(GraphBuilder b, int side) {
    Value x = b.input("x", TensorType.f32(Dim.BATCH, Dim.of(1), Dim.of(side), Dim.of(side)));
    Value h = b.pool2d(Pool2d.Kind.MAX, b.relu(b.conv2d("first", x, 16, 3, 1, 1)), 2);
    h = b.pool2d(Pool2d.Kind.MAX, b.relu(b.conv2d("second", h, 32, 3, 1, 1)), 2);
    return b.flatten(h);
  }

  private static Block convolutions() {
    return new SequentialBlock()
        .add(convolution(16))
        .add(Activation::relu)
        .add(Pool.maxPool2dBlock(new Shape(2, 2), new Shape(2, 2)))
        .add(convolution(32))
        .add(Activation::relu)
        .add(Pool.maxPool2dBlock(new Shape(2, 2), new Shape(2, 2)))
        .add(Blocks.batchFlattenBlock())
        .add(linear(10));
  }

  private static Block convolution(int filters) {
    return Conv2d.builder()
        .setFilters(filters)
        .setKernelShape(new Shape(3, 3))
        .optPadding(new Shape(1, 1))
        .build();
  }

  private static Value encoder(GraphBuilder b, String layer, Value x) {
    Value k = b.linear(layer + "k", x, 128);
    Value q = b.linear(layer + "q", x, 128);
    Value v = b.linear(layer + "v", x, 128);
    Value attended = b.attention(layer + "attention", 4, false, 0, q, k, v);
    Value h = b.layerNorm(layer + "n1", b.add(x, b.linear(layer + "o", attended, 128)), 1e-5);
    Value wide = b.gelu(b.linear(layer + "up", h, 512));
    return b.layerNorm(layer + "n2", b.add(h, b.linear(layer + "down", wide, 128)), 1e-5);
  }

  private static Block encoder() {
    Block attention =
        ScaledDotProductAttentionBlock.builder()
            .setEmbeddingSize(128)
            .setHeadCount(4)
            .optAttentionProbsDropoutProb(0)
            .build();
    Block wide = new SequentialBlock().add(linear(512)).add(Activation::gelu).add(linear(128));
    return new SequentialBlock()
        .add(residual(attention))
        .add(LayerNorm.builder().axis(2).build())
        .add(residual(wide))
        .add(LayerNorm.builder().axis(2).build());
  }

  private static Block residual(Block block) {
    return new ParallelBlock(Workload::sum, List.of(Blocks.identityBlock(), block));
  }

  private static NDList sum(List<NDList> branches) {
    NDArray left = branches.get(0).head();
    return new NDList(left.add(branches.get(1).head()));
  }
}
