package io.athanor.model.format.gguf;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.athanor.api.error.FormatException;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * SentencePiece's BPE with bytes for what is unknown, which GGUF calls {@code llama}: tokens with
 * scores. Two neighbours are joined if the result is a token, the best score first; as merges that
 * is every way to cut a token into two others, in the order of scores, the way that Hugging Face
 * converts SentencePiece models.
 */
final class SentencePieceVocabulary {
  static final String KIND = "llama";
  private static final String SCORES = "tokenizer.ggml.scores";
  private static final String SPACE_PREFIX = "tokenizer.ggml.add_space_prefix";
  private static final String SPACE = "\u2581";

  /** A merge with what decides its rank. */
  private record Ranked(Merge merge, float score, int left, int right) {}

  private SentencePieceVocabulary() {}

  static String toJson(Metadata metadata, Vocabulary given) {
    Vocabulary vocabulary = withMarkedSpaces(given, metadata);
    List<Float> scores = metadata.floats(SCORES);
    if (scores.size() != vocabulary.size()) {
      throw new FormatException(
          metadata.source(),
          SCORES
              + " has "
              + scores.size()
              + " elements, expected one for each of the "
              + vocabulary.size()
              + " tokens");
    }
    boolean prefix = metadata.flag(SPACE_PREFIX, true);
    Integer unknown = VocabularyRoles.ids(metadata, vocabulary.size()).get("unk_token");
    return TokenizerJson.whole(
        vocabulary,
        normalizer(prefix),
        null,
        TokenizerJson.template(vocabulary, metadata, true),
        decoder(prefix),
        TokenizerJson.bpe(
            vocabulary,
            merges(vocabulary, scores),
            unknown == null ? null : vocabulary.texts().get(unknown),
            vocabulary.types().contains(TokenType.BYTE),
            false));
  }

  /** GGUF keeps user-defined tokens with plain spaces, SentencePiece with its mark. */
  private static Vocabulary withMarkedSpaces(Vocabulary given, Metadata metadata) {
    List<String> texts = new ArrayList<>(given.texts());
    for (int id = 0; id < texts.size(); id++) {
      if (given.types().get(id) == TokenType.USER_DEFINED) {
        texts.set(id, texts.get(id).replace(" ", SPACE));
      }
    }
    if (new HashSet<>(texts).size() != texts.size()) {
      throw new FormatException(
          metadata.source(), "two tokens differ only in how their spaces are written");
    }
    return new Vocabulary(texts, given.types());
  }

  private static JsonNode normalizer(boolean prefix) {
    ObjectNode marks =
        ((ObjectNode) TokenizerJson.step("Replace", "\"content\":\"" + SPACE + "\""))
            .set("pattern", TokenizerJson.pattern("String", " "));
    return prefix
        ? TokenizerJson.sequence(
            "normalizers", TokenizerJson.step("Prepend", "\"prepend\":\"" + SPACE + "\""), marks)
        : marks;
  }

  private static JsonNode decoder(boolean prefix) {
    List<JsonNode> steps = new ArrayList<>();
    steps.add(
        ((ObjectNode) TokenizerJson.step("Replace", "\"content\":\" \""))
            .set("pattern", TokenizerJson.pattern("String", SPACE)));
    steps.add(TokenizerJson.step("ByteFallback", ""));
    steps.add(TokenizerJson.step("Fuse", ""));
    if (prefix) {
      steps.add(TokenizerJson.step("Strip", "\"content\":\" \",\"start\":1,\"stop\":0"));
    }
    return TokenizerJson.sequence("decoders", steps.toArray(JsonNode[]::new));
  }

  private static List<Merge> merges(Vocabulary vocabulary, List<Float> scores) {
    Map<String, Integer> ids = joinable(vocabulary);
    List<Ranked> ranked = new ArrayList<>();
    for (int id = 0; id < vocabulary.size(); id++) {
      String text = vocabulary.texts().get(id);
      if (ids.containsKey(text)) {
        ranked.addAll(cuts(text, scores.get(id), ids));
      }
    }
    ranked.sort(
        Comparator.comparing(Ranked::score)
            .thenComparing(Ranked::left)
            .thenComparing(Ranked::right)
            .reversed());
    return ranked.stream().map(Ranked::merge).toList();
  }

