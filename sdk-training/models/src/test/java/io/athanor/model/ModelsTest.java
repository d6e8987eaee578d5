package io.athanor.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.athanor.api.data.Feature;
import io.athanor.api.data.Signature;
import io.athanor.api.data.Task;
import io.athanor.api.error.ValidationException;
import io.athanor.api.graph.ElementOp;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.GraphJson;
import io.athanor.api.graph.Input;
import io.athanor.api.graph.Parameter;
import io.athanor.api.graph.SequenceOp.SequencePool;
import io.athanor.api.model.Architecture;
import io.athanor.model.arch.TextEncoder;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class ModelsTest {
  private static final Feature.Vector NUMBERS = new Feature.Vector("features", 10);
  private static final Feature.Tokens BODY = new Feature.Tokens("body", 1000, 64);
  private static final Feature.Image DIGIT = new Feature.Image("digit", 1, 8, 8);

  private static Signature classify(int labels, Feature... features) {
    List<String> names = IntStream.range(0, labels).mapToObj(i -> "l" + i).toList();
    return new Signature(List.of(features), new Task.Classification("label", names));
  }

  private static Signature regress(Feature... features) {
    return new Signature(List.of(features), new Task.Regression("price"));
  }

  private static List<String> parameterNames(Graph graph) {
    return graph.parameters().stream().map(Parameter::name).toList();
  }

  private static String output(Graph graph) {
    return graph.type(graph.outputs().get(Signature.OUTPUT)).toString();
  }

  @Test
  void aPerceptronHasALayerForEachSize() {
    Graph graph = Models.mlp(64, 32).graph(classify(3, NUMBERS));

    assertThat(parameterNames(graph))
        .containsExactly(
            "layers.0.weight",
            "layers.0.bias",
            "layers.1.weight",
            "layers.1.bias",
            "classifier.weight",
            "classifier.bias");
    assertThat(graph.parameterCount()).isEqualTo((10 * 64 + 64) + (64 * 32 + 32) + (32 * 3 + 3));
    assertThat(output(graph)).isEqualTo("F32[batch, 3]");
    assertThat(graph.inputs()).extracting(Input::name).containsExactly("features", "target");
    assertThat(graph.type("target")).hasToString("I64[batch]");
  }

  @Test
  void aPerceptronWithoutHiddenLayersIsLinear() {
    Graph graph = Models.mlp().graph(regress(NUMBERS));

    assertThat(graph.parameterCount()).isEqualTo(11);
    assertThat(output(graph)).isEqualTo("F32[batch, 1]");
    assertThat(graph.type("target")).hasToString("F32[batch, 1]");
  }

  @Test
  void aPerceptronTakesPicturesBesideNumbers() {
    Graph graph = Models.mlp(5).graph(classify(2, NUMBERS, DIGIT));

    assertThat(graph.parameter("layers.0.weight").shape()).hasToString("[5, 74]");
  }

  @Test
  void aConvolutionalNetworkHalvesThePictureAtEachStage() {
    Graph graph = Models.cnn(16, 32).graph(classify(10, DIGIT));

    assertThat(parameterNames(graph))
        .startsWith(
            "conv1.weight",
            "conv1.bias",
            "bn1.weight",
            "bn1.bias",
            "bn1.running_mean",
            "bn1.running_var",
            "conv2.weight");
    assertThat(graph.parameterCount())
        .isEqualTo((9 * 16 + 16) + 4 * 16 + (9 * 16 * 32 + 32) + 4 * 32 + (32 * 2 * 2 * 10 + 10));
    assertThat(output(graph)).isEqualTo("F32[batch, 10]");
    assertThat(
            Models.cnn(16, 32)
                .globalPooling()
                .graph(classify(10, DIGIT))
                .parameter("classifier.weight")
                .shape())
        .hasToString("[10, 32]");
  }

  @Test
  void recurrentLayersBearPyTorchsNames() {
    Feature.Tokens text = new Feature.Tokens("t", 50, 20);
    Graph lstm = Models.lstm(8).embeddingSize(4).graph(classify(2, text));
    Graph gru = Models.gru(8, 6).embeddingSize(4).graph(classify(2, text));

    assertThat(lstm.parameterCount()).isEqualTo(50 * 4 + 4 * (8 * 4 + 8 * 8 + 8 + 8) + (8 * 2 + 2));
    assertThat(gru.parameterCount())
        .isEqualTo(
            50 * 4 + 3 * (8 * 4 + 8 * 8 + 8 + 8) + 3 * (6 * 8 + 6 * 6 + 6 + 6) + (6 * 2 + 2));
    assertThat(parameterNames(gru))
        .containsExactly(
            "embedding.weight",
            "gru.weight_ih_l0",
            "gru.weight_hh_l0",
            "gru.bias_ih_l0",
            "gru.bias_hh_l0",
            "gru.weight_ih_l1",
            "gru.weight_hh_l1",
            "gru.bias_ih_l1",
            "gru.bias_hh_l1",
            "classifier.weight",
            "classifier.bias");
    assertThat(lstm.inputs()).extracting(Input::name).containsExactly("t", "t.mask", "target");
  }

  @Test
  void theTextEncoderHasBertsSizesAndNames() {
    long linear = 128 * 128 + 128;
    long layer = 4 * linear + (128 * 512 + 512) + (512 * 128 + 128) + 2 * (2 * 128);
    long expected = 1000 * 128 + 64 * 128 + 2 * layer + 2 * 128 + (128 * 2 + 2);

    Graph pre = Models.textClassifier().graph(classify(2, BODY));
    Graph post = Models.textClassifier().norm(TextEncoder.Norm.POST).graph(classify(2, BODY));
    Graph rotary =
        Models.textClassifier().positions(TextEncoder.Positions.ROTARY).graph(classify(2, BODY));

    assertThat(pre.parameterCount()).isEqualTo(expected);
    assertThat(post.parameterCount()).isEqualTo(expected);
    assertThat(rotary.parameterCount()).isEqualTo(expected - 64 * 128);
    assertThat(parameterNames(post).subList(0, 20))
        .containsExactly(
            "embeddings.word_embeddings.weight",
            "embeddings.position_embeddings.weight",
            "embeddings.LayerNorm.weight",
            "embeddings.LayerNorm.bias",
            "encoder.layer.0.attention.self.query.weight",
            "encoder.layer.0.attention.self.query.bias",
            "encoder.layer.0.attention.self.key.weight",
            "encoder.layer.0.attention.self.key.bias",
            "encoder.layer.0.attention.self.value.weight",
            "encoder.layer.0.attention.self.value.bias",
            "encoder.layer.0.attention.output.dense.weight",
            "encoder.layer.0.attention.output.dense.bias",
            "encoder.layer.0.attention.output.LayerNorm.weight",
            "encoder.layer.0.attention.output.LayerNorm.bias",
            "encoder.layer.0.intermediate.dense.weight",
            "encoder.layer.0.intermediate.dense.bias",
            "encoder.layer.0.output.dense.weight",
            "encoder.layer.0.output.dense.bias",
            "encoder.layer.0.output.LayerNorm.weight",
            "encoder.layer.0.output.LayerNorm.bias");
    assertThat(parameterNames(pre))
        .contains("encoder.layer.1.layernorm_before.weight", "layernorm.bias");
  }

  @Test
  void aBagOfWordsIsAnEmbeddingAndAHiddenLayer() {
    Graph graph = Models.bagOfWords().graph(classify(2, BODY));

    assertThat(graph.parameterCount()).isEqualTo(1000 * 64 + (128 * 64 + 64) + (64 * 2 + 2));
    assertThat(output(graph)).isEqualTo("F32[batch, 2]");
  }

  @Test
  void numbersBesideTextOrPictureJoinTheLastLayers() {
    assertThat(Models.lstm(8).graph(classify(2, NUMBERS, BODY)).parameter("classifier.weight"))
        .extracting(p -> p.shape().toString())
        .isEqualTo("[2, 18]");
    assertThat(
            Models.textClassifier()
                .graph(classify(2, BODY, NUMBERS))
                .parameter("classifier.weight"))
        .extracting(p -> p.shape().toString())
        .isEqualTo("[2, 138]");
    assertThat(Models.bagOfWords().graph(classify(2, BODY, NUMBERS)).parameter("dense.weight"))
        .extracting(p -> p.shape().toString())
        .isEqualTo("[64, 138]");
    assertThat(Models.cnn(4).graph(regress(DIGIT, NUMBERS)).parameter("classifier.weight"))
        .extracting(p -> p.shape().toString())
        .isEqualTo("[1, 74]");
  }

  @Test
  void dataThatDoesNotFitSaysWhatIsNeededAndWhatCame() {
    Feature.Tokens subject = new Feature.Tokens("subject", 1000, 64);

    refused(
        Models.cnn(8),
        classify(2, BODY),
        "Invalid data for cnn: cnn needs one picture column, got text 'body'");
    refused(
        Models.mlp(8),
        classify(2, NUMBERS, BODY),
        "Invalid data for mlp: mlp needs numbers, categories or pictures (text needs a text model),"
            + " got 10 numbers or categories, text 'body'");
    refused(
        Models.lstm(8),
        classify(2, NUMBERS),
        "Invalid data for lstm: lstm needs one text column, got 10 numbers or categories");
    refused(
        Models.textClassifier(),
        classify(2, BODY, subject),
        "Invalid data for text-encoder: text-encoder needs one text column, got text 'body', text"
            + " 'subject'");
    refused(
        Models.bagOfWords(),
        classify(2, BODY, DIGIT),
        "Invalid data for bag-of-words: bag-of-words needs one text column, got text 'body', picture"
            + " 'digit'");
    refused(
        Models.cnn(8, 8, 8, 8),
        classify(2, DIGIT),
        "Invalid data for cnn: cnn needs a picture of at least 16 pixels a side for 4 stages that"
            + " halve it (it has 8), got picture 'digit'");
    refused(
        Models.textClassifier().heads(5),
        classify(2, BODY),
        "Invalid text encoder: heads must divide size, got 5 and 128");
    refused(
        Models.textClassifier().size(6).heads(2).positions(TextEncoder.Positions.ROTARY),
        classify(2, BODY),
        "Invalid text encoder: rotary positions need an even size of a head, got 3");
  }

  private static void refused(Architecture model, Signature signature, String message) {
    assertThatThrownBy(() -> model.graph(signature))
        .isInstanceOf(ValidationException.class)
        .hasMessage(message);
  }

  @Test
  void settingsOutOfRangeAreNamed() {
    assertThatThrownBy(() -> Models.mlp(8, 0)).hasMessage("hidden must be at least 1, got 0");
    assertThatThrownBy(() -> Models.cnn()).hasMessage("channels must have at least 1 size");
    assertThatThrownBy(() -> Models.lstm()).hasMessage("hidden must have at least 1 size");
    assertThatThrownBy(() -> Models.bagOfWords().dropout(1))
        .hasMessage("dropout must be in [0, 1), got 1.0");
    assertThatThrownBy(() -> Models.textClassifier().layers(0))
        .hasMessage("layers must be at least 1, got 0");
  }

  @Test
  void everySettingIsInTheConfiguration() {
    assertThat(Models.mlp(8).activation(ElementOp.Activation.Kind.SILU).dropout(0.5).config())
        .containsEntry("hidden", List.of(8))
        .containsEntry("activation", "silu")
        .containsEntry("dropout", 0.5)
        .hasSize(3);
    assertThat(Models.cnn(8).globalPooling().config()).containsEntry("globalPooling", true);
    assertThat(Models.gru(8).pooling(SequencePool.Kind.LAST).config())
        .containsEntry("pooling", "last");
    assertThat(Models.bagOfWords().hidden(7).embeddingSize(9).config())
        .containsEntry("hidden", 7)
        .containsEntry("embeddingSize", 9);
    assertThat(Models.textClassifier().layers(3).size(64).heads(8).config())
        .containsEntry("layers", 3)
        .containsEntry("size", 64)
        .containsEntry("heads", 8)
        .containsEntry("feedForward", 256)
        .containsEntry("norm", "pre")
        .containsEntry("positions", "learned")
        .hasSize(7);
  }

  @Test
  void everyArchitecturesGraphComesBackFromJson() {
    List<Graph> graphs =
        List.of(
            Models.mlp(8).dropout(0.1).graph(regress(NUMBERS)),
            Models.cnn(8).dropout(0.1).graph(classify(3, DIGIT)),
            Models.lstm(8).graph(classify(3, BODY)),
            Models.gru(8).graph(classify(3, BODY)),
            Models.bagOfWords().graph(classify(3, BODY)),
            Models.textClassifier().graph(classify(3, BODY)));
    for (Graph graph : graphs) {
      assertThat(GraphJson.read(graph.name(), GraphJson.write(graph).toString())).isEqualTo(graph);
    }
  }
}
