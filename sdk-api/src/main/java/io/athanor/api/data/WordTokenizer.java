package io.athanor.api.data;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.UnsupportedException;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalInt;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * Lower-cased words and runs of punctuation looked up in a vocabulary; the {@code WordLevel} model
 * with {@code Lowercase} normalizer and {@code Whitespace} pre-tokenizer of Hugging Face's
 * tokenizers, whose file it reads and writes. Thread-safe.
 *
 * <p>Both give the same ids, but for three things. A text without any word gives the unknown id
 * here and no id there. Half a surrogate pair, which only Java's strings can hold, separates words.
 * And a character newer than the Unicode version of the Java runtime counts as punctuation here
 * (Java 17 knows Unicode 13).
 */
public final class WordTokenizer implements Tokenizer {
  private static final String PADDING = "[PAD]";
  private static final String UNKNOWN = "[UNK]";

  /** Steps of a {@code tokenizer.json} that this class does not do. */
  private static final List<String> ADDITIONS = List.of("truncation", "padding", "post_processor");

  private static final Pattern WORDS =
      Pattern.compile("\\w+|[^\\w\\s\\p{Cs}]+", Pattern.UNICODE_CHARACTER_CLASS);
  private static final ObjectMapper JSON = new ObjectMapper();

  private final List<String> vocabulary;
  private final Map<String, Integer> ids = new HashMap<>();

  private WordTokenizer(List<String> vocabulary) {
    this.vocabulary = List.copyOf(vocabulary);
    for (int i = 0; i < vocabulary.size(); i++) {
      ids.put(vocabulary.get(i), i);
    }
  }

  /**
   * Learns the most frequent words.
   *
   * @param texts read once
   * @param size most entries of the vocabulary, padding and unknown included; at least 3
   * @param minimumCount how often a word must occur
   */
  public static WordTokenizer fit(Iterable<String> texts, int size, int minimumCount) {
    if (size < 3 || minimumCount < 1) {
      throw new IllegalArgumentException(
          "size must be at least 3 and minimumCount at least 1, got "
              + size
              + " and "
              + minimumCount);
    }
    Map<String, Integer> counts = new HashMap<>();
    for (String text : texts) {
      Matcher words = words(text);
      while (words.find()) {
        counts.merge(words.group(), 1, Integer::sum);
      }
    }
    List<String> vocabulary = new ArrayList<>(List.of(PADDING, UNKNOWN));
    counts.entrySet().stream()
        .filter(e -> e.getValue() >= minimumCount && !vocabulary.contains(e.getKey()))
        .sorted(
            Map.Entry.<String, Integer>comparingByValue(Collections.reverseOrder())
                .thenComparing(Map.Entry.comparingByKey()))
        .limit(size - 2L)
        .forEach(e -> vocabulary.add(e.getKey()));
    return new WordTokenizer(vocabulary);
  }

  private static Matcher words(String text) {
    return WORDS.matcher(lower(text));
  }

  private static String lower(String text) {
    // Java makes a sigma at the end of a word a final one; Hugging Face's Lowercase does not.
    return text.replace('\u03A3', '\u03C3').toLowerCase(Locale.ROOT);
  }

