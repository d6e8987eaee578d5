package io.athanor.tck;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.platform.engine.discovery.DiscoverySelectors.selectMethod;

import io.athanor.api.backend.BackendProvider;
import io.athanor.api.backend.Capability;
import io.athanor.api.backend.CompiledModel;
import io.athanor.api.backend.MicroBatch;
import io.athanor.api.backend.Optimizer;
import io.athanor.api.backend.StepResult;
import io.athanor.api.backend.StepSettings;
import io.athanor.api.backend.Support;
import io.athanor.api.backend.TrainableModel;
import io.athanor.api.backend.TrainingMode;
import io.athanor.api.backend.TrainingState;
import io.athanor.api.common.Tensor;
import io.athanor.api.error.UnsupportedException;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.LayerOp;
import io.athanor.api.graph.Parameter;
import io.athanor.api.graph.Weights;
import io.athanor.tck.fixture.TinyGraphs;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.platform.launcher.core.LauncherDiscoveryRequestBuilder;
import org.junit.platform.launcher.core.LauncherFactory;
import org.junit.platform.launcher.listeners.SummaryGeneratingListener;
import org.junit.platform.launcher.listeners.TestExecutionSummary;

/** Runs single contract tests against backends that do one thing wrong. */
class ContractCatchesFaultsTest {
  @ParameterizedTest(name = "{0} is caught by {1}")
  @CsvSource({
    "DoublesGradients, everyOperationHasTheGradientsOfTheReference",
    "DoublesGradients, stepMovesWeightsByTheGradientsItReports",
    "NudgesPredictions, everyOperationPredictsAsTheReference",
    "NudgesPredictions, everyArchitecturePredictsAsTheReference",
    "IgnoresClipping, clippingShortensGradientsOnlyAboveTheLimit",
    "IgnoresClipping, everyArchitectureLearnsAlongTheReferencesCurve",
    "IgnoresBatchWeights, weightedMicroBatchesEqualTheFullBatch",
    "ForgetsWeightDecay, weightDecayPullsMatricesAndNothingElse",
    "ThawsFrozenParameters, frozenParametersStayWhileStatisticsMove",
    "ForgetsSeed, anotherSeedDropsOtherElements",
    "DrawsTheSameEveryStep, everyStepAndEveryMicroBatchDrawsAfresh",
    "ForgetsSteps, freshModelContinuesFromAStateBitExactly",
    "ForgetsSteps, stateOfOneBackendRunsOnTheOther",
    "NeverCloses, closedModelsSaySo",
    "AcceptsAnyId, misfitInputsAreRefusedWhenPredicting",
    "ClaimsTooMuch, precisionsWorkOrAreRefusedWithReasonAndRemedy",
    "RefusesRecurrence, whatItClaimsItDoesNotRefuse",
  })
  void faultIsCaught(String fault, String test) throws ClassNotFoundException {
    TestExecutionSummary summary =
        run(Class.forName(ContractCatchesFaultsTest.class.getName() + "$" + fault), test);

    assertThat(summary.getTestsFoundCount()).isPositive();
    assertThat(summary.getFailures())
        .isNotEmpty()
        .allSatisfy(
            failure ->
                assertThat(failure.getException())
                    .isInstanceOfAny(AssertionError.class, UnsupportedException.class));
  }

  @Test
  void backendWithoutFaultPasses() {
    for (String test :
        List.of(
            "everyOperationPredictsAsTheReference", "stepMovesWeightsByTheGradientsItReports")) {
      TestExecutionSummary summary = run(Faultless.class, test);

      assertThat(summary.getTestsSucceededCount()).isPositive();
      assertThat(summary.getTotalFailureCount()).isZero();
    }
  }

  private static TestExecutionSummary run(Class<?> contract, String test) {
    SummaryGeneratingListener listener = new SummaryGeneratingListener();
    LauncherFactory.create()
        .execute(
            LauncherDiscoveryRequestBuilder.request()
                .selectors(selectMethod(contract, test))
                .build(),
            listener);
    return listener.getSummary();
  }

  abstract static class Contract extends BackendContract {
    abstract FaultyBackend backendWithFault();

    @Override
    protected BackendProvider provider() {
      return backendWithFault();
    }
  }

  static class Faultless extends Contract {
    @Override
    FaultyBackend backendWithFault() {
      return new FaultyBackend();
    }
  }

  static class DoublesGradients extends Contract {
    @Override
    FaultyBackend backendWithFault() {
      return new FaultyBackend() {
        @Override
        TrainableModel spoil(TrainableModel model) {
          return new FaultyBackend.Model(model) {
            @Override
            public Weights gradients(MicroBatch batch) {
              return Weights.of(changed(right.gradients(batch).tensors(), 2, 0));
            }
          };
        }
      };
    }
  }

  static class NudgesPredictions extends Contract {
    @Override
    FaultyBackend backendWithFault() {
      return new FaultyBackend() {
        @Override
        CompiledModel spoil(CompiledModel model) {
          return new CompiledModel() {
            @Override
            public Map<String, Tensor> predict(Map<String, Tensor> inputs) {
              return changed(model.predict(inputs), 1, 0.01f);
            }

            @Override
            public void close() {
              model.close();
            }
          };
        }
      };
    }
  }

  private static Map<String, Tensor> changed(
      Map<String, Tensor> tensors, float factor, float added) {
    Map<String, Tensor> changed = new LinkedHashMap<>();
    tensors.forEach(
        (name, tensor) -> {
          if (!tensor.dtype().floating()) {
            changed.put(name, tensor);
            return;
          }
          float[] values = tensor.floats();
          for (int i = 0; i < values.length; i++) {
            values[i] = values[i] * factor + added;
          }
          changed.put(name, Tensor.ofFloats(values, tensor.shape()));
        });
    return changed;
  }

