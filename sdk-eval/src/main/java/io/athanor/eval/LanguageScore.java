package io.athanor.eval;

import io.athanor.api.error.ValidationException;
import io.athanor.api.eval.Estimate;
import io.athanor.api.eval.EvaluationReport.Sampling;
import io.athanor.eval.metric.Bootstrap;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.ToDoubleFunction;

/**
 * How well a language model foresees texts. The intervals are those of a bootstrap over the
 * documents.
 *
 * @param loss mean negative logarithm of the tokens' probabilities, in nats
 * @param perplexity its exponential
 * @param bitsPerByte information in the texts, as the model sees them, for each byte of UTF-8: fit
 *     to compare models with different tokenizers; absent where decoding gives no text
 * @param documents what it was measured on, in their order
 * @param sampling how the intervals were made
 */
public record LanguageScore(
    Estimate loss,
    Estimate perplexity,
    Optional<Estimate> bitsPerByte,
    List<Document> documents,
    Sampling sampling) {
  public LanguageScore {
    documents = List.copyOf(documents);
  }

  /**
   * One text.
   *
   * @param nats negative logarithm of its probability
   * @param tokens how many were foreseen
   * @param bytes of UTF-8 they stand for
   */
  public record Document(double nats, long tokens, long bytes) {
    Document plus(Document other) {
      return new Document(nats + other.nats, tokens + other.tokens, bytes + other.bytes);
    }
  }

  /**
   * The difference between two models on the same documents; below 0 where the later one is better.
   *
   * @param unit what was compared: nats per token, or bits per byte
   * @param difference later less earlier, resampled in pairs
   */
  public record Change(String unit, Estimate difference) {
    /** Whether the interval leaves no doubt that the later model is better. */
    public boolean better() {
      return difference.high() < 0;
    }

    @Override
    public String toString() {
      return shown("change", difference) + " " + unit;
    }
  }

  static LanguageScore of(List<Document> documents, Sampling sampling) {
    Estimate loss = mean(documents, Document::nats, Document::tokens, sampling);
    Estimate perplexity =
        new Estimate(Math.exp(loss.value()), Math.exp(loss.low()), Math.exp(loss.high()));
    boolean text = documents.stream().allMatch(document -> document.bytes() > 0);
    return new LanguageScore(
        loss,
        perplexity,
        text
            ? Optional.of(mean(documents, LanguageScore::bits, Document::bytes, sampling))
            : Optional.empty(),
        documents,
        sampling);
  }

  private static double bits(Document document) {
    return document.nats() / Math.log(2);
  }

  /**
   * What changed since an earlier model: nats per token where both saw the same tokens, else bits
   * per byte.
   *
   * @throws ValidationException if the documents were not the same
   */
  public Change against(LanguageScore earlier) {
    List<Document> before = earlier.documents();
    boolean tokens = same(before, Document::tokens);
    if (!tokens && (!same(before, Document::bytes) || bitsPerByte.isEmpty())) {
      throw new ValidationException(
          "comparison of language models",
          List.of(
              "they were measured on "
                  + before.size()
                  + " and "
                  + documents.size()
                  + " documents, which differ; measure both on the same texts"));
    }
    double scale = tokens ? 1 : 1 / Math.log(2);
    ToDoubleFunction<Document> size = tokens ? Document::tokens : Document::bytes;
    double[] differences = new double[documents.size()];
    double[] sizes = new double[documents.size()];
    for (int i = 0; i < differences.length; i++) {
      differences[i] = scale * (documents.get(i).nats() - before.get(i).nats());
      sizes[i] = size.applyAsDouble(documents.get(i));
    }
    return new Change(
        tokens ? "nats per token" : "bits per byte", ratio(differences, sizes, sampling));
  }

  private boolean same(List<Document> others, ToDoubleFunction<Document> size) {
    boolean same = others.size() == documents.size();
    for (int i = 0; same && i < others.size(); i++) {
      same = size.applyAsDouble(others.get(i)) == size.applyAsDouble(documents.get(i));
    }
    return same;
  }

  private static Estimate mean(
      List<Document> documents,
      ToDoubleFunction<Document> amount,
      ToDoubleFunction<Document> size,
      Sampling sampling) {
    return ratio(
        documents.stream().mapToDouble(amount).toArray(),
        documents.stream().mapToDouble(size).toArray(),
        sampling);
  }

  /** The ratio of two sums over documents. */
  private static Estimate ratio(double[] amounts, double[] sizes, Sampling sampling) {
    double[][] replicates =
        Bootstrap.replicates(
            amounts.length,
            1,
            sampling,
            (weights, results) -> results[0] = ratio(amounts, sizes, weights));
    double value = ratio(amounts, sizes, Bootstrap.ones(amounts.length));
    return Bootstrap.estimate(value, replicates[0], sampling.confidence());
  }

  private static double ratio(double[] amounts, double[] sizes, int[] weights) {
    double amount = 0;
    double size = 0;
    for (int i = 0; i < amounts.length; i++) {
      amount += weights[i] * amounts[i];
      size += weights[i] * sizes[i];
    }
    return amount / size;
  }

  private static String shown(String name, Estimate estimate) {
    return String.format(
        Locale.ROOT,
        "%s %.4f [%.4f, %.4f]",
        name,
        estimate.value(),
        estimate.low(),
        estimate.high());
  }

  @Override
  public String toString() {
    return String.format(
        Locale.ROOT,
        "%s, %s%s on %d documents of %d tokens",
        shown("perplexity", perplexity),
        shown("loss", loss),
        bitsPerByte.map(bits -> ", " + shown("bits per byte", bits)).orElse(""),
        documents.size(),
        documents.stream().mapToLong(Document::tokens).sum());
  }
}
