package io.athanor.deploy.target;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.ObjectMapper;
import io.athanor.model.text.ChatMessage;
import io.athanor.model.text.ChatTemplate;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Go itself renders our templates, where it is installed. */
@Tag("heavy")
@Timeout(value = 5, unit = TimeUnit.MINUTES)
class GoTemplatePeerTest {
  private static final String PROGRAM =
      """
      package main

      import (
        "encoding/json"
        "os"
        "text/template"
      )

      type Message struct{ Role, Content string }

      type Case struct {
        Template string
        Messages []*Message
      }

      func main() {
        var one Case
        if err := json.NewDecoder(os.Stdin).Decode(&one); err != nil {
          panic(err)
        }
        t, err := template.New("").Option("missingkey=zero").Parse(one.Template)
        if err == nil {
          err = t.Execute(os.Stdout, map[string]any{"Messages": one.Messages, "System": ""})
        }
        if err != nil {
          os.Stdout.WriteString("error: " + err.Error())
        }
      }
      """;
  private static final List<ChatMessage> TALK =
      List.of(
          ChatMessage.system("Be short."),
          ChatMessage.user("Hi {{ .x }} \"you\" <b>"),
          ChatMessage.assistant("Hello\n\nagain"),
          ChatMessage.user("Bye"));

  @TempDir Path folder;

  private String run(List<String> command, String input) throws Exception {
    Path in = Files.writeString(folder.resolve("in"), input);
    Path out = folder.resolve("out");
    ProcessBuilder builder = new ProcessBuilder(command).directory(folder.toFile());
    builder.environment().put("GOCACHE", folder.resolve("cache").toString());
    builder.environment().put("GOFLAGS", "-mod=mod");
    Process process =
        builder
            .redirectInput(in.toFile())
            .redirectOutput(out.toFile())
            .redirectError(folder.resolve("err").toFile())
            .start();
    assertThat(process.waitFor(4, TimeUnit.MINUTES)).isTrue();
    assertThat(process.exitValue()).as(Files.readString(folder.resolve("err"))).isZero();
    return Files.readString(out, StandardCharsets.UTF_8);
  }

  private static boolean installed() {
    try {
      return new ProcessBuilder("go", "version").start().waitFor() == 0;
    } catch (IOException e) {
      return false;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  @Test
  void goRendersWhatTheModelsOwnTemplatesDo() throws Exception {
    assumeTrue(installed(), "Go is not installed");
    Files.writeString(folder.resolve("main.go"), PROGRAM);
    run(List.of("go", "build", "-o", "render", "main.go"), "");
    ObjectMapper json = new ObjectMapper();
    for (String name :
        List.of(
            "smollm2.jinja",
            "qwen25.jinja",
            "llama3.jinja",
            "zephyr.jinja",
            "mistral.jinja",
            "gemma2.jinja")) {
      String template = OllamaTemplate.of(ChatModels.encoding(name)).text();
      boolean led = !name.startsWith("gemma");
      for (List<ChatMessage> talk : List.of(led ? TALK : TALK.subList(1, 4), TALK.subList(1, 2))) {
        List<Map<String, String>> turns =
            talk.stream()
                .map(turn -> Map.of("Role", turn.role(), "Content", turn.content()))
                .toList();
        String input = json.writeValueAsString(Map.of("Template", template, "Messages", turns));
        String right =
            ChatTemplate.of(name, ChatModels.published(name))
                .render(talk, true, ChatModels.SPECIAL);

        assertThat(run(List.of(folder.resolve("render").toString()), input))
            .as(name)
            .isEqualTo(right)
            .isEqualTo(GoText.render(template, talk, ""));
      }
    }
    String gemma = OllamaTemplate.of(ChatModels.encoding("gemma2.jinja")).text();
    String input =
        json.writeValueAsString(
            Map.of(
                "Template", gemma, "Messages", List.of(Map.of("Role", "system", "Content", "x"))));
    assertThat(run(List.of(folder.resolve("render").toString()), input))
        .contains("error: ")
        .contains("this model was not trained with system messages");
  }
}
