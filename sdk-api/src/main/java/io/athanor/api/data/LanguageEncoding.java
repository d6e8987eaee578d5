package io.athanor.api.data;

import io.athanor.api.error.ValidationException;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * How a language model reads text. Its graph has the input {@link #TOKENS}; training adds {@link
 * Signature#TARGET}.
 *
 * @param task generation, preference ranking or embedding
 * @param vocabulary text to ids and back
 * @param contextLength most tokens in a sequence, at least 1
 * @param endIds ids that end what the model says; may be empty
 * @param chatTemplate how a conversation becomes text, in Jinja, for models that converse
 * @param specialTokens texts the template may name, such as {@code bos_token}
 */
public record LanguageEncoding(
    Task task,
    Tokenizer vocabulary,
    int contextLength,
    List<Integer> endIds,
    Optional<String> chatTemplate,
    Map<String, String> specialTokens)
    implements Encoding {
  /** The graph's input of token ids {@code I64 [batch, sequence]}. */
  public static final String TOKENS = "tokens";

  /** Where rows are packed: the positions of tokens in their documents, {@code I64}. */
  public static final String POSITIONS = TOKENS + ".positions";

  /** Where rows are packed: the numbers of tokens' documents, 0 for padding, {@code I64}. */
  public static final String SEGMENTS = TOKENS + ".segments";

  /** Where a model has several adapters: the number of each row's, {@code I64 [batch]}. */
  public static final String ADAPTER = "adapter";

  /**
   * Where preferences are learned: the logarithm of each answer's probability before, {@code F32
   * [batch]}.
   */
  public static final String REFERENCE = "reference";

  /**
   * @throws ValidationException if the parts do not fit together
   */
  public LanguageEncoding {
    endIds = List.copyOf(endIds);
    specialTokens = java.util.Collections.unmodifiableMap(new TreeMap<>(specialTokens));
    List<String> problems = new ArrayList<>();
    if (task instanceof Task.Classification || task instanceof Task.Regression) {
      problems.add("a language encoding is for generation, preferences or embeddings, got " + task);
    }
    if (contextLength < 1) {
      problems.add("contextLength must be at least 1, got " + contextLength);
    }
    int size = vocabulary.vocabularySize();
    if (endIds.stream().anyMatch(id -> id < 0 || id >= size)) {
      problems.add("end ids must be in [0, " + size + "), got " + endIds);
    }
    if (!problems.isEmpty()) {
      throw new ValidationException("language encoding", problems);
    }
  }

  @Override
  public Signature signature() {
    return new Signature(
        List.of(new Feature.Tokens(TOKENS, vocabulary.vocabularySize(), contextLength)), task);
  }

  @Override
  public Optional<Tokenizer> tokenizer() {
    return Optional.of(vocabulary);
  }
}
