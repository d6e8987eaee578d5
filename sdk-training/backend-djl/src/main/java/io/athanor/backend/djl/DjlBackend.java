package io.athanor.backend.djl;

import ai.djl.engine.Engine;
import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.backend.Capability;
import io.athanor.api.backend.CompiledModel;
import io.athanor.api.backend.Decoder;
import io.athanor.api.backend.Precision;
import io.athanor.api.backend.Support;
import io.athanor.api.backend.TrainableModel;
import io.athanor.api.backend.TrainingMode;
import io.athanor.api.common.DType;
import io.athanor.api.error.GraphException;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.Parameter;
import io.athanor.api.graph.Weights;
import io.athanor.api.graph.Widened;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** Compiles graphs to TorchScript. Thread-safe. */
final class DjlBackend implements Backend {
  private final Engine engine;
  private final BackendOptions options;
  private final ComputeDevice device;
  private final LeakReporter leaks;
  private final WritingChoice writing;
  private final NativeCalls calls;
  private final Thread exit;
  private boolean closed;

  DjlBackend(Engine engine, BackendOptions options, LeakReporter leaks) {
    this(engine, options, leaks, WritingChoice.STANDARD);
  }

  DjlBackend(Engine engine, BackendOptions options, LeakReporter leaks, WritingChoice writing) {
    this(engine, options, leaks, writing, ComputeDevice.open(options.device(), new NativeCalls()));
  }

  /**
   * @param device opened
   */
  DjlBackend(
      Engine engine,
      BackendOptions options,
      LeakReporter leaks,
      WritingChoice writing,
      ComputeDevice device) {
    this.writing = writing;
    this.device = device;
    this.calls = new NativeCalls();
    this.exit = new Thread(calls::stop, "athanor-djl-exit");
    this.engine = engine;
    this.options = options;
    this.leaks = leaks;
    Runtime.getRuntime().addShutdownHook(exit);
  }

  @Override
  public String name() {
    return DjlBackendProvider.NAME;
  }

  @Override
  public Map<String, String> identity() {
    Map<String, String> identity = new LinkedHashMap<>();
    identity.put("backend", name());
    identity.put("engine", "pytorch");
    identity.put("djl", Engine.getDjlVersion());
    identity.put("libtorch", engine.getVersion());
    identity.put(
        "native", LibTorch.platform(System.getProperty("os.name"), System.getProperty("os.arch")));
    identity.put("processor", Processor.name());
    identity.put("flavour", LibTorch.flavour());
    identity.put("device", device.name());
    identity.put(
        "threads", options.threads() > 0 ? "" + options.threads() : "1 or " + processors());
    return identity;
  }

  private static int processors() {
    return Runtime.getRuntime().availableProcessors();
  }

  @Override
  public Set<Capability> capabilities() {
    return device.capabilities();
  }

  @Override
  public Support check(Graph graph, TrainingMode mode) {
    Precision precision = mode.precision();
    return Support.trainable(graph).and(() -> check(graph, precision, device.trains(precision)));
  }

  @Override
  public Support check(Graph graph, Precision precision) {
    return check(graph, precision, device.predicts(precision));
  }

  private Support check(Graph graph, Precision precision, Support arithmetic) {
    return arithmetic
        .and(() -> checkInputs(graph))
        .and(() -> ForeignScript.check(graph, device, precision));
  }

  /** Whether a program can take the inputs of a graph. */
  static Support checkInputs(Graph graph) {
    return graph.inputs().isEmpty()
        ? new Support.Unsupported(
            "the graph '" + graph.name() + "' without inputs", "Declare an input")
        : Support.commonInputs(graph);
  }

