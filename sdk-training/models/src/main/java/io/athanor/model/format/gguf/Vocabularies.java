package io.athanor.model.format.gguf;

import io.athanor.api.common.JsonFields;
import io.athanor.api.error.UnsupportedException;
import io.athanor.api.error.ValidationException;
import io.athanor.model.format.PretrainedModel;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** The vocabulary of a GGUF file and the {@code tokenizer.json} of a Hugging Face folder. */
final class Vocabularies {
  static final String KIND = "tokenizer.ggml.model";
  static final String CHAT_TEMPLATE = "tokenizer.chat_template";
  private static final String HUGGING_FACE = "tokenizer.huggingface.json";

  private Vocabularies() {}

  /** The {@code tokenizer.json} of a GGUF file, if the file has a vocabulary. */
  static Optional<String> toJson(Metadata metadata) {
    Optional<String> whole = metadata.optionalText(HUGGING_FACE);
    if (whole.isPresent()) {
      JsonFields.parse(metadata.source() + ", " + HUGGING_FACE, whole.get());
      return whole;
    }
    String kind = metadata.optionalText(KIND).orElse("none");
    return switch (kind) {
      case "none", "no_vocab" -> Optional.empty();
      case ByteLevelVocabulary.KIND ->
          Optional.of(ByteLevelVocabulary.toJson(metadata, Vocabulary.read(metadata)));
      case SentencePieceVocabulary.KIND ->
          Optional.of(SentencePieceVocabulary.toJson(metadata, Vocabulary.read(metadata)));
      default ->
          throw new UnsupportedException(
              metadata.source() + ": a vocabulary of the kind '" + kind + "'",
              "Give the model's own tokenizer.json beside the file");
    };
  }

  static Map<String, String> specialTokens(Metadata metadata) {
    return metadata.has(Vocabulary.TOKENS)
        ? VocabularyRoles.texts(metadata, metadata.texts(Vocabulary.TOKENS))
        : Map.of();
  }

  /**
   * The metadata for a model's tokenizer and chat template.
   *
   * @param rows of the model's embedding
   */
  static Map<String, Object> metadata(PretrainedModel model, int rows) {
    Map<String, Object> values = new LinkedHashMap<>();
    if (model.tokenizer().isEmpty()) {
      values.put(KIND, "none");
      return values;
    }
    GivenTokenizer tokenizer = new GivenTokenizer(model.source(), model.tokenizer().get());
    tokenizer.requireBpe();
    Vocabulary vocabulary = tokenizer.vocabulary(rows);
    values.putAll(
        tokenizer.byteFallback()
            ? SentencePieceVocabulary.metadata(tokenizer, vocabulary)
            : ByteLevelVocabulary.metadata(tokenizer, vocabulary));
    values.put(Vocabulary.TYPES, vocabulary.types().stream().map(TokenType::id).toList());
    values.putAll(roles(model, tokenizer, vocabulary));
    model.chatTemplate().ifPresent(template -> values.put(CHAT_TEMPLATE, template));
    return values;
  }

  private static Map<String, Object> roles(
      PretrainedModel model, GivenTokenizer tokenizer, Vocabulary vocabulary) {
    Map<String, Object> values = new LinkedHashMap<>();
    List<String> problems = new ArrayList<>();
    model
        .specialTokens()
        .forEach(
            (role, text) -> {
              int id = vocabulary.texts().indexOf(text);
              if (id < 0) {
                problems.add(role + " '" + text + "' is not a token");
              } else {
                VocabularyRoles.key(role).ifPresent(key -> values.put(key, (long) id));
              }
            });
    GivenTokenizer.Ends ends = tokenizer.ends();
    check(problems, "in front of", ends.before(), model.specialTokens().get("bos_token"));
    check(problems, "behind", ends.after(), model.specialTokens().get("eos_token"));
    if (!problems.isEmpty()) {
      throw new ValidationException("tokenizer for GGUF of " + model.source(), problems);
    }
    values.put("tokenizer.ggml.add_bos_token", ends.before() != null);
    values.put("tokenizer.ggml.add_eos_token", ends.after() != null);
    return values;
  }

  private static void check(
      List<String> problems, String place, @Nullable String given, @Nullable String role) {
    if (given != null && !given.equals(role)) {
      problems.add(
          "the token "
              + place
              + " a text is '"
              + given
              + "', GGUF takes the special token "
              + role);
    }
  }
}
