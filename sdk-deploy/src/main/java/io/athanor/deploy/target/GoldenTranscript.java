package io.athanor.deploy.target;

import io.athanor.api.data.Row;
import io.athanor.api.deploy.Answer;
import io.athanor.api.deploy.Deployment;
import io.athanor.api.deploy.LiveModel;
import io.athanor.api.error.AthanorException;
import io.athanor.api.error.ValidationException;
import io.athanor.api.model.Prediction;
import io.athanor.deploy.serve.EmbeddingDeployment;
import io.athanor.deploy.serve.TextAnswer;
import io.athanor.deploy.serve.TextDeployment;
import io.athanor.deploy.serve.TextRequest;
import io.athanor.model.generate.FinishReason;
import io.athanor.model.text.ChatMessage;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.ToDoubleFunction;

/**
 * What a model said to some questions, to be asked again wherever a copy of it goes: the same
 * questions must get the same answers, or the copy is not the model. Labels and texts must be equal
 * to the letter, numbers within a tolerance. Immutable and thread-safe.
 *
 * <pre>{@code
 * var golden = GoldenTranscript.ofRows(here, rows).tolerance(1e-4);
 * golden.require(HttpTarget.at(there).deployment(here.model()));
 * }</pre>
 *
 * @param <L> what can be asked
 */
public final class GoldenTranscript<L extends LiveModel> {
  private static final double EXACT_ENOUGH = 1e-5;
  private static final int SHOWN = 200;

  private final String model;
  private final List<Exchange<L>> exchanges;
  private final double tolerance;

  /** One question with the answer that is right. */
  private interface Exchange<L> {
    String question();

    /** In what the answer of another differs, if it does. */
    Optional<String> difference(L other, double tolerance);
  }

  private GoldenTranscript(String model, List<Exchange<L>> exchanges, double tolerance) {
    if (exchanges.isEmpty()) {
      throw new IllegalArgumentException("questions must have at least one");
    }
    this.model = model;
    this.exchanges = List.copyOf(exchanges);
    this.tolerance = tolerance;
  }

  /**
   * What a deployment says about rows.
   *
   * @throws IllegalArgumentException if there is no row
   */
  public static GoldenTranscript<Deployment> ofRows(Deployment origin, List<Row> rows) {
    List<Answer> answers = origin.predictAll(rows);
    List<Exchange<Deployment>> exchanges = new ArrayList<>();
    for (int i = 0; i < rows.size(); i++) {
      exchanges.add(new RowExchange(rows.get(i), answers.get(i).prediction()));
    }
    return new GoldenTranscript<>(origin.model().toString(), exchanges, EXACT_ENOUGH);
  }

  /**
   * What a language model says to requests.
   *
   * @throws IllegalArgumentException if there is no request, or one whose answer is drawn by chance
   */
  public static GoldenTranscript<TextDeployment> ofTexts(
      TextDeployment origin, List<TextRequest> requests) {
    List<Exchange<TextDeployment>> exchanges = new ArrayList<>();
    for (TextRequest request : requests) {
      if (request.settings().temperature() != 0) {
        throw new IllegalArgumentException(
            "requests must be greedy, for others draw other numbers; got temperature "
                + request.settings().temperature());
      }
      exchanges.add(new TextExchange(request, origin.generate(request)));
    }
    return new GoldenTranscript<>(origin.model().toString(), exchanges, EXACT_ENOUGH);
  }

  /**
   * The vectors that a model gives to texts.
   *
   * @throws IllegalArgumentException if there is no text
   */
  public static GoldenTranscript<EmbeddingDeployment> ofEmbeddings(
      EmbeddingDeployment origin, List<String> texts) {
    List<Exchange<EmbeddingDeployment>> exchanges = new ArrayList<>();
    for (String text : texts) {
      exchanges.add(new EmbeddingExchange(text, numbers(origin, text)));
    }
    return new GoldenTranscript<>(origin.model().toString(), exchanges, EXACT_ENOUGH);
  }

  /**
   * How far probabilities, parts of vectors, and quantities as a share of themselves, may be off:
   * 0.00001 unless set, which another engine keeps; about 0.05 for 8 bits.
   */
  public GoldenTranscript<L> tolerance(double largest) {
    if (!(largest >= 0) || !Double.isFinite(largest)) {
      throw new IllegalArgumentException("largest must be at least 0, got " + largest);
    }
    return new GoldenTranscript<>(model, exchanges, largest);
  }

  /** How many questions there are. */
  public int size() {
    return exchanges.size();
  }