  /** The tokens that texts are made of, with their ids. */
  private static Map<String, Integer> joinable(Vocabulary vocabulary) {
    Map<String, Integer> ids = new HashMap<>();
    for (int id = 0; id < vocabulary.size(); id++) {
      TokenType type = vocabulary.types().get(id);
      if (type == TokenType.NORMAL || type == TokenType.USER_DEFINED) {
        ids.put(vocabulary.texts().get(id), id);
      }
    }
    return ids;
  }

  private static List<Ranked> cuts(String text, float score, Map<String, Integer> ids) {
    List<Ranked> cuts = new ArrayList<>();
    int length = text.codePointCount(0, text.length());
    int left = 1;
    for (int at = text.offsetByCodePoints(0, Math.min(1, length)); at < text.length(); left++) {
      Merge merge = new Merge(text.substring(0, at), text.substring(at));
      if (ids.containsKey(merge.left()) && ids.containsKey(merge.right())) {
        cuts.add(new Ranked(merge, score, left, length - left));
      }
      at = text.offsetByCodePoints(at, 1);
    }
    cuts.sort(
        Comparator.comparing((Ranked cut) -> ids.get(cut.merge().left()))
            .thenComparing(cut -> ids.get(cut.merge().right())));
    return cuts;
  }

  static Map<String, Object> metadata(GivenTokenizer tokenizer, Vocabulary vocabulary) {
    Map<String, Object> values = new LinkedHashMap<>();
    List<String> texts = new ArrayList<>(vocabulary.texts());
    for (int id = 0; id < texts.size(); id++) {
      if (vocabulary.types().get(id) == TokenType.USER_DEFINED) {
        texts.set(id, texts.get(id).replace(SPACE, " "));
      }
    }
    values.put(Vocabularies.KIND, KIND);
    values.put(Vocabulary.TOKENS, texts);
    values.put("tokenizer.ggml.pre", "default");
    values.put(SCORES, scores(tokenizer, vocabulary));
    values.put(SPACE_PREFIX, spacePrefix(tokenizer));
    return values;
  }

  private static boolean spacePrefix(GivenTokenizer tokenizer) {
    JsonNode given = tokenizer.part("normalizer");
    JsonNode normalizer =
        given.path("normalizers").size() == 1 ? given.path("normalizers").get(0) : given;
    JsonNode cut = tokenizer.part("pre_tokenizer");
    boolean none = cut.isNull() || cut.isMissingNode();
    if (none && normalizer.equals(normalizer(true))) {
      return true;
    }
    // Gemma cuts at spaces after they have been marked, which cuts nowhere.
    boolean idle =
        cut.path("type").asText().equals("Split")
            && cut.path("pattern").path("String").asText().equals(" ");
    if ((none || idle) && normalizer.equals(normalizer(false))) {
      return false;
    }
    boolean metaspace =
        cut.path("type").asText().equals("Metaspace")
            && cut.path("replacement").asText().equals(SPACE)
            && !cut.path("split").asBoolean(true);
    if (metaspace && (normalizer.isNull() || normalizer.isMissingNode())) {
      return !cut.path("prepend_scheme").asText().equals("never");
    }
    throw tokenizer.unsupported("this treatment of spaces: " + normalizer + ", " + cut);
  }

  /** Scores that give the merges again; a token's is the rank of its best merge, negated. */
  private static List<Float> scores(GivenTokenizer tokenizer, Vocabulary vocabulary) {
    Set<String> joinable = joinable(vocabulary).keySet();
    List<Merge> merges =
        tokenizer.merges().stream()
            .filter(
                merge ->
                    joinable.contains(merge.joined())
                        && joinable.contains(merge.left())
                        && joinable.contains(merge.right()))
            .toList();
    Map<String, Integer> ranks = new HashMap<>();
    String last = "";
    for (Merge merge : merges) {
      String joined = merge.joined();
      if (!joined.equals(last) && ranks.containsKey(joined)) {
        throw tokenizer.unsupported(
            "merges that give '" + joined + "' at different ranks: it has one score for a token");
      }
      ranks.putIfAbsent(joined, ranks.size());
      last = joined;
    }
    List<Float> scores = new ArrayList<>();
    for (String text : vocabulary.texts()) {
      int rank = ranks.getOrDefault(text, joinable.contains(text) ? ranks.size() : 0);
      scores.add(0f - rank);
    }
    Set<Merge> again = new HashSet<>(merges(vocabulary, scores));
    if (!again.equals(new HashSet<>(merges))) {
      throw tokenizer.unsupported(
          "these "
              + merges.size()
              + " merges: its scores allow every way to cut a token into two, which are "
              + again.size());
    }
    return scores;
  }
}
