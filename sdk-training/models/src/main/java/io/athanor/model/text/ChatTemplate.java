package io.athanor.model.text;

import io.athanor.api.data.ChatRenderer;
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
import java.util.Optional;

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
    return result(turns(messages), addGenerationPrompt, specialTokens).text();
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
  public ChatRenderer.Rendered renderAnswers(
      List<ChatMessage> messages, Map<String, String> specialTokens) {
    return answers(turns(messages), specialTokens);
  }

  /**
   * The same for conversations in JSON, which may have more than roles and contents, for example
   * {@code tool_calls}.
   *
   * @param specialTokens as {@link #render} takes them
   */
  public ChatRenderer renderer(Map<String, String> specialTokens) {
    return new JsonChats(this, Map.copyOf(specialTokens));
  }

  private record JsonChats(ChatTemplate chats, Map<String, String> specialTokens)
      implements ChatRenderer {
    @Override
    public Rendered render(String messages) {
      return chats.answers(JsonMessages.read(messages), specialTokens);
    }

    @Override
    public Optional<String> template() {
      return Optional.of(chats.text);
    }
  }

  private ChatRenderer.Rendered answers(
      List<Map<String, Object>> turns, Map<String, String> specialTokens) {
    Template.Result all = result(turns, false, specialTokens);
    List<ChatRenderer.Span> answers = new ArrayList<>();
    if (template.marks()) {
      all.marked().forEach(span -> answers.add(new ChatRenderer.Span(span.start(), span.end())));
      return new ChatRenderer.Rendered(all.text(), answers);
    }
    int end = 0;
    for (int i = 0; i < turns.size(); i++) {
      if (ChatMessage.ASSISTANT.equals(turns.get(i).get("role"))) {
        int start = Math.max(end, commonLength(all.text(), before(turns, i, specialTokens)));
        end = endOf(turns, i, all.text(), specialTokens);
        answers.add(new ChatRenderer.Span(Math.min(start, end), end));
      }
    }
    return new ChatRenderer.Rendered(all.text(), answers);
  }

  /** The text that the model sees when it is to say a turn. */
  private String before(
      List<Map<String, Object>> turns, int turn, Map<String, String> specialTokens) {
    return turn == 0 ? "" : result(turns.subList(0, turn), true, specialTokens).text();
  }

  private int endOf(
      List<Map<String, Object>> turns, int turn, String all, Map<String, String> specialTokens) {
    if (turn == turns.size() - 1) {
      return all.length();
    }
    String upTo = result(turns.subList(0, turn + 1), false, specialTokens).text();
    if (!all.startsWith(upTo)) {
      throw new UnsupportedException(
          source + " writes turn " + (turn + 1) + " differently when others follow it",
          "Mark the assistant's text with {% generation %} blocks in the template, or train on"
              + " conversations that end with the first answer");
    }
    return upTo.length();
  }

  private static int commonLength(String a, String b) {
    int length = 0;
    while (length < a.length() && length < b.length() && a.charAt(length) == b.charAt(length)) {
      length++;
    }
    return length;
  }

  private static List<Map<String, Object>> turns(List<ChatMessage> messages) {
    List<Map<String, Object>> turns = new ArrayList<>();
    for (ChatMessage message : messages) {
      Map<String, Object> turn = new LinkedHashMap<>();
      turn.put("role", message.role());
      turn.put("content", message.content());
      turns.add(turn);
    }
    return turns;
  }

  private Template.Result result(
      List<Map<String, Object>> turns,
      boolean addGenerationPrompt,
      Map<String, String> specialTokens) {
    Map<String, Object> variables = new HashMap<>(specialTokens);
    variables.put("messages", turns);
    variables.put("tools", None.NONE);
    variables.put("documents", None.NONE);
    variables.put("add_generation_prompt", addGenerationPrompt);
    return template.render(variables, clock);
  }
}
