package io.athanor.model.arch;

import io.athanor.api.common.DType;
import io.athanor.api.common.Tensor;
import io.athanor.api.data.Encoding;
import io.athanor.api.data.LanguageEncoding;
import io.athanor.api.data.Signature;
import io.athanor.api.data.Task;
import io.athanor.api.data.Tokenizer;
import io.athanor.api.data.Tokenizers;
import io.athanor.api.error.FormatException;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.Parameter;
import io.athanor.api.graph.Weights;
import io.athanor.api.model.Architecture;
import io.athanor.api.model.ExportFormat;
import io.athanor.api.model.ModelArtifact;
import io.athanor.api.model.Provenance;
import io.athanor.model.format.FloatConversion;
import io.athanor.model.format.HuggingFaceFolder;
import io.athanor.model.format.HuggingFaceWriter;
import io.athanor.model.format.PretrainedModel;
import java.nio.FloatBuffer;
import java.time.Clock;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * An architecture with the weights and the tokenizer of a published model. It takes what fits the
 * task: the body always comes from the checkpoint; the head of a classification or regression does
 * too as far as its shapes fit, else it starts at random. Immutable and thread-safe.
 */
public final class Pretrained implements Architecture {
  private static final Logger LOG = LoggerFactory.getLogger(Pretrained.class);
  private static final int SHOWN = 5;
  private static final String TEXT = "text";

  private record Stored(String name, Tensor tensor) {}

  private final PretrainedModel checkpoint;
  private final LanguageModel model;
  private final Optional<Tokenizer> tokenizer;

  private Pretrained(
      PretrainedModel checkpoint, LanguageModel model, Optional<Tokenizer> tokenizer) {
    this.checkpoint = checkpoint;
    this.model = model;
    this.tokenizer = tokenizer;
  }

  /**
   * Reads the configuration and the tokenizer; the weights are only looked at in {@link #weights}.
   *
   * @throws FormatException if the configuration or the tokenizer is not what it should be
   * @throws io.athanor.api.error.UnsupportedException if it asks for mathematics that is not here
   */
  public static Pretrained of(PretrainedModel checkpoint) {
    ModelConfig config = new ModelConfig(checkpoint.source(), checkpoint.config());
    return new Pretrained(
        checkpoint,
        LanguageModel.of(config),
        checkpoint.tokenizer().map(json -> Tokenizers.read(checkpoint.source(), json)));
  }

  /**
   * The way back: a trained model as Hugging Face's class for its task knows it. Numbers that a
   * regression gives are standardised, as in the model.
   *
   * @throws io.athanor.api.error.UnsupportedException if it is not one of Hugging Face's
   *     architectures, computes something else than its configuration says, or has adapters
   */
  public static PretrainedModel published(ModelArtifact artifact) {
    return new Publication(artifact).pretrained();
  }

  /**
   * The format of Hugging Face folders for {@link io.athanor.api.model.Export}: a model is {@link
   * #published}, and written by {@link HuggingFaceFolder#writer}.
   */
  public static ExportFormat format() {
    return format(HuggingFaceFolder.writer());
  }

  /**
   * The format of Hugging Face folders, in the element type and in shards of the size of a writer.
   */
  public static ExportFormat format(HuggingFaceWriter writer) {
    return ExportFormat.of(
        writer.toString(),
        model -> {
          PretrainedModel published = published(model);
          writer.requireHeld(published);
          return folder -> {
            writer.write(published, folder);
            return List.of(folder);
          };
        });
  }

  /** The type of the model, for example {@code "llama"}. */
  @Override
  public String name() {
    return model.name();
  }

  @Override
  public Map<String, Object> config() {
    return model.config();
  }

  @Override
  public Graph graph(Signature signature) {
    return model.graph(signature);
  }

  @Override
  public Optional<LanguageEncoding> reading() {
    return tokenizer.isEmpty()
        ? Optional.empty()
        : Optional.of(encoding(new Task.Generation(TEXT), contextLength()));
  }

  /** Most tokens of a sequence. */
  public int contextLength() {
    return model.contextLength();
  }

  /**
   * How this model reads text.
   *
   * @param task generation, preference ranking or embedding
   * @param contextLength most tokens in a sequence; at most {@link #contextLength()}
   * @throws io.athanor.api.error.NotFoundException if it came without a tokenizer
   */
  public LanguageEncoding encoding(Task task, int contextLength) {
    checkpoint.requireTokenizer();
    return new LanguageEncoding(
        task,
        tokenizer.orElseThrow(),
        contextLength,
        checkpoint.endIds(),
        checkpoint.chatTemplate(),
        checkpoint.specialTokens());
  }

