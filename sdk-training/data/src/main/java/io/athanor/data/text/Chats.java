package io.athanor.data.text;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.athanor.api.data.ChatRenderer;
import io.athanor.api.data.Task;
import io.athanor.api.data.Tokenizer.Token;
import io.athanor.api.error.AthanorException;
import io.athanor.api.error.FormatException;
import io.athanor.data.table.LocatedRow;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/**
 * Conversations, of which the answers are learned. One longer than the context loses its end: what
 * is left reads as it did.
 *
 * @param column a JSON array of messages, each with a role and a content
 * @param renderer makes the text, and says where the answers are
 */
public record Chats(String column, ChatRenderer renderer) implements TextForm {
  private static final ObjectMapper JSON = new ObjectMapper();

  @Override
  public List<String> columns() {
    return List.of(column);
  }

  @Override
  public Task task() {
    return new Task.Generation(column);
  }

  /** The template ends answers and texts. */
  @Override
  public boolean ended() {
    return false;
  }

  @Override
  public Example read(LocatedRow row, Vocabulary vocabulary) {
    String messages = TextForm.text(row, column);
    if (messages.isBlank()) {
      return Example.empty();
    }
    requireMessages(row, messages);
    ChatRenderer.Rendered chat = rendered(row, messages);
    List<Token> tokens = vocabulary.tokenizer().tokenize(chat.text());
    int length = Math.min(tokens.size(), vocabulary.contextLength());
    int[] marked = new int[length];
    int answer = 0;
    for (int i = 0; i < length; i++) {
      Token token = tokens.get(i);
      while (answer < chat.answers().size() && chat.answers().get(answer).end() <= token.start()) {
        answer++;
      }
      boolean scored =
          answer < chat.answers().size() && chat.answers().get(answer).start() < token.end();
      marked[i] = scored ? token.id() : ~token.id();
    }
    Sequence sequence = Sequence.ofMarked(marked);
    boolean cut = length < tokens.size();
    if (sequence.targets() == 0) {
      return cut ? Example.tooLong(tokens.size()) : Example.empty();
    }
    return Example.of(cut ? Example.Fit.CUT : Example.Fit.WHOLE, tokens.size(), sequence);
  }

  private ChatRenderer.Rendered rendered(LocatedRow row, String messages) {
    try {
      return renderer.render(messages);
    } catch (AthanorException e) {
      throw fail(row, "the conversation cannot be rendered: " + e.getMessage(), e);
    }
  }

  private void requireMessages(LocatedRow row, String messages) {
    JsonNode list;
    try {
      list = JSON.readTree(messages);
    } catch (JsonProcessingException e) {
      throw fail(row, "the messages are not JSON: " + e.getOriginalMessage(), e);
    }
    if (!list.isArray() || list.isEmpty()) {
      throw fail(
          row,
          "expected an array of messages such as [{\"role\": \"user\", \"content\": \"Hi\"}], got "
              + (list.isArray()
                  ? "an empty one"
                  : list.getNodeType().name().toLowerCase(Locale.ROOT)),
          null);
    }
    for (int i = 0; i < list.size(); i++) {
      JsonNode message = list.get(i);
      if (!message.path("role").isTextual()) {
        throw fail(row, "message " + (i + 1) + " has no text 'role'", null);
      }
      if (!message.path("content").isTextual() && !message.has("tool_calls")) {
        throw fail(row, "message " + (i + 1) + " has no text 'content'", null);
      }
    }
  }

  private FormatException fail(LocatedRow row, String problem, @Nullable Throwable cause) {
    FormatException failure = new FormatException(row.source(), row.line(), column, problem);
    if (cause != null) {
      failure.initCause(cause);
    }
    return failure;
  }
}
