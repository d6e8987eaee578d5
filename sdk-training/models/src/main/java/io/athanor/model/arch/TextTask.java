package io.athanor.model.arch;

import io.athanor.api.data.Feature;
import io.athanor.api.data.LanguageEncoding;
import io.athanor.api.data.Signature;
import io.athanor.api.data.Task;
import io.athanor.api.error.ValidationException;
import io.athanor.api.graph.Dim;
import io.athanor.api.graph.ElementOp;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.GraphBuilder;
import io.athanor.api.graph.Initializer;
import io.athanor.api.graph.LayerOp;
import io.athanor.api.graph.LossOp;
import io.athanor.api.graph.SequenceOp.SequencePool;
import io.athanor.api.graph.TensorType;
import io.athanor.api.graph.Value;
import java.util.ArrayList;
import java.util.List;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;

/** What all language models do with a {@link Signature}: read its text, and end in its task. */
final class TextTask {

  private final Signature signature;
  private final Feature.Tokens tokens;
  private final GraphBuilder graph;
  private final Initializer initializer;
  private final Value ids;
  private @Nullable Value mask;

  /**
   * @param vocabulary the model's number of ids, or 0 for a new model, which takes the tokenizer's
   * @param deviation of new weights
   */
  TextTask(LanguageModel model, Signature signature, int vocabulary, double deviation) {
    this.signature = signature;
    this.graph = Graph.builder(model.name());
    this.initializer = new Initializer.Normal(deviation);
    this.tokens = text(model, signature);
    List<String> problems = new ArrayList<>();
    if (vocabulary > 0 && tokens.vocabularySize() > vocabulary) {
      problems.add(
          "the tokenizer has "
              + tokens.vocabularySize()
              + " ids and the model knows "
              + vocabulary
              + "; use the tokenizer the model was trained with");
    }
    if (tokens.maximumLength() > model.contextLength()) {
      problems.add(
          "sequences may have "
              + tokens.maximumLength()
              + " tokens and the model reads at most "
              + model.contextLength()
              + "; shorten the data's sequences");
    }
    if (!problems.isEmpty()) {
      throw new ValidationException("data for " + model.name(), problems);
    }
    this.ids = graph.input(tokens.name(), TensorType.i64(Dim.BATCH, Dim.SEQUENCE));
  }

  private static Feature.Tokens text(LanguageModel model, Signature signature) {
    if (signature.features().size() == 1
        && signature.features().get(0) instanceof Feature.Tokens text) {
      return text;
    }
    throw new ValidationException(
        "data for " + model.name(),
        List.of(
            model.name()
                + " needs one text column and nothing else, got "
                + signature.features()
                + "; leave the other columns out, or put them into the text"));
  }

  GraphBuilder graph() {
    return graph;
  }

  Task task() {
    return signature.task();
  }

  /** How many ids there are. */
  int vocabulary(int known) {
    return known > 0 ? known : tokens.vocabularySize();
  }

  /** The input of token ids {@code I64 [b, t]}. */
  Value ids() {
    return ids;
  }

  /** The input {@code F32 [b, t]} that is 1 for real tokens; declared where it is used. */
  Value mask() {
    Value declared = mask;
    if (declared == null) {
      declared = graph.input(tokens.mask(), TensorType.f32(Dim.BATCH, Dim.SEQUENCE));
      mask = declared;
    }
    return declared;
  }

  /** {@code [.., in] -> [.., out]}. */
  Value linear(String layer, Value x, long out, boolean bias) {
    long in = x.shape().dim(-1).offset();
    String weight = graph.parameter(layer + ".weight", initializer, out, in);
    String shift = bias ? graph.parameter(layer + ".bias", Initializer.ZEROS, out) : null;
    return graph.apply(layer, new LayerOp.Linear(weight, shift), x);
  }

  /** {@code I64 [b, t] -> [b, t, size]}. */
  Value embedding(String layer, Value of, long rows, long size) {
    String weight = graph.parameter(layer + ".weight", initializer, rows, size);
    return graph.apply(layer, new LayerOp.Embedding(weight), of);
  }

  /** Logits {@code [b, t, V]} by a matrix that may be that of the embedding. */
  Value logits(Value x, int vocabulary, boolean tied, String embedding) {
    return tied
        ? graph.apply("lm_head", new LayerOp.Linear(embedding + ".weight", null), x)
        : linear("lm_head", x, vocabulary, false);
  }

  /** Whether each position is to say what comes next. */
  boolean generates() {
    return task() instanceof Task.Generation || task() instanceof Task.PreferenceRanking;
  }

  /** Whether a row is to get a label or a number. */
  boolean scores() {
    return task() instanceof Task.Classification || task() instanceof Task.Regression;
  }

  /**
   * Ends a decoder: logits, or the scores of the last real position.
   *
   * @param x {@code [b, t, d]}
   * @param head {@code [b, t, d] -> [b, t, V]}
   */
  Graph decoder(LanguageModel model, Value x, UnaryOperator<Value> head) {
    if (generates()) {
      return logits(head.apply(x));
    }
    if (!scores()) {
      throw model.cannot(task());
    }
    Value rows = graph.sequencePool(SequencePool.Kind.LAST, x, mask()); // [b, d]
    return scores(linear("score", rows, signature.outputSize(), false));
  }

  int outputSize() {
    return signature.outputSize();
  }

  private Graph logits(Value logits) {
    graph.output(Signature.OUTPUT, logits);
    Value target = graph.target(Signature.TARGET, TensorType.i64(Dim.BATCH, Dim.SEQUENCE));
    if (task() instanceof Task.PreferenceRanking preference) {
      Value reference = graph.target(LanguageEncoding.REFERENCE, TensorType.f32(Dim.BATCH));
      Value likelihood =
          graph.apply("log_probability", new LossOp.SequenceLogProbability(), logits, target);
      LossOp.Preference loss = new LossOp.Preference(preference.beta());
      graph.loss(graph.apply("preference", loss, likelihood, reference));
    } else {
      graph.loss(graph.crossEntropy(logits, target));
    }
    return graph.build();
  }

  /** Ends with one row of scores {@code [b, o]} for a sequence. */
  Graph scores(Value output) {
    return DataFit.scored(graph, task(), output);
  }

  /** Ends with vectors of unit length: the mean over the real positions of {@code [b, t, d]}. */
  Graph vectors(Value x, Task.Embedding embedding) {
    Value mean = graph.sequencePool(SequencePool.Kind.MEAN, x, mask()); // [b, d]
    Value vectors = graph.apply("normalize", new ElementOp.Normalize(), mean);
    graph.output(Signature.OUTPUT, vectors);
    LossOp.Contrastive loss = new LossOp.Contrastive(embedding.temperature());
    return graph.loss(graph.apply("contrastive", loss, vectors)).build();
  }
}
