package io.athanor.pipeline;

import io.athanor.api.data.Tokenizer;
import io.athanor.api.data.WordTokenizer;
import io.athanor.data.TextDataset;
import io.athanor.data.TextSplit;
import io.athanor.data.source.Csv;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;

/** Texts of eight letters that go on in steps, to tune small language models apart. */
final class CountingLetters {
  private static final String LETTERS = "a b c d e f g h";
  private static final Tokenizer TOKENIZER = WordTokenizer.fit(List.of(LETTERS), 20, 1);

  private CountingLetters() {}

  /**
   * Texts in which each letter is some steps after the one before it.
   *
   * @param home where their file is written
   */
  static TextSplit by(int steps, Path home) throws IOException {
    String[] letters = LETTERS.split(" ");
    StringBuilder csv = new StringBuilder("text\n");
    for (int i = 0; i < 16; i++) {
      for (int w = 0; w < 5; w++) {
        csv.append(w == 0 ? "" : " ").append(letters[(i + w * steps) % letters.length]);
      }
      csv.append('\n');
    }
    Path file = Files.writeString(home.resolve("by" + steps + ".csv"), csv);
    return TextDataset.documents(Csv.of(file), "text")
        .tokenizer(TOKENIZER)
        .contextLength(8)
        .withoutEndToken()
        .split(1, 0);
  }
}
