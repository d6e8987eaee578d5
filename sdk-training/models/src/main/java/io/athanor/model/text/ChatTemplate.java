package io.athanor.model.text;

import io.athanor.api.error.FormatException;
import io.athanor.api.error.UnsupportedException;
import io.athanor.model.text.template.None;
import io.athanor.model.text.template.Template;
import java.time.Clock;
import java.time.ZoneId;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Turns a conversation into the text that a chat model was trained on. Reads the Jinja templates of
 * Hugging Face's {@code chat_template}, and renders them as {@code apply_chat_template} does
 * without tools and documents. Immutable and thread-safe.
 *
 * <p>A template may come from a stranger: it sees nothing but the messages, and one that nests,
 * loops or grows without end is refused.
 */
public final class ChatTemplate {
  private static final String CHAT_ML =
      "{% for message in messages %}"
          + "{{ '<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>\\n' }}"
          + "{% endfor %}"
          + "{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";

  private final String source;
  private final String text;
  private final Template template;
  private final Clock clock;

  private ChatTemplate(String source, String text, Template template, Clock clock) {
    this.source = source;
    this.text = text;
    this.template = template;
    this.clock = clock;
  }

  /**
   * Parses a template.
   *
   * @param source named in errors, for example the file it is from
   * @throws FormatException with the line of what is wrong or not known
   */
  public static ChatTemplate of(String source, String templateText) {
    return new ChatTemplate(
        source,
        templateText,
        Template.parse(source, templateText),
        Clock.system(ZoneId.systemDefault()));
  }

  /**
   * The plain layout that many models share and that suits a model without one of its own: each
   * turn between {@code <|im_start|>} and {@code <|im_end|>}, which should be special tokens.
   */
  public static ChatTemplate chatMl() {
    return of("ChatML", CHAT_ML);
  }

  /** The same template with another clock for the date that some templates tell the model. */
  public ChatTemplate clock(Clock other) {
    return new ChatTemplate(source, text, template, other);
  }

  /** The template's own text, as it is stored with a model. */
  public String text() {
    return text;
  }

  /**
   * The conversation as text.
   *
   * @param addGenerationPrompt whether the text ends where the assistant's next turn begins
   * @param specialTokens by their names in Hugging Face's configuration, for example {@code
   *     bos_token}
   * @throws FormatException with the line, if the template fails or refuses the messages
   */
  public String render(
      List<ChatMessage> messages, boolean addGenerationPrompt, Map<String, String> specialTokens) {
    return result(messages, addGenerationPrompt, specialTokens).text();
  }

  /**
   * The conversation as text, and where in it the assistant speaks: the template's {@code
   * generation} blocks, or, if it has none, what each turn of the assistant adds to the text of the
   * turns before it with the generation prompt.
   *
   * @throws FormatException with the line, if the template fails or refuses the messages
   * @throws UnsupportedException if the template writes earlier turns differently when others
   *     follow, so that an answer has no fixed place
   */
  public RenderedChat renderAnswers(List<ChatMessage> messages, Map<String, String> specialTokens) {
    Template.Result all = result(messages, false, specialTokens);
    List<RenderedChat.Span> answers = new ArrayList<>();
    if (template.marks()) {
      all.marked().forEach(span -> answers.add(new RenderedChat.Span(span.start(), span.end())));
      return new RenderedChat(all.text(), answers);
    }
    for (int i = 0; i < messages.size(); i++) {
      if (messages.get(i).role().equals(ChatMessage.ASSISTANT)) {
        int start = commonLength(all.text(), before(messages.subList(0, i), specialTokens));
        String upTo =
            i == messages.size() - 1
                ? all.text()
                : render(messages.subList(0, i + 1), false, specialTokens);
        if (!all.text().startsWith(upTo)) {
          throw new UnsupportedException(
              source + " writes turn " + (i + 1) + " differently when others follow it",
              "Mark the assistant's text with {% generation %} blocks in the template, or train on"
                  + " conversations that end with the first answer");
        }
        answers.add(new RenderedChat.Span(Math.min(start, upTo.length()), upTo.length()));
      }
    }
    return new RenderedChat(all.text(), answers);
  }

  private String before(List<ChatMessage> messages, Map<String, String> specialTokens) {
    return messages.isEmpty() ? "" : render(messages, true, specialTokens);
  }

  private static int commonLength(String a, String b) {
    int length = 0;
    while (length < a.length() && length < b.length() && a.charAt(length) == b.charAt(length)) {
      length++;
    }
    return length;
  }

  private Template.Result result(
      List<ChatMessage> messages, boolean addGenerationPrompt, Map<String, String> specialTokens) {
    Map<String, Object> variables = new HashMap<>(specialTokens);
    List<Object> turns = new ArrayList<>();
    for (ChatMessage message : messages) {
      Map<String, Object> turn = new LinkedHashMap<>();
      turn.put("role", message.role());
      turn.put("content", message.content());
      turns.add(turn);
    }
    variables.put("messages", turns);
    variables.put("tools", None.NONE);
    variables.put("documents", None.NONE);
    variables.put("add_generation_prompt", addGenerationPrompt);
    return template.render(variables, clock);
  }
}
