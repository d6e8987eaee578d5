package io.athanor.data.text;

import io.athanor.api.data.Tokenizer.Token;
import java.util.Arrays;
import java.util.List;

/**
 * A prompt and what is to be said after it, read as one text; a token that reaches over the border
 * belongs to the answer.
 */
final class Answer {
  private final int[] prompt;
  private final int[] answer;

  private Answer(int[] prompt, int[] answer) {
    this.prompt = prompt;
    this.answer = answer;
  }

  static Answer of(String prompt, String answer, Vocabulary vocabulary) {
    List<Token> tokens = vocabulary.tokenizer().tokenize(prompt + answer);
    int border = 0;
    while (border < tokens.size() && tokens.get(border).end() <= prompt.length()) {
      border++;
    }
    int[] ids = Vocabulary.ids(tokens);
    int[] said = Arrays.copyOfRange(ids, border, ids.length);
    return new Answer(
        vocabulary.begun(Arrays.copyOf(ids, border)),
        said.length == 0 ? said : vocabulary.ended(said));
  }

  /** How many tokens are to be said. */
  int said() {
    return answer.length;
  }

  int length() {
    return prompt.length + answer.length;
  }

  /** Whether there is a token to learn that has another before it. */
  boolean teaches() {
    return answer.length > 0 && length() > 1;
  }

  /** Whether the answer and, where there is a prompt, at least a token of it fit. */
  boolean fits(int contextLength, int prefix) {
    int least = prompt.length == 0 ? 0 : Math.max(prefix, 1);
    return answer.length + least <= contextLength;
  }

  /**
   * Both as one sequence. Of a prompt that is too long the end is kept, and what begins every text.
   *
   * @param room most tokens of the prompt
   */
  Sequence sequence(int room, int prefix) {
    int cut = Math.max(0, prompt.length - room);
    int[] ids = new int[length() - cut];
    int kept = prompt.length - cut;
    System.arraycopy(prompt, cut, ids, 0, kept);
    System.arraycopy(prompt, 0, ids, 0, Math.min(prefix, kept));
    System.arraycopy(answer, 0, ids, kept, answer.length);
    return Sequence.of(ids, 0, ids.length, kept);
  }
}
