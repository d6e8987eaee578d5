package io.athanor.benchmarks;

import java.util.Map;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.samediff.SDLayerParams;
import org.deeplearning4j.nn.conf.layers.samediff.SameDiffLayer;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.ndarray.INDArray;

/** Layer norm of sequences {@code [batch, size, time]}, which DL4J has only within other layers. */
final class NormLayer extends SameDiffLayer {
  private static final long serialVersionUID = 1;

  private final int size;

  NormLayer(int size) {
    this.size = size;
  }

  @Override
  public InputType getOutputType(int index, InputType input) {
    return input;
  }

  @Override
  public void defineParameters(SDLayerParams parameters) {
    parameters.addWeightParam("weight", size);
    parameters.addBiasParam("bias", size);
  }

  @Override
  public void initializeParameters(Map<String, INDArray> parameters) {
    parameters.forEach((name, array) -> array.assign(name.equals("bias") ? 0 : 1));
  }

  @Override
  public SDVariable defineLayer(
      SameDiff program, SDVariable x, Map<String, SDVariable> parameters, SDVariable mask) {
    return program.nn().layerNorm(x, parameters.get("weight"), parameters.get("bias"), true, 1);
  }
}
