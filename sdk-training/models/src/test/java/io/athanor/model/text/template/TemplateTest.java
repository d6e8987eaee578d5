package io.athanor.model.text.template;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.JsonNode;
import io.athanor.api.error.FormatException;
import io.athanor.model.text.Fixtures;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TemplateTest {
  private static final Clock CLOCK =
      Clock.fixed(Instant.parse("2024-09-07T15:04:05Z"), ZoneOffset.UTC);

  @TestFactory
  Stream<DynamicTest> rendersAsJinjaDoes() {
    JsonNode cases = Fixtures.json("chat/snippets.json");
    assertThat(cases.size()).isEqualTo(129);
    List<DynamicTest> tests = new ArrayList<>();
    for (JsonNode c : cases) {
      tests.add(DynamicTest.dynamicTest(c.get("template").asText(), () -> check(c)));
    }
    return tests.stream();
  }

  private static void check(JsonNode c) {
    String template = c.get("template").asText();
    if (c.has("error")) {
      assertThatThrownBy(() -> render(template))
          .as(template)
          .isInstanceOf(FormatException.class)
          .hasMessageContaining("snippet, line 1: ");
      return;
    }
    Template.Result result = render(template);
    assertThat(result.text()).isEqualTo(c.get("text").asText());
    List<List<Integer>> spans = new ArrayList<>();
    c.get("generations").forEach(s -> spans.add(List.of(s.get(0).asInt(), s.get(1).asInt())));
    assertThat(result.marked().stream().map(s -> List.of(s.start(), s.end())).toList())
        .isEqualTo(spans);
  }

  private static Template.Result render(String template) {
    return Template.parse("snippet", template).render(variables(), CLOCK);
  }

  private static Map<String, Object> variables() {
    List<Object> messages =
        List.of(
            message("system", "Speak like a pirate"),
            message("user", "Hi"),
            message("assistant", "Ahoy"),
            message("user", "Bye"),
            message("assistant", "Farewell"));
    return Map.of(
        "messages",
        messages,
        "tools",
        None.NONE,
        "documents",
        None.NONE,
        "add_generation_prompt",
        false,
        "bos_token",
        "<s>",
        "eos_token",
        "</s>",
        "unk_token",
        "<unk>");
  }

  private static Map<String, Object> message(String role, String content) {
    Map<String, Object> message = new LinkedHashMap<>();
    message.put("role", role);
    message.put("content", content);
    return message;
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "{% for a in range(100000) %}{% for b in range(100000) %}x{% endfor %}{% endfor %}",
        "{{ range(100000000) | length }}",
        "{{ 'x' * 1000000000000 }}",
        "{% set ns = namespace(s='x') %}{% for i in range(99) %}{% set ns.s = ns.s + ns.s %}{% endfor %}",
        "{% set ns = namespace(s=[1]) %}{% for i in range(99) %}{% set ns.s = ns.s + ns.s %}{% endfor %}",
        "{% set ns = namespace(s=[1]) %}{% for i in range(50) %}{% set ns.s = [ns.s, ns.s] %}{% endfor %}{{ ns.s }}",
        "{% set ns = namespace(s=[1]) %}{% for i in range(40) %}{% set ns.s = [ns.s, ns.s] %}{% endfor %}{{ ns.s == ns.s }}",
        "{% set ns = namespace(s=[]) %}{% for i in range(5000) %}{% set ns.s = [ns.s] %}{% endfor %}{{ ns.s | tojson }}",
        "{% set ns = namespace(s='ab') %}{% for i in range(40) %}{% set ns.s = ns.s | replace('a', ns.s) %}{% endfor %}",
        "{{ 'a' | indent(1000000000) }}",
        "{{ [1] | tojson(indent=1000000000) }}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{{ 9223372036854775807 + 1 }}",
        "{{ 10 ** 100 }}",
      })
  void hostileTemplatesAreStopped(String template) {
    Assertions.assertTimeoutPreemptively(
        Duration.ofSeconds(20),
        () ->
            assertThatThrownBy(() -> render(template))
                .isInstanceOf(FormatException.class)
                .hasMessageContaining("line 1"));
  }

  @Test
  void deepNestingIsStoppedByTheParser() {
    for (String deep :
        List.of(
            "{{ " + "(".repeat(5_000) + "1" + ")".repeat(5_000) + " }}",
            "{{ " + "[".repeat(5_000) + "]".repeat(5_000) + " }}",
            "{{ " + "not ".repeat(5_000) + "1 }}",
            "{{ " + "-".repeat(5_000) + "1 }}",
            "{{ 1" + " + 1".repeat(5_000) + " }}",
            "{{ a" + ".a".repeat(5_000) + " }}",
            "{{ a" + " | trim".repeat(5_000) + " }}",
            "{{ " + "1 if 1 else ".repeat(5_000) + "1 }}",
            "{% if 1 %}".repeat(5_000) + "{% endif %}".repeat(5_000))) {
      assertThatThrownBy(() -> render(deep))
          .as(deep.substring(0, 40))
          .isInstanceOf(FormatException.class)
          .hasMessageMatching("snippet, line 1: (.*levels deep|.*operators in a row)");
    }
  }

  @Test
  void errorsNameTheLine() {
    assertThatThrownBy(() -> render("a\n{% if true %}\nb\n{{ nothing.more }}\n{% endif %}"))
        .hasMessage("snippet, line 4: 'nothing' is undefined");
    assertThatThrownBy(() -> render("a\n\n{{ 'x' | shout }}"))
        .hasMessage("snippet, line 3: the filter 'shout' is not known");
    assertThatThrownBy(() -> render("a\n{% include 'file' %}"))
        .hasMessageContaining("snippet, line 2: the tag 'include' is not known");
    assertThatThrownBy(() -> render("\n{% for a in b %}\n\n"))
        .hasMessageContaining("the block of line 2 does not end; expected 'endfor'");
  }

  @Test
  void aTemplateOfAMegabyteIsTheLargest() {
    assertThatThrownBy(() -> render("x".repeat((1 << 20) + 1)))
        .isInstanceOf(FormatException.class)
        .hasMessageContaining("at most 1048576 characters");
  }

  @Test
  void aLongConversationIsNoHostileOne() {
    Map<String, Object> variables = new LinkedHashMap<>(variables());
    List<Object> messages = new ArrayList<>();
    for (int i = 0; i < 2_000; i++) {
      messages.add(message(i % 2 == 0 ? "user" : "assistant", "word ".repeat(500)));
    }
    variables.put("messages", messages);
    Template template = Template.parse("long", Fixtures.text("chat/templates/llama31.jinja"));

    assertThat(template.render(variables, CLOCK).text()).hasSizeGreaterThan(5_000_000);
  }
}
