package io.athanor.eval;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.CompiledModel;
import io.athanor.api.backend.Precision;
import io.athanor.api.common.Tensor;
import io.athanor.api.data.Batch;
import io.athanor.api.data.BatchOrder;
import io.athanor.api.data.Batches;
import io.athanor.api.data.LanguageEncoding;
import io.athanor.api.data.Signature;
import io.athanor.api.data.Task;
import io.athanor.api.data.Tokenizer;
import io.athanor.api.error.GraphException;
import io.athanor.api.error.UnsupportedException;
import io.athanor.api.error.ValidationException;
import io.athanor.api.eval.EvaluationReport.Sampling;
import io.athanor.api.graph.Dim;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.GraphBuilder;
import io.athanor.api.graph.Input;
import io.athanor.api.graph.LossOp;
import io.athanor.api.graph.Node;
import io.athanor.api.graph.TensorType;
import io.athanor.api.graph.Value;
import io.athanor.api.model.ModelArtifact;
import java.nio.charset.StandardCharsets;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Measures how well a language model foresees texts it has not seen. Not thread-safe.
 *
 * <pre>{@code
 * var before = Perplexity.of(base, code.test()).run();
 * var after = Perplexity.of(result.model(), code.test()).run();
 * after.against(before);  // change in bits per byte, with its interval
 * }</pre>
 */
public final class Perplexity {
  private static final String LIKELIHOOD = "likelihood";

  private final ModelArtifact model;
  private final LanguageEncoding encoding;
  private final Batches texts;
  private @Nullable Backend backend;
  private Precision precision = Precision.F32;
  private int batchSize = 4;
  private int resamples = 1_000;
  private double confidence = 0.95;
  private long seed;

  private Perplexity(ModelArtifact model, LanguageEncoding encoding, Batches texts) {
    this.model = model;
    this.encoding = encoding;
    this.texts = texts;
  }

  /**
   * Of a model.
   *
   * @param texts read by the model's tokenizer and not packed, such as {@code split.test()}; only
   *     tokens that are learned there count
   * @throws UnsupportedException if the model does not generate text
   */
  public static Perplexity of(ModelArtifact model, Batches texts) {
    if (model.encoding() instanceof LanguageEncoding encoding
        && encoding.task() instanceof Task.Generation) {
      return new Perplexity(model, encoding, texts);
    }
    throw new UnsupportedException(
        "the model '"
            + model.architecture()
            + "' is for "
            + model.task()
            + " and has no perplexity",
        "Measure it with Evaluation");
  }

  /** The backend to run on; without it, the only one on the class path. It is not closed. */
  public Perplexity on(Backend engine) {
    backend = engine;
    return this;
  }

  /** The number format to compute in; F32 unless set. */
  public Perplexity precision(Precision format) {
    precision = format;
    return this;
  }

  /** Sequences at once; 4 unless set. Their logits must fit into memory. */
  public Perplexity batchSize(int sequences) {
    batchSize = atLeast("sequences", 1, sequences);
    return this;
  }

  /** How often documents are drawn anew for the intervals; 1,000 unless set, at least 100. */
  public Perplexity resamples(int times) {
    resamples = atLeast("times", 100, times);
    return this;
  }

  /**
   * The level of the intervals; 0.95 unless set.
   *
   * @param level in (0.5, 1)
   */
  public Perplexity confidence(double level) {
    if (!(level > 0.5 && level < 1)) {
      throw new IllegalArgumentException("level must be in (0.5, 1), got " + level);
    }
    confidence = level;
    return this;
  }

  /** Seed of the resampling; 0 unless set. */
  public Perplexity seed(long value) {
    seed = value;
    return this;
  }

  private static int atLeast(String name, int least, int value) {
    if (value < least) {
      throw new IllegalArgumentException(name + " must be at least " + least + ", got " + value);
    }
    return value;
  }

