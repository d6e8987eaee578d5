package io.athanor.model.text;

import io.athanor.api.error.UnsupportedException;
import io.athanor.api.error.ValidationException;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CancellationException;
import java.util.function.Consumer;

/**
 * Learns a byte-level byte-pair vocabulary: starts from the 256 bytes and, again and again, makes
 * one token of the two neighbours that occur most often. The same texts give the same vocabulary,
 * and it is the one that Hugging Face's {@code BpeTrainer} learns after {@code
 * ByteLevel(add_prefix_space=False)}. Immutable.
 *
 * <pre>{@code
 * String json = BytePairTraining.of(8_192).specialTokens("<|endoftext|>").train(texts);
 * Tokenizer tokenizer = Tokenizers.read("my corpus", json);
 * }</pre>
 *
 * <p>Memory grows with the different words of the texts, not with their length.
 *
 * @see <a href="https://arxiv.org/abs/1508.07909">Sennrich et al., Neural Machine Translation of
 *     Rare Words with Subword Units</a>
 */
public final class BytePairTraining {
  private static final int BYTES = 256;
  private static final int MAXIMUM_VOCABULARY = 1 << 20;
  private static final int MAXIMUM_PIECES = 1 << 23;

  private final int vocabularySize;
  private final List<String> specialTokens;
  private final long minimumCount;
  private final Consumer<Progress> listener;

  private BytePairTraining(
      int vocabularySize,
      List<String> specialTokens,
      long minimumCount,
      Consumer<Progress> listener) {
    this.vocabularySize = vocabularySize;
    this.specialTokens = specialTokens;
    this.minimumCount = minimumCount;
    this.listener = listener;
  }

  /**
   * Without special tokens, and with pairs that occur at least twice.
   *
   * @param vocabularySize most tokens, bytes and special ones included; from 256 to 1,048,576
   */
  public static BytePairTraining of(int vocabularySize) {
    if (vocabularySize < BYTES || vocabularySize > MAXIMUM_VOCABULARY) {
      throw new IllegalArgumentException(
          "vocabularySize must be in ["
              + BYTES
              + ", "
              + MAXIMUM_VOCABULARY
              + "], got "
              + vocabularySize);
    }
    return new BytePairTraining(vocabularySize, List.of(), 2, progress -> {});
  }

  /** Tokens that stand for no text, in the order of their ids, which begin with 0. */
  public BytePairTraining specialTokens(String... tokens) {
    List<String> all = List.of(tokens);
    if (new HashSet<>(all).size() < all.size() || all.stream().anyMatch(t -> t.length() < 2)) {
      throw new IllegalArgumentException(
          "specialTokens must differ and have at least two characters each, got " + all);
    }
    return new BytePairTraining(vocabularySize, all, minimumCount, listener);
  }

  /** How often a pair must occur to become a token; at least 1. */
  public BytePairTraining minimumCount(long count) {
    if (count < 1) {
      throw new IllegalArgumentException("minimumCount must be at least 1, got " + count);
    }
    return new BytePairTraining(vocabularySize, specialTokens, count, listener);
  }

  /** Tells how far it is, some hundred times, on the thread that trains. */
  public BytePairTraining onProgress(Consumer<Progress> consumer) {
    return new BytePairTraining(vocabularySize, specialTokens, minimumCount, consumer);
  }

  /**
   * How far a training is.
   *
   * @param texts that were read so far
   * @param tokens in the vocabulary so far; 0 while texts are read
   * @param wanted tokens that there will be at most
   */
  public record Progress(long texts, int tokens, int wanted) {}

  /**
   * Reads the texts once and learns.
   *
   * @return the content of a {@code tokenizer.json}; fewer tokens than wanted if the texts have no
   *     more frequent pairs
   * @throws ValidationException if the vocabulary has no room for the bytes and special tokens, or
   *     there is no text
   * @throws UnsupportedException if the texts have more than 8 million different words
   * @throws CancellationException if the thread was interrupted; its interrupted status stays set
   */
  public String train(Iterable<String> texts) {
    int fixed = BYTES + specialTokens.size();
    if (vocabularySize < fixed) {
      throw invalid(
          "a vocabulary of "
              + vocabularySize
              + " has no room for 256 bytes and "
              + specialTokens.size()
              + " special tokens; expected at least "
              + fixed);
    }
    Map<String, long[]> pieces = new HashMap<>();
    long read = 0;
    for (String text : texts) {
      count(text, pieces);
      if (++read % 10_000 == 0) {
        report(read, 0);
      }
    }
    if (pieces.isEmpty()) {
      throw invalid("there is no text in the " + read + " texts to learn from");
    }
    long total = read;
    BytePairMerges merges = new BytePairMerges(specialTokens, pieces);
    int every = Math.max(1, vocabularySize / 200);
    while (merges.size() < vocabularySize && merges.next(minimumCount)) {
      if (merges.size() % every == 0) {
        report(total, merges.size());
      }
    }
    report(total, merges.size());
    return BytePairJson.of(specialTokens, merges.vocabulary(), merges.pairs());
  }

  private static void count(String text, Map<String, long[]> pieces) {
    ByteLevel.pieces(
        text,
        piece -> {
          pieces.computeIfAbsent(piece, p -> new long[1])[0]++;
          if (pieces.size() > MAXIMUM_PIECES) {
            throw new UnsupportedException(
                "the texts have more than " + MAXIMUM_PIECES + " different words",
                "Learn from a sample of the texts");
          }
        });
  }

  private void report(long texts, int tokens) {
    if (Thread.currentThread().isInterrupted()) {
      throw new CancellationException("The training of the vocabulary was interrupted");
    }
    listener.accept(new Progress(texts, tokens, vocabularySize));
  }

  private static ValidationException invalid(String problem) {
    return new ValidationException("vocabulary", List.of(problem));
  }
}