  /**
   * The model as it was published, ready to use.
   *
   * @param encoding for example {@code encoding(task, contextLength)}; where its task has a head
   *     that the checkpoint lacks, that head is random
   * @param clock dates it
   */
  public ModelArtifact artifact(Encoding encoding, Clock clock) {
    Graph graph = graph(encoding.signature());
    Weights weights = weights(graph, 0);
    Provenance provenance =
        new Provenance(
            clock.instant(),
            0,
            "{}",
            List.of(),
            Optional.of(weights.digest()),
            Map.of("source", checkpoint.source()));
    return new ModelArtifact(name(), config(), graph, weights, encoding, Map.of(), provenance);
  }

  /**
   * The checkpoint's tensors under the names of the graph, 16-bit ones widened; those of 32 bits
   * share their memory with it.
   *
   * @throws FormatException if it lacks a tensor of the body, or one has another shape or type
   */
  @Override
  public Weights weights(Graph graph, long seed) {
    Map<String, Tensor> found = new LinkedHashMap<>();
    List<Parameter> fresh = new ArrayList<>();
    List<String> missing = new ArrayList<>();
    Set<String> unused = new LinkedHashSet<>(checkpoint.tensors().keySet());
    for (Parameter parameter : graph.parameters()) {
      String name = parameter.name();
      Optional<Stored> stored = stored(name);
      if (model.head(name) && stored.filter(held -> fits(held, parameter)).isEmpty()) {
        fresh.add(parameter);
      } else if (stored.isPresent()) {
        unused.remove(stored.get().name());
        found.put(name, tensor(stored.get(), parameter));
      } else {
        missing.add(name);
      }
    }
    if (!missing.isEmpty()) {
      throw new FormatException(
          checkpoint.source(),
          "there are no weights for "
              + some(missing)
              + ", which its configuration asks for; it holds "
              + some(checkpoint.tensors().keySet())
              + ". The model is incomplete, or its files are of different models");
    }
    if (!unused.isEmpty()) {
      LOG.debug("{}: {} are not used by {}", checkpoint.source(), unused, graph.name());
    }
    Weights drawn = Weights.initialize(fresh, seed);
    if (!fresh.isEmpty()) {
      LOG.info("{}: {} start at random", checkpoint.source(), drawn.tensors().keySet());
    }
    return Weights.of(found).with(drawn);
  }

  private static boolean fits(Stored stored, Parameter parameter) {
    return Arrays.equals(stored.tensor().shape(), shape(parameter));
  }

  private static long[] shape(Parameter parameter) {
    return parameter.shape().resolve(Map.of());
  }

  /** A parameter's tensor under the name it has in a bare body, or in one with a head. */
  private Optional<Stored> stored(String parameter) {
    String prefix = model.prefix();
    String other =
        parameter.startsWith(prefix) ? parameter.substring(prefix.length()) : prefix + parameter;
    for (String name : List.of(parameter, other, oldName(parameter), oldName(other))) {
      Tensor tensor = checkpoint.tensors().get(name);
      if (tensor != null) {
        return Optional.of(new Stored(name, tensor));
      }
    }
    return Optional.empty();
  }

  /** What the norms of the first BERT checkpoints were called. */
  private static String oldName(String name) {
    return name.replace("LayerNorm.weight", "LayerNorm.gamma")
        .replace("LayerNorm.bias", "LayerNorm.beta");
  }

  private Tensor tensor(Stored stored, Parameter parameter) {
    Tensor tensor = stored.tensor();
    long[] expected = shape(parameter);
    boolean turned = model.transposed(parameter.name());
    long[] held = turned ? new long[] {expected[1], expected[0]} : expected;
    if (!Arrays.equals(tensor.shape(), held) || !tensor.dtype().floating()) {
      throw new FormatException(
          checkpoint.source(),
          "tensor '"
              + stored.name()
              + "' is "
              + tensor
              + ", and its configuration asks for floating-point numbers of shape "
              + Arrays.toString(held));
    }
    Tensor wide = FloatConversion.convert(tensor, DType.F32);
    return turned ? transposed(wide) : wide;
  }

  /** A matrix with rows and columns exchanged. */
  static Tensor transposed(Tensor matrix) {
    int rows = (int) matrix.size(0);
    int columns = (int) matrix.size(1);
    var bytes = Tensor.allocate(DType.F32, matrix.elements());
    FloatBuffer from = matrix.floatBuffer();
    FloatBuffer to = bytes.asFloatBuffer();
    for (int column = 0; column < columns; column++) {
      for (int row = 0; row < rows; row++) {
        to.put(from.get(row * columns + column));
      }
    }
    return Tensor.of(DType.F32, bytes, columns, rows);
  }

  private static String some(Iterable<String> names) {
    List<String> all = new ArrayList<>();
    names.forEach(all::add);
    String more = all.size() > SHOWN ? " and " + (all.size() - SHOWN) + " more" : "";
    return all.subList(0, Math.min(SHOWN, all.size())) + more;
  }
}
