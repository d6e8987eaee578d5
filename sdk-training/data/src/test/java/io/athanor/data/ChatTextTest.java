package io.athanor.data;

import static io.athanor.data.Texts.all;
import static io.athanor.data.Texts.shown;
import static io.athanor.data.Texts.whole;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import io.athanor.api.common.JsonFields;
import io.athanor.api.data.Batch;
import io.athanor.api.data.ChatRenderer;
import io.athanor.api.data.LanguageEncoding;
import io.athanor.api.data.Row;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.ValidationException;
import io.athanor.data.source.JsonLines;
import io.athanor.data.source.Records;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class ChatTextTest {
  private static final String TOKENS = LanguageEncoding.TOKENS;

  @TempDir Path folder;

  /** The first letter of the role, a colon, the content, and an end after an answer. */
  private static final class Letters implements ChatRenderer {
    @Override
    public Rendered render(String messages) {
      StringBuilder text = new StringBuilder();
      List<Span> answers = new ArrayList<>();
      for (JsonNode message : JsonFields.tree("messages", messages)) {
        String role = message.path("role").asText();
        if (role.equals("tool")) {
          throw new FormatException("template", "there is no role 'tool'");
        }
        text.append(role.charAt(0)).append(':');
        int start = text.length();
        text.append(message.path("content").asText());
        if (role.equals("assistant")) {
          text.append(CharTokenizer.END_TOKEN);
          answers.add(new Span(start, text.length()));
        }
      }
      return new Rendered(text.toString(), answers);
    }

    @Override
    public Optional<String> template() {
      return Optional.of("{{ letters }}");
    }

    @Override
    public Map<String, String> specialTokens() {
      return Map.of("eos_token", CharTokenizer.END_TOKEN);
    }
  }

  @Test
  void learnsTheAnswersOfAConversation() throws IOException {
    TextSplit split =
        chats(
            64,
            """
            {"chat": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": "yo"},
            """
                    .strip()
                + """
                 {"role": "user", "content": "k"}, {"role": "assistant", "content": "!"}], "n": {}}
                """);

    Batch batch = whole(split.train());

    assertThat(shown(batch, TOKENS)).containsExactly("u:hia:yo$u:ka:!$");
    assertThat(shown(batch, "target")).containsExactly(".....yo$.....!$.");
    assertThat(batch.scored()).isEqualTo(5);
    assertThat(split.encoding().chatTemplate()).contains("{{ letters }}");
    assertThat(split.encoding().specialTokens()).containsEntry("eos_token", "</s>");
    assertThat(split.encoding().endIds()).containsExactly(CharTokenizer.END);
  }

  @Test
  void readsConversationsThatAreJsonText() {
    TextDataset set =
        TextDataset.chats(
                Records.of(
                    List.of(Row.of("chat", "[{\"role\": \"assistant\", \"content\": \"ok\"}]"))),
                "chat",
                new Letters())
            .tokenizer(CharTokenizer.plain());

    assertThat(shown(whole(all(set).train()), "target")).containsExactly(".ok$.");
  }

  @Test
  void cutsALongConversationAtItsEnd() throws IOException {
    String chat =
        "{\"chat\": [{\"role\": \"assistant\", \"content\": \"abc\"},"
            + " {\"role\": \"user\", \"content\": \"defgh\"}]}\n";

    TextSplit split = chats(8, chat);

    assertThat(shown(whole(split.train()), TOKENS)).containsExactly("a:abc$u:");
    assertThat(split.profile().cut()).isEqualTo(1);
  }

  @Test
  void refusesConversationsOfWhichNoAnswerFits() throws IOException {
    String chat =
        "{\"chat\": [{\"role\": \"user\", \"content\": \"defgh\"},"
            + " {\"role\": \"assistant\", \"content\": \"abc\"}]}\n";

    assertThatThrownBy(chats(7, chat)::train)
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("1 of the 1 rows of train do not fit into 7 tokens");
  }

  @Test
  void refusesConversationsWithoutAnyAnswer() throws IOException {
    assertThatThrownBy(chats(9, "{\"chat\": [{\"role\": \"user\", \"content\": \"a\"}]}\n")::train)
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("none of the 1 rows of train has a token to learn")
        .hasMessageContaining("which answers the renderer marks");
  }

  @ParameterizedTest
  @CsvSource(
      quoteCharacter = '`',
      delimiter = '|',
      value = {
        "\"[{\"|the messages are not JSON: Unexpected end-of-input",
        "{\"role\": \"user\"}|expected an array of messages such as [{\"role\": \"user\","
            + " \"content\": \"Hi\"}], got object",
        "[]|expected an array of messages such as [{\"role\": \"user\", \"content\": \"Hi\"}], got"
            + " an empty one",
        "[\"hi\"]|message 1 has no text 'role'",
        "[{\"role\": \"user\", \"content\": \"a\"}, {\"role\": \"user\"}]|message 2 has no text"
            + " 'content'",
        "[{\"role\": \"tool\", \"content\": \"a\"}]|the conversation cannot be rendered: template:"
            + " there is no role 'tool'"
      })
  void namesTheLineOfMalformedMessages(String messages, String problem) throws IOException {
    String good = "{\"chat\": [{\"role\": \"assistant\", \"content\": \"a\"}]}\n";
    TextSplit split = chats(9, good + "{\"chat\": " + messages + "}\n");

    assertThatThrownBy(split::train)
        .isInstanceOf(FormatException.class)
        .hasMessageStartingWith(file() + ", line 2, column 'chat': " + problem);
  }

  private TextSplit chats(int context, String lines) throws IOException {
    Files.writeString(file(), lines);
    return all(
        TextDataset.chats(JsonLines.of(file()), "chat", new Letters())
            .tokenizer(CharTokenizer.plain())
            .contextLength(context));
  }

  private Path file() {
    return folder.resolve("chats.jsonl");
  }
}
