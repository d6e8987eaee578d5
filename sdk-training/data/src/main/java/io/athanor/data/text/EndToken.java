package io.athanor.data.text;

import io.athanor.api.data.Tokenizer;
import io.athanor.api.error.NotFoundException;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;

/**
 * The token that is put after a text, so that a model learns to end.
 *
 * @param kind where it comes from
 * @param name of the token, where it is named
 */
public record EndToken(Kind kind, String name) {
  /** Where it comes from. */
  public enum Kind {
    /** What the model says, what the tokenizer adds to a text, or a usual name. */
    USUAL,
    NAMED,
    NONE
  }

  public static final EndToken USUAL = new EndToken(Kind.USUAL, "");
  public static final EndToken NONE = new EndToken(Kind.NONE, "");

  private static final List<String> ENDS_OF_TEXTS =
      List.of("<|endoftext|>", "<|end_of_text|>", "</s>", "<eos>", "[EOS]");
  private static final List<String> ENDS_OF_ANSWERS =
      List.of("<|im_end|>", "<|eot_id|>", "<end_of_turn>", "<|end|>");

  public static EndToken named(String name) {
    return new EndToken(Kind.NAMED, name);
  }

  /**
   * The ids that end what a model says; the first ends a text.
   *
   * @param added what the tokenizer puts after a text
   * @param conversations whether an answer within a text has an end as well
   * @throws NotFoundException if the named token is not in the vocabulary
   */
  List<Integer> ids(Tokenizer tokenizer, int[] added, boolean conversations) {
    if (kind == Kind.NONE) {
      return List.of();
    }
    if (kind == Kind.NAMED) {
      int id =
          tokenizer
              .id(name)
              .orElseThrow(
                  () ->
                      new NotFoundException(
                          "token '" + name + "' in the tokenizer's vocabulary",
                          known(tokenizer),
                          "Name the token that ends a text, or call withoutEndToken()"));
      return List.of(id);
    }
    List<Integer> ids = new ArrayList<>();
    if (added.length > 0) {
      ids.add(added[added.length - 1]);
    }
    for (String usual : ENDS_OF_TEXTS) {
      OptionalInt id = tokenizer.id(usual);
      if (ids.isEmpty() && id.isPresent()) {
        ids.add(id.getAsInt());
      }
    }
    for (String usual : conversations ? ENDS_OF_ANSWERS : List.<String>of()) {
      tokenizer.id(usual).ifPresent(ids::add);
    }
    return ids.stream().distinct().toList();
  }

  private static List<String> known(Tokenizer tokenizer) {
    List<String> usual = new ArrayList<>(ENDS_OF_TEXTS);
    usual.addAll(ENDS_OF_ANSWERS);
    return usual.stream().filter(name -> tokenizer.id(name).isPresent()).toList();
  }
}
