package io.athanor.data;

import io.athanor.api.data.Batch;
import io.athanor.api.data.BatchOrder;
import io.athanor.api.data.Batches;
import io.athanor.api.data.Tokenizer;
import io.athanor.data.source.JsonLines;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;

/** Packs a large corpus and goes through an epoch, in a JVM with a small heap. */
public final class SmallHeapTextMain {
  private SmallHeapTextMain() {}

  /** Takes the file; prints its profile, the targets seen and the seconds both took. */
  public static void main(String[] arguments) {
    long start = System.nanoTime();
    TextSplit split =
        TextDataset.documents(JsonLines.of(Path.of(arguments[0])), "text")
            .tokenizer(new Words())
            .withoutEndToken()
            .contextLength(256)
            .packed()
            .split(1, 0);
    Batches train = split.train();
    long read = System.nanoTime();
    long seen = 0;
    try (Batches.Stream stream = train.open(BatchOrder.shuffled(16, 1, 0))) {
      while (stream.hasNext()) {
        Batch batch = stream.next();
        seen += batch.scored();
      }
    }
    System.out.printf(
        "%d targets seen of %s; read in %d ms, epoch in %d ms%n",
        seen, split.profile(), (read - start) / 1_000_000, (System.nanoTime() - read) / 1_000_000);
  }

  /** Words between spaces, by the sum of their characters. */
  private static final class Words implements Tokenizer {
    @Override
    public List<Token> tokenize(String text) {
      List<Token> tokens = new ArrayList<>();
      int start = 0;
      int sum = 1;
      for (int i = 0; i <= text.length(); i++) {
        if (i == text.length() || text.charAt(i) == ' ') {
          if (i > start) {
            tokens.add(new Token(sum % vocabularySize(), start, i));
          }
          start = i + 1;
          sum = 1;
        } else {
          sum += text.charAt(i);
        }
      }
      return tokens;
    }

    @Override
    public int[] encode(String text, int maximumLength) {
      return tokenize(text).stream().limit(maximumLength).mapToInt(Token::id).toArray();
    }

    @Override
    public String decode(int[] ids) {
      return "";
    }

    @Override
    public OptionalInt id(String token) {
      return OptionalInt.empty();
    }

    @Override
    public int vocabularySize() {
      return 1_000;
    }

    @Override
    public int paddingId() {
      return 0;
    }

    @Override
    public String json() {
      return "words";
    }
  }
}