  /**
   * Reads a {@code tokenizer.json}.
   *
   * @param source named in errors
   * @throws FormatException if it is not one
   * @throws UnsupportedException if it does anything else than this class
   */
  public static WordTokenizer read(String source, String json) {
    JsonNode root;
    try {
      root = JSON.readTree(json);
    } catch (JsonProcessingException e) {
      throw new FormatException(source, "not JSON: " + e.getOriginalMessage(), e);
    }
    JsonNode model = root.path("model");
    if (!"WordLevel".equals(model.path("type").asText())
        || !UNKNOWN.equals(model.path("unk_token").asText())
        || !"Lowercase".equals(root.path("normalizer").path("type").asText())
        || !"Whitespace".equals(root.path("pre_tokenizer").path("type").asText())
        || !root.path("added_tokens").isEmpty()
        || ADDITIONS.stream().anyMatch(root::hasNonNull)) {
      throw new UnsupportedException(
          source + " is not a lower-casing WordLevel tokenizer without additions",
          "Use a tokenizer.json written by Athanor");
    }
    JsonNode entries = model.path("vocab");
    if (!entries.isObject()) {
      throw new FormatException(source, "expected a vocabulary of words and their ids");
    }
    @SuppressWarnings("NullAway") // filled completely before it is read
    String[] words = new String[entries.size()];
    entries
        .properties()
        .forEach(
            entry -> {
              int id = entry.getValue().isInt() ? entry.getValue().intValue() : -1;
              if (id < 0 || id >= words.length || words[id] != null) {
                throw new FormatException(
                    source,
                    "expected ids 0 to "
                        + (words.length - 1)
                        + " once each, got "
                        + entry.getValue()
                        + " for '"
                        + entry.getKey()
                        + "'");
              }
              words[id] = entry.getKey();
            });
    if (words.length < 2 || !words[0].equals(PADDING) || !words[1].equals(UNKNOWN)) {
      throw new FormatException(
          source, "expected a vocabulary that begins with " + PADDING + " and " + UNKNOWN);
    }
    return new WordTokenizer(Arrays.asList(words));
  }

  @Override
  public int[] encode(String text, int maximumLength) {
    int[] found = new int[Math.min(maximumLength, text.length())];
    int n = 0;
    Matcher words = words(text);
    while (n < found.length && words.find()) {
      found[n++] = ids.getOrDefault(words.group(), 1);
    }
    return n == 0 ? new int[] {1} : Arrays.copyOf(found, n);
  }

  @Override
  public List<Token> tokenize(String text) {
    StringBuilder lower = new StringBuilder();
    List<Integer> origins = new ArrayList<>();
    for (int at = 0; at < text.length(); at += Character.charCount(text.codePointAt(at))) {
      String one = lower(Character.toString(text.codePointAt(at)));
      lower.append(one);
      for (int i = 0; i < one.length(); i++) {
        origins.add(at);
      }
    }
    origins.add(text.length());
    List<Token> found = new ArrayList<>();
    Matcher words = WORDS.matcher(lower);
    while (words.find()) {
      int id = ids.getOrDefault(words.group(), 1);
      found.add(new Token(id, origins.get(words.start()), origins.get(words.end())));
    }
    return found;
  }

  /** The words, with a space between; ids of no word are left out. */
  @Override
  public String decode(int[] tokens) {
    return Arrays.stream(tokens)
        .filter(id -> id > 1 && id < vocabulary.size())
        .mapToObj(vocabulary::get)
        .collect(Collectors.joining(" "));
  }

  @Override
  public OptionalInt id(String token) {
    Integer id = ids.get(token);
    return id == null ? OptionalInt.empty() : OptionalInt.of(id);
  }

  @Override
  public int vocabularySize() {
    return vocabulary.size();
  }

  @Override
  public int paddingId() {
    return 0;
  }

  @Override
  public String json() {
    ObjectNode root = JSON.createObjectNode().put("version", "1.0");
    root.putNull("truncation").putNull("padding");
    root.putArray("added_tokens");
    root.putObject("normalizer").put("type", "Lowercase");
    root.putObject("pre_tokenizer").put("type", "Whitespace");
    root.putNull("post_processor").putNull("decoder");
    ObjectNode model = root.putObject("model").put("type", "WordLevel");
    ObjectNode entries = model.putObject("vocab");
    for (int i = 0; i < vocabulary.size(); i++) {
      entries.put(vocabulary.get(i), i);
    }
    model.put("unk_token", UNKNOWN);
    return root.toPrettyString();
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof WordTokenizer that && vocabulary.equals(that.vocabulary);
  }

  @Override
  public int hashCode() {
    return vocabulary.hashCode();
  }
}
