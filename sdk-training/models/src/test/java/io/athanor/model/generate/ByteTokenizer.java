package io.athanor.model.generate;

import io.athanor.api.data.Tokenizer;
import java.io.ByteArrayOutputStream;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalInt;

/** A token for each byte of the text in UTF-8, one that begins a text, and one that ends it. */
final class ByteTokenizer implements Tokenizer {
  static final int END = 256;
  static final int BEGIN = 257;
  static final int SIZE = 258;

  @Override
  public int[] encode(String text, int maximumLength) {
    byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
    int[] ids = new int[bytes.length + 1];
    ids[0] = BEGIN;
    for (int i = 0; i < bytes.length; i++) {
      ids[i + 1] = bytes[i] & 255;
    }
    return ids;
  }

  @Override
  public List<Token> tokenize(String text) {
    List<Token> tokens = new ArrayList<>();
    for (byte b : text.getBytes(StandardCharsets.UTF_8)) {
      tokens.add(new Token(b & 255, 0, 0));
    }
    return tokens;
  }

  @Override
  public String decode(int[] ids) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    for (int id : ids) {
      if (id < 256) {
        bytes.write(id);
      }
    }
    return bytes.toString(StandardCharsets.UTF_8);
  }

  @Override
  public OptionalInt id(String token) {
    return OptionalInt.empty();
  }

  @Override
  public int vocabularySize() {
    return SIZE;
  }

  @Override
  public int paddingId() {
    return END;
  }

  @Override
  public String json() {
    return "{}";
  }
}
