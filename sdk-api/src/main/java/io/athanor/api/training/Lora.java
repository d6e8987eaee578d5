package io.athanor.api.training;

import java.util.HashSet;
import java.util.List;

/**
 * Low-rank adaptation (Hu et al. 2022): a linear layer {@code W x} becomes {@code W x + scale B A
 * x}, of which only {@code A} and {@code B} are trained, beside the task's head.
 *
 * <p>A name fits a layer as in PEFT: it is the layer's whole name, or its end after a dot.
 *
 * @param rank rows of {@code A}, at least 1
 * @param alpha above 0; the scale is {@code alpha / rank}
 * @param dropout probability of dropping an element of {@code x} on the way to {@code A}, in [0, 1)
 * @param targets names of the linear layers, for example {@code q_proj}; if there are none, all
 *     linear layers but the head and the one that gives the output
 * @param stabilized whether the scale is {@code alpha / sqrt(rank)} instead (Kalajdzievski 2023)
 * @param alsoTrain names of layers that are trained as a whole; those of {@link #HEADS} may be
 *     absent from the model, others must be there
 * @param adapters names of the adapters if there are several, each trained by the rows that choose
 *     it, all at once; then nothing but the adapters is trained
 */
public record Lora(
    int rank,
    double alpha,
    double dropout,
    List<String> targets,
    boolean stabilized,
    List<String> alsoTrain,
    List<String> adapters)
    implements Tuning {
  /**
   * What the heads are called that Hugging Face models have for a task; fine-tuning begins with
   * random values there, so they are trained unless other names are given.
   */
  public static final List<String> HEADS = List.of("classifier", "pre_classifier", "score");

  public Lora {
    if (rank < 1) {
      throw new IllegalArgumentException("rank must be at least 1, got " + rank);
    }
    if (!(alpha > 0) || !Double.isFinite(alpha)) {
      throw new IllegalArgumentException("alpha must be above 0, got " + alpha);
    }
    if (!(dropout >= 0 && dropout < 1)) {
      throw new IllegalArgumentException("dropout must be in [0, 1), got " + dropout);
    }
    targets = names("targets", targets);
    alsoTrain = names("alsoTrain", alsoTrain);
    adapters = names("adapters", adapters);
  }

  static List<String> names(String what, List<String> names) {
    if (names.stream().anyMatch(String::isBlank)) {
      throw new IllegalArgumentException(what + " must not be blank, got " + names);
    }
    if (new HashSet<>(names).size() < names.size()) {
      throw new IllegalArgumentException(what + " must not repeat, got " + names);
    }
    return List.copyOf(names);
  }

  /** This rank on all linear layers, with alpha equal to it, as in PEFT; no dropout. */
  public static Lora rank(int rank) {
    return new Lora(rank, Math.max(rank, 1), 0, List.of(), false, HEADS, List.of());
  }

  /** Another alpha; above 0. */
  public Lora alpha(double factor) {
    return new Lora(rank, factor, dropout, targets, stabilized, alsoTrain, adapters);
  }

  /** Another dropout; in [0, 1). */
  public Lora dropout(double rate) {
    return new Lora(rank, alpha, rate, targets, stabilized, alsoTrain, adapters);
  }

  /** Only the linear layers that these names fit. */
  public Lora targets(String... layers) {
    return new Lora(rank, alpha, dropout, List.of(layers), stabilized, alsoTrain, adapters);
  }

  /** A scale of {@code alpha / sqrt(rank)}, for large ranks. */
  public Lora rankStabilized() {
    return new Lora(rank, alpha, dropout, targets, true, alsoTrain, adapters);
  }

  /** Trains the layers that these names fit as a whole, instead of {@link #HEADS}. */
  public Lora alsoTrain(String... layers) {
    return new Lora(rank, alpha, dropout, targets, stabilized, List.of(layers), adapters);
  }

  /** Leaves the head as it is, too. */
  public Lora withoutHead() {
    return new Lora(rank, alpha, dropout, targets, stabilized, List.of(), adapters);
  }

  /**
   * Several adapters at once on one base, in the order of their numbers; rows say by the input
   * {@code adapter} which one is theirs. The head stays as it is.
   *
   * <p>The loss is the mean over all scored elements of a batch, so the gradient of an adapter is
   * scaled by its share of them. While shares stay the same, every adapter becomes what it would
   * have become alone: with Adam, which is indifferent to that scale but for its epsilon, at the
   * same rate, and with SGD at a rate that is larger by as many times as there are adapters. Where
   * shares vary from batch to batch, that is only nearly so. A clipping norm is that of all
   * adapters together.
   *
   * <p>An adapter without a scored element in a batch has gradients of zero there. Plain SGD leaves
   * it as it is; momentum and the moments of Adam move it on, and weight decay shrinks it, as they
   * do with the unused rows of an embedding. {@code AdapterData} gives each adapter rows in every
   * batch of training, so that this does not happen.
   */
  public Lora adapters(String... names) {
    return new Lora(rank, alpha, dropout, targets, stabilized, List.of(), List.of(names));
  }

  /** The factor on {@code B A x} for matrices of this rank. */
  public double scale(long ofRank) {
    return alpha / (stabilized ? Math.sqrt((double) ofRank) : ofRank);
  }

  @Override
  public Kind kind() {
    return Kind.LORA;
  }
}