  /**
   * Asks a copy the same questions.
   *
   * @throws ValidationException with the first answer that differs, or the first question that the
   *     copy refuses
   * @throws AthanorException if the copy cannot be asked now; {@code retryable()} is true
   */
  public void require(L copy) {
    for (int i = 0; i < exchanges.size(); i++) {
      Exchange<L> exchange = exchanges.get(i);
      Optional<String> difference;
      try {
        difference = exchange.difference(copy, tolerance);
      } catch (AthanorException e) {
        if (e.retryable()) {
          throw e;
        }
        difference = Optional.of("it refuses: " + e.getMessage());
      }
      if (difference.isPresent()) {
        throw new ValidationException(
            "copy of " + model + ", which is not to be used",
            List.of(
                "question "
                    + (i + 1)
                    + " of "
                    + exchanges.size()
                    + ", "
                    + shortened(exchange.question())
                    + ": "
                    + difference.get()));
      }
    }
  }

  /**
   * A check for those who write files: opens what was written as its reader will, asks, and closes
   * it.
   *
   * @param reader serves what lies at a path
   */
  public Consumer<Path> readBy(Function<Path, ? extends L> reader) {
    return written -> {
      try (L copy = reader.apply(written)) {
        require(copy);
      }
    };
  }

  private static String shortened(String text) {
    return text.length() <= SHOWN ? text : text.substring(0, SHOWN) + "..";
  }

  private static String expected(Object right, Object given) {
    return "expected " + shortened("" + right) + ", got " + shortened("" + given);
  }

  private record RowExchange(Row row, Prediction answer) implements Exchange<Deployment> {
    @Override
    public String question() {
      return row.toString();
    }

    @Override
    public Optional<String> difference(Deployment other, double tolerance) {
      Prediction given = other.predict(row).prediction();
      if (answer instanceof Prediction.Quantity right
          && given instanceof Prediction.Quantity quantity) {
        double scale = Math.max(1, Math.abs(right.value()));
        return close(right.value() / scale, quantity.value() / scale, tolerance)
            ? Optional.empty()
            : Optional.of(expected(right.value(), quantity.value()));
      }
      if (answer instanceof Prediction.Label right && given instanceof Prediction.Label label) {
        return difference(right, label, tolerance);
      }
      return Optional.of(expected(answer, given));
    }

    private static Optional<String> difference(
        Prediction.Label right, Prediction.Label given, double tolerance) {
      if (right.probabilities().size() != given.probabilities().size()) {
        return Optional.of(expected(right, given));
      }
      ToDoubleFunction<String> probability =
          label ->
              given.probabilities().stream()
                  .filter(one -> one.label().equals(label))
                  .mapToDouble(Prediction.Alternative::probability)
                  .findFirst()
                  .orElse(Double.NaN);
      for (Prediction.Alternative one : right.probabilities()) {
        if (!close(one.probability(), probability.applyAsDouble(one.label()), tolerance)) {
          return Optional.of(
              "probability of '"
                  + one.label()
                  + "': "
                  + expected(one.probability(), probability.applyAsDouble(one.label())));
        }
      }
      // Where two labels are as likely as one another, either may come first.
      double lead = right.confidence() - right.probability(given.label());
      return given.label().equals(right.label()) || lead <= tolerance
          ? Optional.empty()
          : Optional.of(expected(right.label(), given.label()));
    }
  }

  private record TextExchange(TextRequest request, TextAnswer answer)
      implements Exchange<TextDeployment> {
    @Override
    public String question() {
      return request.messages().isEmpty()
          ? "'" + request.prompt() + "'"
          : String.join(", ", request.messages().stream().map(ChatMessage::toString).toList());
    }

    @Override
    public Optional<String> difference(TextDeployment other, double tolerance) {
      TextAnswer given = other.generate(request);
      if (!given.text().equals(answer.text())) {
        return Optional.of(expected("'" + answer.text() + "'", "'" + given.text() + "'"));
      }
      boolean cut = answer.generated().finish() == FinishReason.LENGTH;
      return cut == (given.generated().finish() == FinishReason.LENGTH)
          ? Optional.empty()
          : Optional.of(
              "the end: " + expected(answer.generated().finish(), given.generated().finish()));
    }
  }

  private record EmbeddingExchange(String text, List<Float> vector)
      implements Exchange<EmbeddingDeployment> {
    @Override
    public String question() {
      return "'" + text + "'";
    }

    @Override
    public Optional<String> difference(EmbeddingDeployment other, double tolerance) {
      List<Float> given = numbers(other, text);
      if (given.size() != vector.size()) {
        return Optional.of(expected(vector.size() + " numbers", given.size()));
      }
      for (int i = 0; i < vector.size(); i++) {
        if (!close(vector.get(i), given.get(i), tolerance)) {
          return Optional.of("number " + i + ": " + expected(vector.get(i), given.get(i)));
        }
      }
      return Optional.empty();
    }
  }

  private static List<Float> numbers(EmbeddingDeployment model, String text) {
    List<Float> numbers = new ArrayList<>();
    for (float number : model.embed(List.of(text)).vectors().get(0)) {
      numbers.add(number);
    }
    return numbers;
  }

  private static boolean close(double right, double given, double tolerance) {
    return Math.abs(right - given) <= tolerance;
  }
}
