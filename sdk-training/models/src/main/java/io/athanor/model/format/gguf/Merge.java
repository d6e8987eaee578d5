package io.athanor.model.format.gguf;

/** Two tokens that byte-pair encoding joins. */
record Merge(String left, String right) {
  String joined() {
    return left + right;
  }
}
