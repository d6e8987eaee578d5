package io.athanor.deploy.target;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.athanor.api.error.UnsupportedException;
import io.athanor.model.text.ChatMessage;
import io.athanor.model.text.ChatTemplate;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The chat templates of published models, said in Go's. */
class OllamaTemplateTest {
  private static final List<ChatMessage> LED =
      List.of(
          ChatMessage.system("Be short."),
          ChatMessage.user("Hi {{ .x }} \"you\""),
          ChatMessage.assistant("Hello\n\n<b>"),
          ChatMessage.user("Bye"));

  @ParameterizedTest
  @CsvSource({
    "smollm2.jinja, true",
    "qwen25.jinja, true",
    "llama3.jinja, true",
    "zephyr.jinja, true",
    "generation.jinja, true",
    "gemma2.jinja, false",
    "mistral.jinja, true",
    "mistral_last.jinja, false"
  })
  void saysWhatTheModelsOwnTemplateSays(String name, boolean system) {
    ChatTemplate own = ChatTemplate.of(name, ChatModels.published(name));
    OllamaTemplate template = OllamaTemplate.of(ChatModels.encoding(name));

    for (int turns = 1; turns <= 4; turns++) {
      List<ChatMessage> led = LED.subList(0, turns);
      List<ChatMessage> plain = LED.subList(1, Math.max(2, turns));
      if (plain.get(plain.size() - 1).role().equals("user")) {
        assertThat(GoText.render(template.text(), plain, ""))
            .isEqualTo(own.render(plain, true, ChatModels.SPECIAL));
      }
      if (turns % 2 == 0 && system) {
        assertThat(GoText.render(template.text(), led, ""))
            .isEqualTo(own.render(led, true, ChatModels.SPECIAL));
      }
    }
    if (!system) {
      assertThatThrownBy(() -> GoText.render(template.text(), LED, ""))
          .hasMessageContaining("this model was not trained with system messages");
    }
  }

  @Test
  void chatMlBecomesWhatAnybodyWouldWrite() {
    OllamaTemplate template =
        OllamaTemplate.of(ChatModels.encoding(Optional.of(ChatTemplate.chatMl().text())));

    assertThat(GoText.render(template.text(), LED.subList(1, 2), ""))
        .isEqualTo("<|im_start|>user\nHi {{ .x }} \"you\"<|im_end|>\n<|im_start|>assistant\n");
    assertThat(template.stops()).containsExactly("<|im_end|>");
    assertThat(template.modelfile("model.gguf", 64))
        .startsWith("FROM ./model.gguf\nTEMPLATE \"\"\"{{ range $i, $turn := .Messages }}")
        .endsWith("PARAMETER num_ctx 64\nPARAMETER stop \"\"\"<|im_end|>\"\"\"\n");
  }

  @Test
  void theTokenThatLlamaCppPutsInFrontIsNotSaidTwice() {
    TurnLayout layout =
        TurnLayout.of(
            ChatTemplate.of("llama3.jinja", ChatModels.published("llama3.jinja")),
            Map.of("bos_token", "<|begin_of_text|>"));

    assertThat(layout.opening()).isEqualTo("<|begin_of_text|>");
    TurnLayout bare = layout.without("<|begin_of_text|>");
    assertThat(bare.opening()).isEmpty();
    assertThat(bare.text(LED)).isEqualTo(layout.text(LED).substring("<|begin_of_text|>".length()));
  }

  @Test
  void aModelWithoutChatTemplateContinuesTexts() {
    OllamaTemplate template = OllamaTemplate.of(ChatModels.encoding(Optional.empty()));

    assertThat(GoText.render(template.text(), List.of(), "Once upon")).isEqualTo("Once upon");
  }

  @Test
  void templatesThatTellTheDateAreTakenWithAFixedOne() {
    String llama = ChatModels.published("llama31.jinja");
    assertRefused(llama, "texts that change with the date");
    String fixed = llama.replaceAll("strftime_now\\([^)]*\\)", "'26 Jul 2024'");

    OllamaTemplate template = OllamaTemplate.of(ChatModels.encoding(Optional.of(fixed)));

    assertThat(GoText.render(template.text(), LED, ""))
        .isEqualTo(ChatTemplate.of("fixed", fixed).render(LED, true, ChatModels.SPECIAL))
        .contains("Today Date: 26 Jul 2024");
  }

  @Test
  void templatesThatDoMoreAreRefusedWithTheReason() {
    assertRefused(
        "{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}{{ messages | length }}",
        "it ends a turn differently when others follow");
    assertRefused(
        "{{ strftime_now('%Y') }}{% for m in messages %}<{{ m.role }}>{{ m.content }}{% endfor %}",
        "texts that change with the date");
    assertRefused(
        "{% for m in messages %}<{{ m.role }}>"
            + "{{ m.content if loop.last else m.content | upper }}{% endfor %}",
        "it does not write each turn once");
    assertRefused(
        "{% for m in messages %}<{{ m.role }}>{{ m.content[:9] }}|{% endfor %}",
        "which fixed texts around turns do not");
    assertRefused("{{ raise_exception('never') }}", "never");
  }

  private static void assertRefused(String jinja, String reason) {
    assertThatThrownBy(() -> OllamaTemplate.of(ChatModels.encoding(Optional.of(jinja))))
        .isInstanceOf(UnsupportedException.class)
        .hasMessageStartingWith("Unsupported: the chat template cannot be written for Ollama: ")
        .hasMessageContaining(reason)
        .hasMessageContaining("ChatTemplate.chatMl()");
  }
}
