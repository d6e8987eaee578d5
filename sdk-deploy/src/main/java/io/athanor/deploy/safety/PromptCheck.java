package io.athanor.deploy.safety;

import io.athanor.api.data.LanguageEncoding;
import io.athanor.api.deploy.ServedModel;
import io.athanor.api.error.UnsupportedException;
import io.athanor.api.error.ValidationException;
import io.athanor.deploy.serve.TextRequest;
import io.athanor.model.text.ChatMessage;
import java.util.ArrayList;
import java.util.List;

/**
 * What a request must be like before a model reads it.
 *
 * @param filters for prompts
 * @param special refuses the model's special tokens in messages
 * @param limit most characters
 */
record PromptCheck(List<TextFilter> filters, SpecialTokens special, int limit) {
  PromptCheck {
    filters = List.copyOf(filters);
  }

  static PromptCheck of(ServedModel model, List<TextFilter> filters, int limit) {
    if (model.encoding() instanceof LanguageEncoding encoding) {
      return new PromptCheck(filters, SpecialTokens.of(encoding), limit);
    }
    throw new UnsupportedException(
        model + " reads rows and says no text", "Guard the rows where they are made");
  }

  /**
   * The request as the model may read it.
   *
   * @throws ValidationException if it breaks a rule
   */
  TextRequest checked(TextRequest request) {
    List<String> problems = new ArrayList<>();
    long length = request.prompt().length();
    for (ChatMessage message : request.messages()) {
      length += message.content().length();
    }
    if (length > limit) {
      throw new ValidationException(
          "request", List.of("it has " + length + " characters, and " + limit + " are allowed"));
    }
    TextRequest checked =
        request.messages().isEmpty() ? prompt(request, problems) : chat(request, problems);
    if (!problems.isEmpty()) {
      throw new ValidationException("request", problems);
    }
    return checked;
  }

  private TextRequest prompt(TextRequest request, List<String> problems) {
    String text = text("the prompt", request.prompt(), filters, problems);
    if (text.isEmpty()) {
      problems.add("the filters leave nothing of the prompt");
    }
    return problems.isEmpty() ? like(request, TextRequest.of(text)) : request;
  }

  private TextRequest chat(TextRequest request, List<String> problems) {
    List<TextFilter> all = new ArrayList<>(filters);
    all.add(special);
    List<ChatMessage> messages = new ArrayList<>();
    for (int i = 0; i < request.messages().size(); i++) {
      ChatMessage message = request.messages().get(i);
      String text = text("message " + (i + 1), message.content(), all, problems);
      messages.add(new ChatMessage(message.role(), text));
    }
    return like(request, TextRequest.chat(messages));
  }

  private static TextRequest like(TextRequest request, TextRequest other) {
    TextRequest same = other.settings(request.settings());
    return request.adapter().map(same::adapter).orElse(same);
  }

  private static String text(
      String what, String text, List<TextFilter> filters, List<String> problems) {
    int at = unreadable(text);
    if (at >= 0) {
      problems.add(
          what
              + " has U+%04X at character %d, which is no text; leave it out"
                  .formatted((int) text.charAt(at), at + 1));
      return text;
    }
    FilterRun run = new FilterRun(filters);
    String passed = run.whole(text);
    run.refusedBy().ifPresent(rule -> problems.add(what + " breaks the rule '" + rule + "'"));
    return passed;
  }

  /** The first control character or half of a pair; -1 if there is none. */
  private static int unreadable(String text) {
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      boolean pair =
          Character.isHighSurrogate(c)
              && i + 1 < text.length()
              && Character.isLowSurrogate(text.charAt(i + 1));
      if (pair) {
        i++;
      } else if (Character.isSurrogate(c)
          || (Character.isISOControl(c) && "\t\n\r".indexOf(c) < 0)) {
        return i;
      }
    }
    return -1;
  }
}