  static class IgnoresClipping extends Contract {
    @Override
    FaultyBackend backendWithFault() {
      return new FaultyBackend() {
        @Override
        TrainableModel spoil(TrainableModel model) {
          return new FaultyBackend.Model(model) {
            @Override
            public StepResult step(List<MicroBatch> microBatches, StepSettings settings) {
              return right.step(microBatches, new StepSettings(settings.learningRate(), 0));
            }
          };
        }
      };
    }
  }

  static class IgnoresBatchWeights extends Contract {
    @Override
    FaultyBackend backendWithFault() {
      return new FaultyBackend() {
        @Override
        TrainableModel spoil(TrainableModel model) {
          return new FaultyBackend.Model(model) {
            @Override
            public StepResult step(List<MicroBatch> microBatches, StepSettings settings) {
              return right.step(
                  microBatches.stream().map(b -> new MicroBatch(b.tensors(), 1)).toList(),
                  settings);
            }
          };
        }
      };
    }
  }

  static class ForgetsWeightDecay extends Contract {
    @Override
    FaultyBackend backendWithFault() {
      return new FaultyBackend() {
        @Override
        public TrainableModel compile(Graph graph, Weights weights, TrainingMode mode) {
          Optimizer optimizer =
              mode.optimizer() instanceof Optimizer.AdamW adam
                  ? new Optimizer.AdamW(adam.beta1(), adam.beta2(), adam.epsilon(), 0)
                  : mode.optimizer();
          return super.compile(
              graph, weights, new TrainingMode(optimizer, mode.precision(), mode.seed()));
        }
      };
    }
  }

  static class ThawsFrozenParameters extends Contract {
    @Override
    FaultyBackend backendWithFault() {
      return new FaultyBackend() {
        @Override
        public TrainableModel compile(Graph graph, Weights weights, TrainingMode mode) {
          boolean frozen =
              graph.parameters().stream().anyMatch(p -> p.role() == Parameter.Role.FROZEN);
          Graph other = frozen ? TinyGraphs.cnn() : graph;
          return super.compile(other, weights, mode);
        }
      };
    }
  }

  static class ForgetsSeed extends Contract {
    @Override
    FaultyBackend backendWithFault() {
      return new FaultyBackend() {
        @Override
        public TrainableModel compile(Graph graph, Weights weights, TrainingMode mode) {
          return super.compile(
              graph, weights, new TrainingMode(mode.optimizer(), mode.precision(), 0));
        }
      };
    }
  }

  static class DrawsTheSameEveryStep extends Contract {
    @Override
    FaultyBackend backendWithFault() {
      return new FaultyBackend() {
        @Override
        TrainableModel spoil(TrainableModel model) {
          return new FaultyBackend.Model(model) {
            @Override
            public StepResult step(List<MicroBatch> microBatches, StepSettings settings) {
              StepResult result = right.step(microBatches, settings);
              right.restore(withSteps(right.state(), 0));
              return result;
            }
          };
        }
      };
    }
  }

  static class ForgetsSteps extends Contract {
    @Override
    FaultyBackend backendWithFault() {
      return new FaultyBackend() {
        @Override
        TrainableModel spoil(TrainableModel model) {
          return new FaultyBackend.Model(model) {
            @Override
            public void restore(TrainingState state) {
              right.restore(withSteps(state, 0));
            }
          };
        }
      };
    }
  }

  private static TrainingState withSteps(TrainingState state, long steps) {
    return new TrainingState(state.weights(), state.optimizer(), steps, state.seed());
  }

  static class NeverCloses extends Contract {
    @Override
    FaultyBackend backendWithFault() {
      return new FaultyBackend() {
        @Override
        TrainableModel spoil(TrainableModel model) {
          return new FaultyBackend.Model(model) {
            @Override
            public void close() {}
          };
        }
      };
    }
  }

  static class AcceptsAnyId extends Contract {
    @Override
    FaultyBackend backendWithFault() {
      return new FaultyBackend() {
        @Override
        CompiledModel spoil(CompiledModel model) {
          return new CompiledModel() {
            @Override
            public Map<String, Tensor> predict(Map<String, Tensor> inputs) {
              Map<String, Tensor> clamped = new HashMap<>(inputs);
              clamped.computeIfPresent(
                  "ids",
                  (name, ids) ->
                      Tensor.ofLongs(
                          Arrays.stream(ids.longs())
                              .map(id -> Math.max(0, Math.min(10, id)))
                              .toArray(),
                          ids.shape()));
              return model.predict(clamped);
            }

            @Override
            public void close() {
              model.close();
            }
          };
        }
      };
    }
  }

  static class ClaimsTooMuch extends Contract {
    @Override
    FaultyBackend backendWithFault() {
      return new FaultyBackend() {
        @Override
        public Set<Capability> capabilities() {
          Set<Capability> more = EnumSet.copyOf(super.capabilities());
          more.add(Capability.BF16);
          return more;
        }
      };
    }
  }

  static class RefusesRecurrence extends Contract {
    @Override
    FaultyBackend backendWithFault() {
      return new FaultyBackend() {
        @Override
        public Support check(Graph graph, TrainingMode mode) {
          return graph.nodes().stream().anyMatch(n -> n.op() instanceof LayerOp.Lstm)
              ? new Support.Unsupported("no recurrence", "Use another network")
              : super.check(graph, mode);
        }
      };
    }
  }
}
