package io.athanor.backend.dl4j;

import io.athanor.api.data.Row;
import io.athanor.api.data.TrainingData;
import io.athanor.api.data.WordTokenizer;
import io.athanor.data.Dataset;
import io.athanor.data.TextDataset;
import io.athanor.data.source.Records;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/** Sentences of words {@code w0} to {@code w57} in which something can be learned. */
final class Texts {
  private static final int WORDS = 58;
  private static final WordTokenizer TOKENIZER =
      WordTokenizer.fit(IntStream.range(0, WORDS).mapToObj(i -> "w" + i).toList(), 61, 1);

  private Texts() {}

  /** Three to seven words, each this many after the one before. */
  private static String counting(SplittableRandom random, int by) {
    int first = random.nextInt(WORDS);
    return IntStream.range(0, 3 + random.nextInt(5))
        .mapToObj(i -> "w" + (first + i * by) % WORDS)
        .collect(Collectors.joining(" "));
  }

  private static Records rows(int count, int by) {
    SplittableRandom random = new SplittableRandom(by);
    List<Row> rows = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      int step = i % 2 == 0 ? by : 3 * by;
      String text = counting(random, step);
      rows.add(
          Row.of(
              Map.of(
                  "text",
                  text,
                  "label",
                  i % 2 == 0 ? "slow" : "fast",
                  "worse",
                  counting(random, 5 * by),
                  "speed",
                  (double) step / by,
                  "length",
                  (double) text.length() / 10)));
    }
    return Records.of(rows).named("counting by " + by);
  }

  private static TextDataset read(TextDataset dataset) {
    return dataset.tokenizer(TOKENIZER).contextLength(12).withoutEndToken();
  }

  static TrainingData continued(int by) {
    return read(TextDataset.documents(rows(40, by), "text")).split(0.8, 0.2);
  }

  static TrainingData packed() {
    return read(TextDataset.documents(rows(80, 1), "text")).packed().split(0.8, 0.2);
  }

  static TrainingData preferred() {
    return read(TextDataset.preferences(rows(20, 1), "label", "text", "worse")).split(0.8, 0.2);
  }

  static TrainingData labelled() {
    return Dataset.from(rows(40, 1)).text("text").label("label").split(0.6, 0.2, 0.2);
  }

  static TrainingData measured() {
    return Dataset.from(rows(40, 1)).number("speed", "length").label("label").split(0.6, 0.2, 0.2);
  }
}
