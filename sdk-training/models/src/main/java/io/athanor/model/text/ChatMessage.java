package io.athanor.model.text;

/**
 * One turn of a conversation.
 *
 * @param role who speaks; most templates know {@code system}, {@code user} and {@code assistant}
 */
public record ChatMessage(String role, String content) {
  /** The role of the turns that a model writes. */
  public static final String ASSISTANT = "assistant";

  /**
   * @throws IllegalArgumentException if the role is blank
   */
  public ChatMessage {
    if (role.isBlank()) {
      throw new IllegalArgumentException("role must not be blank");
    }
  }

  /** What the model shall be like. */
  public static ChatMessage system(String content) {
    return new ChatMessage("system", content);
  }

  /** What a person says. */
  public static ChatMessage user(String content) {
    return new ChatMessage("user", content);
  }

  /** What the model answers. */
  public static ChatMessage assistant(String content) {
    return new ChatMessage(ASSISTANT, content);
  }
}
