package io.athanor.backend.djl;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.Device;
import ai.djl.ndarray.NDManager;
import ai.djl.pytorch.engine.PtNDManager;
import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.backend.MicroBatch;
import io.athanor.api.backend.Optimizer;
import io.athanor.api.backend.Precision;
import io.athanor.api.backend.StepSettings;
import io.athanor.api.backend.TrainableModel;
import io.athanor.api.backend.TrainingMode;
import io.athanor.api.common.DType;
import io.athanor.api.common.Tensor;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.Parameter;
import io.athanor.api.graph.Weights;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FrozenWeightsTest {
  private static final int HEADER = 4;

  @TempDir Path folder;

  @Test
  void directElementsAreReadInPlace() {
    LibTorch.start();
    ByteBuffer room = ByteBuffer.allocateDirect(64).order(ByteOrder.LITTLE_ENDIAN);
    Tensor tensor = Tensor.of(DType.F32, room.slice(HEADER, 8), 2);
    try (PtNDManager manager =
        (PtNDManager) NDManager.newBaseManager(Device.cpu(), LibTorch.ENGINE)) {
      HostTensor host = HostTensor.of(manager, tensor);
      room.putFloat(HEADER, 7);
      assertThat(host.array().toFloatArray()).containsExactly(7, 0);
    }
  }

  @Test
  void elementsThatNativeCodeCannotReadAreCopied() {
    LibTorch.start();
    ByteBuffer room = ByteBuffer.allocateDirect(64).order(ByteOrder.LITTLE_ENDIAN);
    Tensor between = Tensor.of(DType.F32, room.slice(1, 8), 2);
    Tensor heap = Tensor.ofFloats(new float[] {1, 2}, 2);
    try (PtNDManager manager =
        (PtNDManager) NDManager.newBaseManager(Device.cpu(), LibTorch.ENGINE)) {
      HostTensor copy = HostTensor.of(manager, between);
      room.put(4, (byte) 64);
      assertThat(copy.array().toFloatArray()).containsExactly(0, 0);
      assertThat(HostTensor.of(manager, heap).array().toFloatArray()).containsExactly(1, 2);
    }
  }

  /** A write to a mapping that is read-only would end the process. */
  @Test
  void readOnlyMappedFileTrainsAdapters() throws IOException {
    LanguageNets nets = LanguageNets.small().withRank(2);
    Graph graph = nets.graph();
    Weights first = Weights.initialize(graph, 3);
    Path file = folder.resolve("weights");
    Map<String, Tensor> mapped = map(graph, first, file);
    byte[] before = Files.readAllBytes(file);
    MicroBatch batch = nets.batch(1, 2, 8, 0);
    try (Backend backend = new DjlBackendProvider().open(BackendOptions.defaults().withThreads(1));
        TrainableModel model =
            backend.compile(
                graph,
                Weights.of(mapped),
                new TrainingMode(Optimizer.adamW(0), Precision.F32, 1))) {
      double start = model.loss(batch);
      for (int i = 0; i < 10; i++) {
        model.step(List.of(batch), new StepSettings(0.01, 0));
      }
      model.restore(model.state());
      assertThat(model.loss(batch)).isLessThan(start - 0.1);
      for (Parameter parameter : graph.parameters()) {
        Tensor now = model.weights().tensor(parameter.name());
        if (parameter.trained()) {
          assertThat(now).isNotEqualTo(first.tensor(parameter.name()));
        } else {
          assertThat(now).isSameAs(mapped.get(parameter.name()));
        }
      }
    }
    assertThat(Files.readAllBytes(file)).isEqualTo(before);
  }

  private static Map<String, Tensor> map(Graph graph, Weights weights, Path file)
      throws IOException {
    Map<String, Tensor> mapped = new LinkedHashMap<>();
    try (FileChannel channel =
        FileChannel.open(
            file, StandardOpenOption.CREATE, StandardOpenOption.WRITE, StandardOpenOption.READ)) {
      long at = HEADER;
      for (Parameter parameter : graph.parameters()) {
        Tensor tensor = weights.tensor(parameter.name());
        long length = tensor.elements() * Float.BYTES;
        channel.write(tensor.bytes(), at);
        ByteBuffer bytes = channel.map(FileChannel.MapMode.READ_ONLY, at, length);
        mapped.put(parameter.name(), Tensor.of(DType.F32, bytes, tensor.shape()));
        at += length;
      }
    }
    assertThat(mapped).hasSizeGreaterThan(30);
    return mapped;
  }
}
