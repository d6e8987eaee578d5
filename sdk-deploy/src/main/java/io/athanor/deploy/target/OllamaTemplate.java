package io.athanor.deploy.target;

import com.fasterxml.jackson.databind.JsonNode;
import io.athanor.api.common.JsonFields;
import io.athanor.api.data.LanguageEncoding;
import io.athanor.api.data.Tokenizer;
import io.athanor.api.error.UnsupportedException;
import io.athanor.model.text.ChatTemplate;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/**
 * How Ollama turns a conversation into the text that a model reads, and where it stops: a template
 * of Go's {@code text/template}, with the variable {@code .Messages} that Ollama 0.2 and newer
 * gives. What the model was not trained for, such as a system message where its own template takes
 * none, ends in an error there that says so.
 *
 * @param text the template
 * @param stops texts that end an answer
 */
record OllamaTemplate(String text, List<String> stops) {
  private static final String PLAIN = "{{ .Prompt }}";

  OllamaTemplate {
    stops = List.copyOf(stops);
  }

  /**
   * The template of a model; one without a chat template continues texts.
   *
   * @throws UnsupportedException if Ollama cannot say what the model's template does
   */
  static OllamaTemplate of(LanguageEncoding encoding) {
    Set<String> stops = new LinkedHashSet<>();
    encoding.endIds().forEach(id -> stops.add(token(encoding, id)));
    if (encoding.chatTemplate().isEmpty()) {
      return new OllamaTemplate(PLAIN, List.copyOf(stops));
    }
    TurnLayout layout =
        TurnLayout.of(
            ChatTemplate.of("the model's chat template", encoding.chatTemplate().get()),
            encoding.specialTokens());
    String end = layout.assistant().after().strip();
    if (!end.isEmpty()) {
      stops.add(end);
    }
    return new OllamaTemplate(
        go(layout.without(addedByTokenizer(encoding))), new ArrayList<>(stops));
  }

  /** The token that llama.cpp puts in front of every text, or nothing. */
  private static String addedByTokenizer(LanguageEncoding encoding) {
    Tokenizer tokenizer = encoding.vocabulary();
    String begin = encoding.specialTokens().getOrDefault("bos_token", "");
    int first = tokenizer.encode("a", encoding.contextLength())[0];
    boolean added = tokenizer.id(begin).orElse(-1) == first && !begin.isEmpty();
    return added ? begin : "";
  }

  private static String token(LanguageEncoding encoding, int id) {
    JsonNode tokenizer = JsonFields.tree("tokenizer.json", encoding.vocabulary().json());
    for (JsonNode token : tokenizer.path("added_tokens")) {
      if (token.path("id").asInt(-1) == id) {
        return token.path("content").asText();
      }
    }
    for (Map.Entry<String, JsonNode> token : tokenizer.path("model").path("vocab").properties()) {
      if (token.getValue().asInt(-1) == id) {
        return token.getKey();
      }
    }
    throw new UnsupportedException(
        "the token " + id + ", which ends the model's answers, has no text",
        "Give the model the tokenizer that belongs to it");
  }

  private static String go(TurnLayout layout) {
    TurnLayout.Around system = layout.system();
    String led = "{{ if and (eq $i 1) (eq (index $.Messages 0).Role \"system\") }}";
    String firstUser =
        layout.firstUser().equals(layout.user().before())
            ? literal(layout.user().before())
            : led
                + literal(layout.firstUser())
                + "{{ else }}"
                + literal(layout.user().before())
                + "{{ end }}";
    String systemTurn =
        system == null
            ? error("this model was not trained with system messages")
            : "{{ if eq $i 0 }}"
                + literal(system.before())
                + "{{ .Content }}"
                + literal(system.after())
                + "{{ else }}"
                + error("this model takes a system message only as the first one")
                + "{{ end }}";
    String opening =
        layout.opening().isEmpty()
            ? ""
            : "{{ if and (eq $i 0) (ne .Role \"system\") }}"
                + literal(layout.opening())
                + "{{ end }}";
    return "{{ range $i, $turn := .Messages }}"
        + opening
        + "{{ if eq .Role \"user\" }}"
        + firstUser
        + "{{ .Content }}"
        + literal(layout.user().after())
        + "{{ else if eq .Role \"assistant\" }}"
        + literal(layout.assistant().before())
        + "{{ .Content }}"
        + literal(layout.assistant().after())
        + "{{ else if eq .Role \"system\" }}"
        + systemTurn
        + "{{ else }}"
        + error("this model was not trained with turns of this role")
        + "{{ end }}{{ end }}"
        + literal(layout.prompt());
  }

  /** Fails while the template runs, and is quoted in the message. */
  private static String error(String reason) {
    return "{{ index $.Messages \"" + reason + "\" }}";
  }

  private static String literal(String text) {
    return text.replace("{{", "{{ \"{{\" }}");
  }

  /**
   * The same as a Modelfile, for {@code ollama create}.
   *
   * @param from the weights' file, beside it
   * @param contextLength most tokens of a conversation
   * @throws UnsupportedException if a text cannot be quoted there
   */
  String modelfile(String from, int contextLength) {
    StringBuilder file = new StringBuilder("FROM ./" + from + "\n");
    file.append("TEMPLATE \"\"\"").append(quotable(text)).append("\"\"\"\n");
    file.append("PARAMETER num_ctx ").append(contextLength).append('\n');
    for (String stop : stops) {
      file.append("PARAMETER stop \"\"\"").append(quotable(stop)).append("\"\"\"\n");
    }
    return file.toString();
  }

  private static String quotable(String text) {
    if (text.contains("\"\"\"") || text.endsWith("\"") || text.startsWith("\"")) {
      throw new UnsupportedException(
          "a Modelfile cannot quote the text " + Objects.toString(text),
          "Deploy through Ollama's API instead, which can");
    }
    return text;
  }
}
