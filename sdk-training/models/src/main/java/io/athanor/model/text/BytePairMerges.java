package io.athanor.model.text;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.PriorityQueue;

/**
 * The words of a corpus as sequences of tokens, and how often each pair of neighbours occurs. A
 * queue of pairs by count is corrected lazily: an entry whose count is out of date goes back with
 * the right one when it comes to the front. Among equal counts the pair with the smaller ids wins.
 */
final class BytePairMerges {
  private final List<String> vocabulary = new ArrayList<>();
  private final Map<String, Integer> ids = new HashMap<>();
  private final Map<Long, String[]> pairs = new LinkedHashMap<>();
  private final int[][] words;
  private final int[] lengths;
  private final long[] wordCounts;
  private final Map<Long, long[]> pairCounts = new HashMap<>();
  private final PriorityQueue<Candidate> queue =
      new PriorityQueue<>(
          Comparator.comparingLong((Candidate c) -> -c.count).thenComparingLong(c -> c.pair));

  /** A pair that may become a token, and the words in which it was found. */
  private static final class Candidate {
    final long pair;
    final Places places;
    long count;

    Candidate(long pair, Places places, long count) {
      this.pair = pair;
      this.places = places;
      this.count = count;
    }
  }

  /** Numbers of words in ascending order. */
  private static final class Places {
    private int[] numbers = new int[2];
    private int size;

    void add(int number) {
      if (size > 0 && numbers[size - 1] == number) {
        return;
      }
      if (size == numbers.length) {
        numbers = Arrays.copyOf(numbers, size * 2);
      }
      numbers[size++] = number;
    }
  }

  BytePairMerges(List<String> specialTokens, Map<String, long[]> pieces) {
    specialTokens.forEach(this::token);
    for (char letter : ByteLevel.alphabet()) {
      token(String.valueOf(letter));
    }
    words = new int[pieces.size()][];
    lengths = new int[words.length];
    wordCounts = new long[words.length];
    Map<Long, Places> found = new HashMap<>();
    int word = 0;
    for (Map.Entry<String, long[]> piece : pieces.entrySet()) {
      words[word] = ByteLevel.letters(piece.getKey()).chars().map(this::letter).toArray();
      lengths[word] = words[word].length;
      wordCounts[word] = piece.getValue()[0];
      for (int i = 1; i < lengths[word]; i++) {
        change(pair(words[word][i - 1], words[word][i]), wordCounts[word], word, found);
      }
      word++;
    }
    enqueue(found);
  }

  private int letter(int c) {
    return ids.getOrDefault(String.valueOf((char) c), -1);
  }

  private int token(String text) {
    return ids.computeIfAbsent(
        text,
        t -> {
          vocabulary.add(t);
          return vocabulary.size() - 1;
        });
  }

  private static long pair(int first, int second) {
    return (long) first << 32 | second;
  }

  int size() {
    return vocabulary.size();
  }

  List<String> vocabulary() {
    return vocabulary;
  }

  /** What was merged, in order. */
  Iterable<String[]> pairs() {
    return pairs.values();
  }

  /** Makes one token of the most frequent pair; false if none is frequent enough. */
  boolean next(long minimumCount) {
    while (true) {
      Candidate top = queue.poll();
      if (top == null) {
        return false;
      }
      long count = count(top.pair);
      if (count != top.count) {
        top.count = count;
        queue.add(top);
        continue;
      }
      if (count < minimumCount) {
        return false;
      }
      merge(top);
      return true;
    }
  }

  private long count(long pair) {
    long[] count = pairCounts.get(pair);
    return count == null ? 0 : count[0];
  }

  private void merge(Candidate top) {
    int first = (int) (top.pair >> 32);
    int second = (int) top.pair;
    String left = vocabulary.get(first);
    String right = vocabulary.get(second);
    int merged = token(left + right);
    // The same token can come about in two ways, and then the same pair can be found twice.
    pairs.remove(top.pair);
    pairs.put(top.pair, new String[] {left, right});
    Map<Long, Places> found = new HashMap<>();
    for (int i = 0; i < top.places.size; i++) {
      merge(top.places.numbers[i], first, second, merged, found);
    }
    enqueue(found);
  }

  private void merge(int word, int first, int second, int merged, Map<Long, Places> found) {
    int[] tokens = words[word];
    int length = lengths[word];
    long times = wordCounts[word];
    int kept = 0;
    int i = 0;
    while (i < length) {
      if (tokens[i] != first || i + 1 == length || tokens[i + 1] != second) {
        tokens[kept++] = tokens[i++];
        continue;
      }
      if (kept > 0) {
        change(pair(tokens[kept - 1], first), -times, word, found);
        change(pair(tokens[kept - 1], merged), times, word, found);
      }
      i += 2;
      if (i < length) {
        change(pair(second, tokens[i]), -times, word, found);
        change(pair(merged, tokens[i]), times, word, found);
      }
      tokens[kept++] = merged;
    }
    lengths[word] = kept;
  }

  private void change(long pair, long by, int word, Map<Long, Places> found) {
    pairCounts.computeIfAbsent(pair, p -> new long[1])[0] += by;
    if (by > 0) {
      found.computeIfAbsent(pair, p -> new Places()).add(word);
    }
  }

  private void enqueue(Map<Long, Places> found) {
    found.forEach(
        (pair, places) -> {
          long count = count(pair);
          if (count > 0) {
            queue.add(new Candidate(pair, places, count));
          }
        });
  }
}
