package io.athanor.model.format.onnx;

import static org.assertj.core.api.Assertions.assertThat;

import ai.onnxruntime.NodeInfo;
import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import ai.onnxruntime.TensorInfo;
import io.athanor.api.common.DType;
import io.athanor.api.common.Tensor;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** A model in ONNX Runtime. */
public final class RuntimeModel implements AutoCloseable {
  private final OrtSession session;

  private RuntimeModel(OrtSession session) {
    this.session = session;
  }

  public static RuntimeModel open(Path file) {
    try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
      options.setIntraOpNumThreads(1);
      return new RuntimeModel(
          OrtEnvironment.getEnvironment().createSession(file.toString(), options));
    } catch (OrtException e) {
      throw new AssertionError(e);
    }
  }

  /** The outputs; inputs that the model does not have are left out. */
  public Map<String, Tensor> predict(Map<String, Tensor> tensors) {
    Map<String, OnnxTensor> inputs = new HashMap<>();
    Map<String, Tensor> outputs = new LinkedHashMap<>();
    try {
      for (String name : session.getInputNames()) {
        inputs.put(name, tensor(tensors.get(name)));
      }
      try (OrtSession.Result result = session.run(inputs)) {
        result.forEach(entry -> outputs.put(entry.getKey(), tensor((OnnxTensor) entry.getValue())));
      }
    } catch (OrtException e) {
      throw new AssertionError(e);
    } finally {
      inputs.values().forEach(OnnxTensor::close);
    }
    return outputs;
  }

  private static OnnxTensor tensor(Tensor tensor) throws OrtException {
    ByteBuffer bytes = ByteBuffer.allocateDirect(tensor.bytes().remaining());
    bytes.order(ByteOrder.LITTLE_ENDIAN).put(tensor.bytes()).flip();
    OrtEnvironment environment = OrtEnvironment.getEnvironment();
    return tensor.dtype() == DType.I64
        ? OnnxTensor.createTensor(environment, bytes.asLongBuffer(), tensor.shape())
        : OnnxTensor.createTensor(environment, bytes.asFloatBuffer(), tensor.shape());
  }

  private static Tensor tensor(OnnxTensor tensor) {
    DType type = tensor.getInfo().type == OnnxJavaType.INT64 ? DType.I64 : DType.F32;
    ByteBuffer copy = Tensor.allocate(type, Tensor.elements(tensor.getInfo().getShape()));
    copy.put(tensor.getByteBuffer()).flip();
    return Tensor.of(type, copy, tensor.getInfo().getShape());
  }

  /** The names of an input's sizes; empty for fixed ones. */
  List<String> sizes(String input) throws OrtException {
    NodeInfo node = session.getInputInfo().get(input);
    return List.of(((TensorInfo) node.getInfo()).getDimensionNames());
  }

  OrtSession session() {
    return session;
  }

  /**
   * @param tolerance largest difference, as a share of the largest expected value or of 1
   */
  public static void assertAgree(
      Map<String, Tensor> expected, Map<String, Tensor> actual, double tolerance) {
    assertThat(actual.keySet()).isEqualTo(expected.keySet());
    expected.forEach(
        (name, tensor) -> {
          Tensor other = actual.get(name);
          assertThat(other).as(name).hasToString(tensor.toString());
          if (tensor.dtype() == DType.I64) {
            assertThat(other.longs()).as(name).isEqualTo(tensor.longs());
            return;
          }
          assertThat(difference(tensor.floats(), other.floats())).as(name).isLessThan(tolerance);
        });
  }

  /** The largest difference, as a share of the largest expected value or of 1. */
  public static double difference(float[] expected, float[] actual) {
    double scale = 1;
    double largest = 0;
    for (int i = 0; i < expected.length; i++) {
      scale = Math.max(scale, Math.abs(expected[i]));
      double difference = Math.abs((double) expected[i] - actual[i]);
      largest = Double.isNaN(difference) ? Double.POSITIVE_INFINITY : Math.max(largest, difference);
    }
    return largest / scale;
  }

  @Override
  public void close() {
    try {
      session.close();
    } catch (OrtException e) {
      throw new AssertionError(e);
    }
  }
}
