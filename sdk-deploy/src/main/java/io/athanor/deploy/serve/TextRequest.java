package io.athanor.deploy.serve;

import io.athanor.model.generate.GenerationSettings;
import io.athanor.model.text.ChatMessage;
import java.util.List;
import java.util.Optional;

/**
 * What a language model is asked. Immutable; each method gives a changed copy.
 *
 * <pre>{@code
 * TextRequest.chat(ChatMessage.user("Who are you?")).settings(settings).adapter("polite:2")
 * }</pre>
 */
public final class TextRequest {
  private final String prompt;
  private final List<ChatMessage> messages;
  private final GenerationSettings settings;
  private final Optional<String> adapter;

  private TextRequest(
      String prompt,
      List<ChatMessage> messages,
      GenerationSettings settings,
      Optional<String> adapter) {
    this.prompt = prompt;
    this.messages = messages;
    this.settings = settings;
    this.adapter = adapter;
  }

  /**
   * A text to continue.
   *
   * @throws IllegalArgumentException if it is empty
   */
  public static TextRequest of(String prompt) {
    if (prompt.isEmpty()) {
      throw new IllegalArgumentException("prompt must not be empty");
    }
    return new TextRequest(prompt, List.of(), GenerationSettings.greedy(), Optional.empty());
  }

  /** A conversation to answer. */
  public static TextRequest chat(ChatMessage... messages) {
    return chat(List.of(messages));
  }

  /**
   * A conversation to answer.
   *
   * @throws IllegalArgumentException if it has no message
   */
  public static TextRequest chat(List<ChatMessage> messages) {
    if (messages.isEmpty()) {
      throw new IllegalArgumentException("messages must have at least one");
    }
    return new TextRequest(
        "", List.copyOf(messages), GenerationSettings.greedy(), Optional.empty());
  }

  /** How tokens are chosen; {@link GenerationSettings#greedy} unless set. */
  public TextRequest settings(GenerationSettings how) {
    return new TextRequest(prompt, messages, how, adapter);
  }

  /**
   * Which adapter answers; the base model unless set.
   *
   * @param name as {@link TextDeployment#adapters} lists it
   */
  public TextRequest adapter(String name) {
    return new TextRequest(prompt, messages, settings, Optional.of(name));
  }

  /** The text to continue; empty for a conversation. */
  public String prompt() {
    return prompt;
  }

  /** The conversation to answer; empty for a text. */
  public List<ChatMessage> messages() {
    return messages;
  }

  /** How tokens are chosen. */
  public GenerationSettings settings() {
    return settings;
  }

  /** Which adapter answers; absent for the base model. */
  public Optional<String> adapter() {
    return adapter;
  }
}
