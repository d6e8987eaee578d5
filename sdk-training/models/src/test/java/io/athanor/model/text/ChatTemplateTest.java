package io.athanor.model.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import io.athanor.api.data.ChatRenderer;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.UnsupportedException;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

class ChatTemplateTest {
  private static final Clock CLOCK =
      Clock.fixed(Instant.parse("2024-09-07T15:04:05Z"), ZoneOffset.UTC);
  private static final Map<String, String> SPECIAL =
      Map.of("bos_token", "<s>", "eos_token", "</s>", "unk_token", "<unk>");
  private static final List<ChatMessage> TURNS =
      List.of(
          ChatMessage.user("Hi"),
          ChatMessage.assistant("Hello!"),
          ChatMessage.user("Say it in Greek"),
          ChatMessage.assistant("Γειά"));

  @TestFactory
  Stream<DynamicTest> rendersAsTransformersDoes() {
    JsonNode cases = Fixtures.json("chat/chats.json");
    assertThat(cases.size()).isEqualTo(162);
    List<DynamicTest> tests = new ArrayList<>();
    for (JsonNode c : cases) {
      String name = c.get("template").asText();
      tests.add(
          DynamicTest.dynamicTest(
              name + ": " + c.get("conversation").asText() + " " + c.get("prompt"),
              () -> check(template(name), c)));
    }
    return tests.stream();
  }

  private static void check(ChatTemplate template, JsonNode c) {
    List<ChatMessage> messages = new ArrayList<>();
    for (JsonNode m : c.get("messages")) {
      messages.add(new ChatMessage(m.get("role").asText(), m.get("content").asText()));
    }
    boolean prompt = c.get("prompt").asBoolean();
    if (c.has("error")) {
      assertThatThrownBy(() -> template.render(messages, prompt, SPECIAL))
          .isInstanceOf(FormatException.class)
          .hasMessageContaining("line ");
    } else {
      assertThat(template.render(messages, prompt, SPECIAL)).isEqualTo(c.get("text").asText());
    }
  }

  private static ChatTemplate template(String name) {
    return ChatTemplate.of(name, Fixtures.text("chat/templates/" + name)).clock(CLOCK);
  }

  private static List<String> answers(ChatTemplate template, List<ChatMessage> messages) {
    ChatRenderer.Rendered chat = template.renderAnswers(messages, SPECIAL);
    assertThat(chat.text()).isEqualTo(template.render(messages, false, SPECIAL));
    return chat.answers().stream().map(s -> chat.text().substring(s.start(), s.end())).toList();
  }

  @Test
  void findsTheAnswersWithTheTokenThatEndsThem() {
    assertThat(answers(template("smollm2.jinja"), TURNS))
        .containsExactly("Hello!<|im_end|>\n", "Γειά<|im_end|>\n");
    assertThat(answers(template("llama31.jinja"), TURNS))
        .containsExactly("Hello!<|eot_id|>", "Γειά<|eot_id|>");
    assertThat(answers(template("gemma2.jinja"), TURNS))
        .containsExactly("Hello!<end_of_turn>\n", "Γειά<end_of_turn>\n");
    assertThat(answers(template("mistral.jinja"), TURNS))
        .containsExactly(" Hello!</s>", " Γειά</s>");
    assertThat(answers(ChatTemplate.chatMl(), TURNS))
        .containsExactly("Hello!<|im_end|>\n", "Γειά<|im_end|>\n");
  }

  @Test
  void marksOfTheTemplateSayWhereTheAnswersAre() {
    assertThat(answers(template("generation.jinja"), TURNS))
        .containsExactly("Hello!</s>", "Γειά</s>");
  }

  @Test
  void aTemplateThatShortensEarlierAnswersHasNoFixedOnes() {
    ChatTemplate template =
        ChatTemplate.of(
            "thinking.jinja",
            "{% for m in messages %}<{{ m.role }}>"
                + "{{ m.content if loop.last else m.content.split('</think>')[-1] }}{% endfor %}");
    List<ChatMessage> turns =
        List.of(
            ChatMessage.user("2+2?"),
            ChatMessage.assistant("<think>two and two</think>4"),
            ChatMessage.user("Thanks"));

    assertThatThrownBy(() -> template.renderAnswers(turns, SPECIAL))
        .isInstanceOf(UnsupportedException.class)
        .hasMessageContaining("thinking.jinja writes turn 2 differently when others follow it")
        .hasMessageContaining("generation");
    assertThat(answers(template, turns.subList(0, 2)))
        .containsExactly("<assistant><think>two and two</think>4");
  }

  @Test
  void aRefusalOfTheTemplateNamesItsReasonAndLine() {
    assertThatThrownBy(
            () ->
                template("gemma2.jinja").render(List.of(ChatMessage.system("no")), false, SPECIAL))
        .isInstanceOf(FormatException.class)
        .hasMessage(
            "gemma2.jinja, line 1: the template refuses these messages: System role not"
                + " supported");
  }

  @Test
  void conversationsInJsonMayCallTools() {
    ChatRenderer renderer = template("qwen25.jinja").renderer(SPECIAL);

    ChatRenderer.Rendered chat =
        renderer.render(
            "[{'role':'user','content':'Weather?'},{'role':'assistant','content':'',"
                    .replace('\'', '"')
                + "\"tool_calls\":[{\"function\":{\"name\":\"look\",\"arguments\":"
                + "{\"days\":2,\"exact\":true,\"at\":null,\"wind\":[0.5]}}}]}]");

    assertThat(chat.answers())
        .singleElement()
        .satisfies(
            span ->
                assertThat(chat.text().substring(span.start(), span.end()))
                    .isEqualTo(
                        "<tool_call>\n{\"name\": \"look\", \"arguments\": {\"days\": 2, \"exact\":"
                            + " true, \"at\": null, \"wind\": [0.5]}}\n</tool_call><|im_end|>\n"));
    assertThat(renderer.template()).hasValue(Fixtures.text("chat/templates/qwen25.jinja"));
    assertThat(renderer.specialTokens()).isEqualTo(SPECIAL);
    assertThatThrownBy(() -> renderer.render("{}"))
        .isInstanceOf(FormatException.class)
        .hasMessage("messages: expected an array of messages, got OBJECT");
    assertThatThrownBy(() -> renderer.render("[{\"content\": 1}]"))
        .isInstanceOf(FormatException.class)
        .hasMessage("messages: message 1: expected a text as 'role'");
    assertThatThrownBy(() -> renderer.render("["))
        .isInstanceOf(FormatException.class)
        .hasMessageStartingWith("messages: not JSON");
  }

  @Test
  void aRoleMustHaveAName() {
    assertThatThrownBy(() -> new ChatMessage(" ", "x"))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("role");
  }
}