  /**
   * Reads all texts once.
   *
   * @throws ValidationException if there are no tokens to foresee, if the texts are packed, or if
   *     the model's likelihoods are not finite
   */
  public LanguageScore run() {
    Map<Long, LanguageScore.Document> documents = new TreeMap<>();
    try (Engine engine = new Engine(Optional.ofNullable(backend));
        CompiledModel compiled =
            engine.backend().compile(likelihood(model.graph()), model.weights(), precision);
        Batches.Stream batches = texts.open(BatchOrder.sequential(batchSize))) {
      long row = 0;
      while (batches.hasNext()) {
        Batch batch = batches.next();
        requireUnpacked(batch);
        add(documents, batch, row, compiled);
        row += batch.rows();
      }
    }
    List<LanguageScore.Document> measured =
        documents.values().stream().filter(document -> document.tokens() > 0).toList();
    if (measured.isEmpty()) {
      throw new ValidationException(
          "perplexity", List.of("the texts have no token to foresee; check their columns"));
    }
    return LanguageScore.of(measured, new Sampling(resamples, confidence, seed));
  }

  private static void requireUnpacked(Batch batch) {
    if (batch.tensors().containsKey(LanguageEncoding.SEGMENTS)) {
      throw new ValidationException(
          "perplexity",
          List.of("packed rows mix documents; make the split of these texts without packed()"));
    }
  }

  private void add(
      Map<Long, LanguageScore.Document> documents,
      Batch batch,
      long firstRow,
      CompiledModel compiled) {
    Tensor target = batch.tensors().get(Signature.TARGET);
    if (target == null || target.rank() != 2) {
      throw new ValidationException(
          "perplexity", List.of("the texts have no targets [batch, sequence] to foresee"));
    }
    Tensor output = compiled.predict(batch.tensors()).get(LIKELIHOOD);
    if (output == null) {
      throw new IllegalStateException("a backend must give every output");
    }
    float[] likelihoods = output.floats();
    long[] ids = target.longs();
    int length = (int) target.size(1);
    Tensor examples = batch.tensors().get(Batch.EXAMPLE);
    for (int row = 0; row < batch.rows(); row++) {
      long number = examples == null ? firstRow + row : examples.longBuffer().get(row);
      if (!Float.isFinite(likelihoods[row])) {
        throw new ValidationException(
            "perplexity",
            List.of(
                "the model gives text "
                    + number
                    + " the log-likelihood "
                    + likelihoods[row]
                    + "; its weights are damaged, or the precision "
                    + precision
                    + " is too low"));
      }
      int[] said =
          Arrays.stream(ids, row * length, (row + 1) * length)
              .filter(id -> id != LossOp.IGNORED)
              .mapToInt(Math::toIntExact)
              .toArray();
      documents.merge(
          number,
          new LanguageScore.Document(-likelihoods[row], said.length, bytes(said)),
          LanguageScore.Document::plus);
    }
  }

  private long bytes(int[] ids) {
    Tokenizer tokenizer = encoding.vocabulary();
    return tokenizer.decode(ids).getBytes(StandardCharsets.UTF_8).length;
  }

  /** The graph for prediction with its targets as a feature, and how likely it finds each row. */
  private static Graph likelihood(Graph model) {
    Graph graph = model.forPrediction();
    GraphBuilder builder = Graph.builder(graph.name());
    Map<String, Value> values = new HashMap<>();
    for (Input input : graph.inputs()) {
      values.put(input.name(), builder.declare(input));
    }
    graph.parameters().forEach(builder::declare);
    for (Node node : graph.nodes()) {
      Value[] from = node.inputs().stream().map(values::get).toArray(Value[]::new);
      values.put(node.name(), builder.apply(node.name(), node.op(), from));
    }
    Value logits = values.get(graph.outputs().getOrDefault(Signature.OUTPUT, ""));
    if (logits == null) {
      throw new GraphException(Signature.OUTPUT, "a language model needs this output of logits");
    }
    Value target = builder.input(Signature.TARGET, TensorType.i64(Dim.BATCH, Dim.SEQUENCE));
    LossOp.SequenceLogProbability op = new LossOp.SequenceLogProbability();
    return builder.output(LIKELIHOOD, builder.apply("log_probability", op, logits, target)).build();
  }
}
