package io.athanor.backend.dl4j;

import static io.athanor.eval.Metrics.accuracy;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.backend.Backends;
import io.athanor.api.common.Digest;
import io.athanor.api.data.Encoder;
import io.athanor.api.data.FeatureEncoding;
import io.athanor.api.data.TargetEncoder;
import io.athanor.api.model.ModelArtifact;
import io.athanor.api.training.Lora;
import io.athanor.data.Dataset;
import io.athanor.data.Split;
import io.athanor.data.source.Csv;
import io.athanor.pipeline.Pipeline;
import io.athanor.pipeline.Release;
import io.athanor.registry.ModelRegistry;
import io.athanor.training.Training;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.SplittableRandom;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.multilayer.MultiLayerNetwork;
import org.deeplearning4j.util.ModelSerializer;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.nd4j.linalg.learning.config.Adam;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/** A network that a DL4J program trained and saved, from its zip to a release and on. */
class ForeignNetworkTest {
  private static final FeatureEncoding ENCODING =
      new FeatureEncoding(
          List.of(new Encoder.Standardize("x", 0, 1), new Encoder.Standardize("y", 0, 1)),
          new TargetEncoder.Label("side", List.of("below", "above")),
          Optional.empty());

  @TempDir private Path home;

  private Split plane() throws IOException {
    StringBuilder csv = new StringBuilder("x,y,side\n");
    SplittableRandom random = new SplittableRandom(3);
    for (int i = 0; i < 300; i++) {
      double x = random.nextDouble(-1, 1);
      double y = random.nextDouble(-1, 1);
      csv.append(String.format(Locale.ROOT, "%.4f,%.4f,%s%n", x, y, x + y > 0 ? "above" : "below"));
    }
    Path file = Files.writeString(home.resolve("plane.csv"), csv);
    return Dataset.from(Csv.of(file)).number("x", "y").label("side").split(0.6, 0.1, 0.3).seed(7);
  }

  private static MultiLayerNetwork theirs() {
    MultiLayerNetwork network =
        new MultiLayerNetwork(
            new NeuralNetConfiguration.Builder()
                .seed(5)
                .updater(new Adam(0.02))
                .list(
                    new DenseLayer.Builder().nIn(2).nOut(8).activation(Activation.TANH).build(),
                    new OutputLayer.Builder(LossFunction.MCXENT)
                        .nIn(8)
                        .nOut(2)
                        .activation(Activation.SOFTMAX)
                        .build())
                .build());
    network.init();
    SplittableRandom random = new SplittableRandom(4);
    for (int step = 0; step < 40; step++) {
      float[][] rows = new float[32][2];
      float[][] labels = new float[32][2];
      for (int i = 0; i < rows.length; i++) {
        rows[i][0] = (float) random.nextDouble(-1, 1);
        rows[i][1] = (float) random.nextDouble(-1, 1);
        labels[i][rows[i][0] + rows[i][1] > 0 ? 1 : 0] = 1;
      }
      network.fit(Nd4j.createFromArray(rows), Nd4j.createFromArray(labels));
    }
    return network;
  }

  private static Backend open(String name) {
    return Backends.installed().named(name).open(BackendOptions.defaults().withThreads(1));
  }

  private static Training training(ModelArtifact model, Split data, Backend backend) {
    return Training.of(model, data).epochs(2).batchSize(16).learningRate(0.01).backend(backend);
  }

  @Test
  void itIsEvaluatedGatedRegisteredDeployedAndTrainedFurtherOnBothEngines() throws IOException {
    Split plane = plane();
    MultiLayerNetwork network = theirs();
    Path file = home.resolve("theirs.zip");
    ModelSerializer.writeModel(network, file.toFile(), true);
    try (Backend dl4j = open("dl4j");
        Backend djl = open("djl");
        ModelRegistry registry = ModelRegistry.open(home.resolve("models"))) {
      Pipeline pipeline = Pipeline.of(registry, "side").backend(dl4j).gate(accuracy().atLeast(0.8));

      Release release = pipeline.release(Dl4jNetwork.read(file, ENCODING), plane.test());

      assertThat(release).isInstanceOf(Release.Deployed.class);
      INDArray point = Nd4j.createFromArray(new float[][] {{0.4f, 0.3f}});
      try (var live = ((Release.Deployed) release).deployment()) {
        var prediction = live.predict(Map.of("x", 0.4, "y", 0.3));
        assertThat(prediction.label()).isEqualTo("above");
        assertThat(prediction.confidence())
            .isCloseTo(network.output(point).getDouble(0, 1), within(1e-5));
      }
      ModelArtifact registered = release.version().artifact();
      assertThat(registered.provenance().base()).isEqualTo(Optional.of(Digest.ofFile(file)));
      assertThat(registered.provenance().environment())
          .containsEntry("format", "DL4J MultiLayerNetwork")
          .containsEntry("iterations", "40")
          .containsEntry("updater", "Adam");
      for (Backend backend : List.of(dl4j, djl)) {
        ModelArtifact further =
            training(registered, plane.encodedBy(ENCODING), backend).start().await().model();
        ModelArtifact adapted =
            training(registered, plane.encodedBy(ENCODING), backend)
                .tuning(Lora.rank(1))
                .start()
                .await()
                .model();

        assertThat(further.weightsDigest()).isNotEqualTo(registered.weightsDigest());
        assertThat(further.provenance().base()).contains(registered.weightsDigest());
        assertThat(further.metrics().get("validation.loss")).isLessThan(0.4);
        assertThat(adapted.weights().tensors().keySet())
            .anyMatch(name -> name.startsWith("layers.0.lora"));
      }
    }
  }
}
