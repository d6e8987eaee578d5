package io.athanor.model.format.onnx;

import io.athanor.api.common.Tensor;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A {@code NodeProto}.
 *
 * @param value of a Constant, if it is one and can be read
 * @param numbers the attributes that are one number
 */
record OnnxNode(
    String operation,
    List<String> inputs,
    List<String> outputs,
    @Nullable Tensor value,
    Map<String, Double> numbers) {

  static OnnxNode read(String source, ProtobufMessage message) {
    List<String> inputs = new ArrayList<>();
    List<String> outputs = new ArrayList<>();
    Map<String, Double> numbers = new HashMap<>();
    String operation = "";
    Tensor value = null;
    while (message.next()) {
      switch (message.field()) {
        case 1 -> inputs.add(message.text());
        case 2 -> outputs.add(message.text());
        case 4 -> operation = message.text();
        case 5 -> {
          Tensor found = attribute(source, message.message(), numbers);
          value = found == null ? value : found;
        }
        default -> {}
      }
    }
    return new OnnxNode(operation, inputs, outputs, value, numbers);
  }

  private static @Nullable Tensor attribute(
      String source, ProtobufMessage message, Map<String, Double> numbers) {
    String name = "";
    Tensor value = null;
    Double number = null;
    while (message.next()) {
      switch (message.field()) {
        case 1 -> name = message.text();
        case 2 -> number = (double) message.single();
        case 3 -> number = (double) message.integer();
        case 5 -> value = OnnxTensor.read(source, message.message()).tensor();
        default -> {}
      }
    }
    if (number != null) {
      numbers.put(name, number);
    }
    return value;
  }
}