  @Override
  public TrainableModel compile(Graph graph, Weights weights, TrainingMode mode) {
    requireOpen();
    if (graph.loss().isEmpty()) {
      throw new GraphException(
          graph.name(), "expected a graph with a loss; name one with GraphBuilder.loss");
    }
    check(graph, mode).require();
    requireFit(graph, weights);
    return load(
        graph,
        scope -> {
          List<ParameterGroup> groups = ParameterGroup.of(graph, mode.optimizer());
          TrainingMemory memory =
              new TrainingMemory(scope, graph, weights, mode.optimizer(), groups);
          Program program =
              new Program(
                  scope.manager(),
                  ProgramWriter.forTraining(
                      graph, mode, groups, writing, new Target(device, mode.precision())));
          program.bind(memory.lists());
          return new NativeTraining(graph, mode, threads(graph), calls, scope, program, memory);
        });
  }

  @Override
  public CompiledModel compile(Graph whole, Weights weights, Precision precision) {
    requireOpen();
    Graph graph = whole.forPrediction();
    check(graph, precision).require();
    requireFit(graph, weights);
    Target target = new Target(device, precision);
    return QuantizedLayers.suit(target)
        ? predicting(graph, weights, target)
        : predicting(Widened.of(graph, weights), target);
  }

  private CompiledModel predicting(Widened model, Target target) {
    return predicting(model.graph(), model.weights(), target);
  }

  private CompiledModel predicting(Graph graph, Weights weights, Target target) {
    return load(
        graph,
        scope -> {
          Program program =
              new Program(scope.manager(), ProgramWriter.forPrediction(graph, target));
          program.bind(
              List.of(
                  PlacedWeights.of(
                      scope.placement(), scope.manager(), graph, weights, target, Set.of())));
          if (new QuantizedLayers(graph).any()) {
            program.run(QuantizedLayers.PACK);
          }
          return new NativeModel(graph, threads(graph), calls, scope, program);
        });
  }

  @Override
  public Support checkDecoder(Graph graph, Precision precision) {
    Graph read = graph.forPrediction();
    Support support = check(read, precision, device.decodes(precision));
    if (support instanceof Support.Supported) {
      support = Support.withoutForeign(read);
    }
    return support instanceof Support.Supported ? DecoderGraph.check(Widened.graph(read)) : support;
  }

  @Override
  public Decoder decoder(Graph whole, Weights weights, Precision precision) {
    requireOpen();
    Graph read = whole.forPrediction();
    checkDecoder(read, precision).require();
    requireFit(read, weights);
    Widened model = Widened.of(read, weights);
    Graph graph = model.graph();
    DecoderGraph decoded = DecoderGraph.of(graph);
    return load(
        graph,
        scope ->
            new DecoderSession(
                decoded,
                threads(graph),
                calls,
                scope,
                DecoderWeights.load(
                    scope, decoded, model.weights(), new Target(device, precision))));
  }

  /** Makes a model in a scope of its own. */
  private interface Loader<M> {
    M load(NativeScope scope);
  }

  private <M> M load(Graph graph, Loader<M> loader) {
    return calls.run(
        () -> {
          NativeScope scope = new NativeScope(calls, device);
          boolean complete = false;
          try {
            M model = loader.load(scope);
            leaks.watch(model, graph.name(), scope);
            complete = true;
            return model;
          } finally {
            if (!complete) {
              scope.close();
            }
          }
        });
  }

  private ThreadChoice threads(Graph graph) {
    return new ThreadChoice(graph, options.threads(), processors());
  }

  private static void requireFit(Graph graph, Weights weights) {
    weights.requireFit(graph);
    for (Parameter parameter : graph.parameters()) {
      DType dtype = weights.tensor(parameter.name()).dtype();
      if (dtype != parameter.type()) {
        throw new GraphException(
            parameter.name(),
            "expected " + parameter.type() + " weights, got " + dtype + "; convert them first");
      }
    }
  }

  private synchronized void requireOpen() {
    if (closed) {
      throw new IllegalStateException("The backend is closed; open another");
    }
  }

  @Override
  public synchronized void close() {
    if (!closed) {
      closed = true;
      try {
        Runtime.getRuntime().removeShutdownHook(exit);
      } catch (IllegalStateException shuttingDown) {
        // The hook runs already, which is what it is for.
      }
    }
  }
}
