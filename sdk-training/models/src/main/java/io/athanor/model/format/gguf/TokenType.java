package io.athanor.model.format.gguf;

/** What a token is for; the numbers are those of {@code tokenizer.ggml.token_type}. */
enum TokenType {
  NORMAL(1),
  UNKNOWN(2),
  CONTROL(3),
  USER_DEFINED(4),
  UNUSED(5),
  BYTE(6);

  private final long id;

  TokenType(long id) {
    this.id = id;
  }

  long id() {
    return id;
  }

  /** Type 0 and numbers of later versions count as normal. */
  static TokenType of(long id) {
    for (TokenType type : values()) {
      if (type.id == id) {
        return type;
      }
    }
    return NORMAL;
  }
}
