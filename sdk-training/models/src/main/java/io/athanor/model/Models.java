package io.athanor.model;

import io.athanor.model.arch.BagOfWords;
import io.athanor.model.arch.Cnn;
import io.athanor.model.arch.Llama;
import io.athanor.model.arch.Mlp;
import io.athanor.model.arch.Pretrained;
import io.athanor.model.arch.RecurrentText;
import io.athanor.model.arch.TextEncoder;
import io.athanor.model.format.HuggingFaceFolder;
import io.athanor.model.format.PretrainedModel;
import java.nio.file.Path;

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

  /**
   * A new Llama with random weights, to be trained from the beginning.
   *
   * @param layers at least 1
   * @param size of a position's vector; a multiple of twice the heads
   * @param heads of queries
   * @param keyHeads of keys and values; divides heads
   * @param feedForward inner size of the feed-forward network
   */
  public static Llama llama(int layers, int size, int heads, int keyHeads, int feedForward) {
    return Llama.sized(layers, size, heads, keyHeads, feedForward);
  }

  /**
   * A published model to be trained further or used, from a folder as Hugging Face has them: {@code
   * config.json}, {@code model.safetensors} in one file or several, {@code tokenizer.json}.
   * Families: Llama, Mistral, Qwen 2, Qwen 2.5, Qwen 3, Gemma, Gemma 2, GPT-2, BERT, RoBERTa,
   * DistilBERT.
   *
   * @throws io.athanor.api.error.NotFoundException if a file is missing
   * @throws io.athanor.api.error.FormatException if a file is not what it should be
   * @throws io.athanor.api.error.UnsupportedException if it is of another family, or asks for
   *     mathematics that is not here
   */
  public static Pretrained huggingFace(Path folder) {
    return pretrained(HuggingFaceFolder.read(folder));
  }

  /** A published model that a reader of {@code io.athanor.model.format} gave. */
  public static Pretrained pretrained(PretrainedModel model) {
    return Pretrained.of(model);
  }
}
