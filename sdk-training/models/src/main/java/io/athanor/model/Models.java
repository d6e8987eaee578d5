package io.athanor.model;

import io.athanor.model.arch.BagOfWords;
import io.athanor.model.arch.Cnn;
import io.athanor.model.arch.Mlp;
import io.athanor.model.arch.RecurrentText;
import io.athanor.model.arch.TextEncoder;

/**
 * The architectures with sensible settings. Each has fluent methods that give a changed copy:
 *
 * <pre>{@code Models.mlp(64, 64).dropout(0.1)}</pre>
 */
public final class Models {
  private Models() {}

  /**
   * A perceptron for numbers, categories and pictures.
   *
   * @param hidden sizes of the hidden layers; none gives a linear model
   */
  public static Mlp mlp(int... hidden) {
    return Mlp.of(hidden);
  }

  /**
   * A convolutional network for pictures.
   *
   * @param channels of each stage, which halves width and height; at least one
   */
  public static Cnn cnn(int... channels) {
    return Cnn.of(channels);
  }

  /**
   * A long short-term memory for text.
   *
   * @param hidden size of each layer's state; at least one
   */
  public static RecurrentText lstm(int... hidden) {
    return RecurrentText.of(RecurrentText.Cell.LSTM, hidden);
  }

  /**
   * A gated recurrent unit for text; smaller and faster than {@link #lstm}.
   *
   * @param hidden size of each layer's state; at least one
   */
  public static RecurrentText gru(int... hidden) {
    return RecurrentText.of(RecurrentText.Cell.GRU, hidden);
  }

  /** A transformer encoder for text: 2 layers of size 128 with 4 heads. */
  public static TextEncoder textClassifier() {
    return TextEncoder.defaults();
  }

  /** The averaged words of a text; trains in seconds and is hard to beat on topics and spam. */
  public static BagOfWords bagOfWords() {
    return BagOfWords.defaults();
  }
}
