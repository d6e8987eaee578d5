package io.athanor.backend.dl4j;

import io.athanor.api.graph.LayerOp;
import io.athanor.api.graph.Node;
import java.util.List;
import org.nd4j.autodiff.samediff.SDVariable;
import org.nd4j.autodiff.samediff.SameDiff;
import org.nd4j.linalg.api.ops.impl.layers.recurrent.config.LSTMActivations;
import org.nd4j.linalg.api.ops.impl.layers.recurrent.config.LSTMDataFormat;
import org.nd4j.linalg.api.ops.impl.layers.recurrent.config.LSTMDirectionMode;
import org.nd4j.linalg.api.ops.impl.layers.recurrent.config.LSTMLayerConfig;
import org.nd4j.linalg.api.ops.impl.layers.recurrent.weights.LSTMLayerWeights;

/**
 * Recurrent layers: ND4J's where it has the same one, else one operation after the other. Then the
 * products with the inputs are one, and those with the states follow step by step.
 */
final class RecurrentOps {
  private final ProgramWriter to;
  private final SameDiff program;

  RecurrentOps(ProgramWriter to) {
    this.to = to;
    this.program = to.program();
  }

  /** The next state of a cell from its inputs' share of the gates. */
  private interface Cell {
    SDVariable next(SDVariable inputs, SDVariable state);
  }

  SDVariable lstm(Node node, LayerOp.Lstm op) {
    long in = to.shape(node, 0)[2];
    long hidden = to.shape(node)[2];
    return in > 1 && hidden > 1 ? layer(node, op) : steps(node, op);
  }

  private SDVariable steps(Node node, LayerOp.Lstm op) {
    SDVariable[] memory = new SDVariable[1];
    return run(
        node,
        op.parameters(),
        4,
        (inputs, state) -> {
          SDVariable[] gates = program.split(inputs.add(recurrent(state, op.parameters())), 4, 1);
          SDVariable written = program.nn().sigmoid(gates[0]).mul(program.math().tanh(gates[2]));
          SDVariable before = memory[0];
          SDVariable cell =
              before == null ? written : program.nn().sigmoid(gates[1]).mul(before).add(written);
          memory[0] = cell;
          return program.nn().sigmoid(gates[3]).mul(program.math().tanh(cell));
        });
  }

  /** ND4J's layer, whose gates lie in the same order; with a size of 1 it ends the process. */
  private SDVariable layer(Node node, LayerOp.Lstm op) {
    LSTMLayerConfig config =
        LSTMLayerConfig.builder()
            .lstmdataformat(LSTMDataFormat.NTS)
            .directionMode(LSTMDirectionMode.FWD)
            .gateAct(LSTMActivations.SIGMOID)
            .cellAct(LSTMActivations.TANH)
            .outAct(LSTMActivations.TANH)
            .retFullSequence(true)
            .build();
    LSTMLayerWeights weights =
        LSTMLayerWeights.builder()
            .weights(turned(op.inputWeight()))
            .rWeights(turned(op.hiddenWeight()))
            .bias(to.parameter(op.inputBias()).add(to.parameter(op.hiddenBias())))
            .build();
    return program.rnn().lstmLayer(to.in(node, 0), weights, config)[0];
  }

  private SDVariable turned(String matrix) {
    return program.permute(to.parameter(matrix), 1, 0);
  }

  SDVariable gru(Node node, LayerOp.Gru op) {
    return run(
        node,
        op.parameters(),
        3,
        (inputs, state) -> {
          SDVariable[] ofInput = program.split(inputs, 3, 1);
          SDVariable[] ofState = program.split(recurrent(state, op.parameters()), 3, 1);
          SDVariable reset = program.nn().sigmoid(ofInput[0].add(ofState[0]));
          SDVariable update = program.nn().sigmoid(ofInput[1].add(ofState[1]));
          SDVariable fresh = program.math().tanh(ofInput[2].add(reset.mul(ofState[2])));
          return fresh.add(update.mul(state.sub(fresh)));
        });
  }

  private SDVariable recurrent(SDVariable state, List<String> parameters) {
    return to.product(state, to.parameter(parameters.get(1)), true)
        .add(to.parameter(parameters.get(3)));
  }

  private SDVariable run(Node node, List<String> parameters, int gates, Cell cell) {
    long[] shape = to.shape(node);
    int time = Math.toIntExact(shape[1]);
    SDVariable x = to.rows(to.in(node, 0), to.shape(node, 0));
    SDVariable all =
        to.product(x, to.parameter(parameters.get(0)), true).add(to.parameter(parameters.get(2)));
    SDVariable[] inputs =
        program.unstack(to.reshaped(all, shape[0], shape[1], gates * shape[2]), 1, time);
    SDVariable[] states = new SDVariable[time];
    SDVariable state =
        to.constant(new float[Math.toIntExact(shape[0] * shape[2])], shape[0], shape[2]);
    for (int t = 0; t < time; t++) {
      state = cell.next(inputs[t], state);
      states[t] = state;
    }
    return program.stack(1, states);
  }
}
