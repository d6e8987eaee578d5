package io.athanor.benchmarks;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.backend.Backends;
import io.athanor.api.backend.Precision;
import io.athanor.api.common.Secret;
import io.athanor.api.data.LanguageEncoding;
import io.athanor.api.graph.Graph;
import io.athanor.model.Models;
import io.athanor.model.arch.Pretrained;
import io.athanor.model.generate.Generated;
import io.athanor.model.generate.GenerationSettings;
import io.athanor.model.generate.TextGenerator;
import io.athanor.model.generate.TokenLikelihood;
import io.athanor.model.generate.Watermark;
import io.athanor.model.generate.WatermarkDetector;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * How often a watermark is found where it is and where it is not: in texts of people, by detectors
 * with many keys, and in texts that a language model generates with and without it. Arguments: the
 * model's Hugging Face folder, a file with a text of people on each line, how many texts to
 * generate, and tokens of each.
 */
public final class WatermarkRates {
  private static final double[] LEVELS = {0.05, 0.01, 0.001, 0.00001};
  private static final int KEYS = 20;
  private static final int SHORTEST = 400;
  private static final int LONGEST = 1_200;

  private WatermarkRates() {}

  /** Prints the rows of two tables. */
  public static void main(String[] arguments) throws IOException {
    Pretrained model = Models.huggingFace(Path.of(arguments[0]));
    LanguageEncoding encoding = model.reading().orElseThrow();
    List<String> people =
        Files.readAllLines(Path.of(arguments[1])).stream()
            .filter(text -> text.length() >= SHORTEST)
            .map(text -> text.substring(0, Math.min(text.length(), LONGEST)))
            .toList();
    List<WatermarkDetector.Detection> found = new ArrayList<>();
    for (int key = 0; key < KEYS; key++) {
      WatermarkDetector detector = detector(key, encoding);
      people.forEach(text -> found.add(detector.detect(text)));
    }
    System.out.println(people.size() + " texts of people, " + KEYS + " keys: " + rates(found));

    int texts = Integer.parseInt(arguments[2]);
    int tokens = Integer.parseInt(arguments[3]);
    Graph graph = model.graph(encoding.signature());
    try (Backend backend = Backends.installed().named("djl").open(BackendOptions.defaults());
        TextGenerator generator =
            TextGenerator.of(graph, model.weights(graph, 0), encoding, backend, Precision.F32)) {
      for (double strength : new double[] {0, 1, 2, 4}) {
        generated(generator, encoding, strength, people.subList(0, texts), tokens);
      }
    }
  }

  private static void generated(
      TextGenerator generator,
      LanguageEncoding encoding,
      double strength,
      List<String> people,
      int tokens) {
    List<WatermarkDetector.Detection> found = new ArrayList<>();
    double likelihood = 0;
    int count = 0;
    for (int i = 0; i < people.size(); i++) {
      GenerationSettings.Builder settings =
          GenerationSettings.builder().temperature(1).seed(i).maxNewTokens(tokens).likelihoods();
      if (strength > 0) {
        settings.watermark(mark(0).strength(strength));
      }
      Generated said = generator.generate(people.get(i).substring(0, 100), settings.build());
      for (TokenLikelihood token : said.likelihoods()) {
        likelihood += token.logProbability();
        count++;
      }
      found.add(detector(0, encoding).detect(said.text()));
    }
    System.out.printf(
        Locale.ROOT,
        "strength %.0f: %s, %.2f nats a token%n",
        strength,
        rates(found),
        -likelihood / count);
  }

  private static String rates(List<WatermarkDetector.Detection> found) {
    StringBuilder text = new StringBuilder();
    for (double level : LEVELS) {
      long marked = found.stream().filter(one -> one.marked(level)).count();
      text.append(
          String.format(
              Locale.ROOT, "%d of %d at %s, ", marked, found.size(), Double.toString(level)));
    }
    double scored =
        found.stream().mapToInt(WatermarkDetector.Detection::scored).average().orElse(0);
    double green = found.stream().mapToInt(WatermarkDetector.Detection::green).average().orElse(0);
    return text
        + String.format(Locale.ROOT, "%.0f tokens and %.1f %% green", scored, 100 * green / scored);
  }

  private static Watermark mark(int key) {
    return Watermark.keyed(Secret.of("benchmark key no. " + key));
  }

  private static WatermarkDetector detector(int key, LanguageEncoding encoding) {
    return WatermarkDetector.of(mark(key), encoding.vocabulary());
  }
}
