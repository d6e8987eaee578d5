package io.athanor.backend.dl4j;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.athanor.api.data.FeatureEncoding;
import io.athanor.api.error.AthanorException;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.NotFoundException;
import io.athanor.api.error.UnsupportedException;
import io.athanor.api.error.ValidationException;
import io.athanor.api.model.ModelArtifact;
import java.io.ByteArrayOutputStream;
import java.io.DataOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.ObjectOutputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.function.UnaryOperator;
import java.util.zip.ZipEntry;
import java.util.zip.ZipFile;
import java.util.zip.ZipOutputStream;
import org.deeplearning4j.nn.conf.NeuralNetConfiguration;
import org.deeplearning4j.nn.conf.inputs.InputType;
import org.deeplearning4j.nn.conf.layers.BatchNormalization;
import org.deeplearning4j.nn.conf.layers.ConvolutionLayer;
import org.deeplearning4j.nn.conf.layers.DenseLayer;
import org.deeplearning4j.nn.conf.layers.OutputLayer;
import org.deeplearning4j.nn.conf.layers.SubsamplingLayer;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.nd4j.linalg.activations.Activation;
import org.nd4j.linalg.lossfunctions.LossFunctions.LossFunction;

/** Files that are broken, lie, or mean harm give an error that says so, and run nothing. */
class DamagedNetworkTest {
  private static final String JSON = "configuration.json";
  private static final String NUMBERS = "coefficients.bin";
  private static final FeatureEncoding ENCODING =
      SavedNetwork.pictures(3, 6, 6, SavedNetwork.labels(3));

  @TempDir Path folder;
  private Path file;

  @BeforeEach
  void save() throws IOException {
    file =
        SavedNetwork.save(
            folder,
            SavedNetwork.of(
                new NeuralNetConfiguration.Builder()
                    .dropOut(0.9)
                    .list()
                    .layer(new ConvolutionLayer.Builder(3, 3).nOut(2).build())
                    .layer(new SubsamplingLayer.Builder().kernelSize(2, 2).stride(2, 2).build())
                    .layer(new BatchNormalization())
                    .layer(new DenseLayer.Builder().nOut(4).activation(Activation.ELU).build())
                    .layer(
                        new OutputLayer.Builder(LossFunction.MCXENT)
                            .nOut(3)
                            .activation(Activation.SOFTMAX)
                            .build())
                    .setInputType(InputType.convolutional(6, 6, 3))
                    .build()));
  }

  private Map<String, byte[]> entries() throws IOException {
    Map<String, byte[]> entries = new LinkedHashMap<>();
    try (ZipFile zip = new ZipFile(file.toFile())) {
      for (ZipEntry entry : Collections.list(zip.entries())) {
        try (InputStream in = zip.getInputStream(entry)) {
          entries.put(entry.getName(), in.readAllBytes());
        }
      }
    }
    return entries;
  }

  private void write(Map<String, byte[]> entries) throws IOException {
    try (ZipOutputStream zip = new ZipOutputStream(Files.newOutputStream(file))) {
      for (Map.Entry<String, byte[]> entry : entries.entrySet()) {
        zip.putNextEntry(new ZipEntry(entry.getKey()));
        zip.write(entry.getValue());
      }
    }
  }

  private void change(String entry, UnaryOperator<byte[]> change) throws IOException {
    Map<String, byte[]> entries = entries();
    entries.compute(entry, (name, bytes) -> change.apply(bytes));
    write(entries);
  }

  private void replace(String text, String other) throws IOException {
    change(
        JSON,
        bytes -> {
          String json = new String(bytes, StandardCharsets.UTF_8);
          assertThat(json).contains(text);
          return json.replace(text, other).getBytes(StandardCharsets.UTF_8);
        });
  }

  private void refused(Class<? extends AthanorException> type, String... message) {
    assertThatThrownBy(() -> Dl4jNetwork.read(file, ENCODING))
        .isInstanceOf(type)
        .hasMessageContaining(file.toString())
        .hasMessageContainingAll(message);
  }

  @Test
  void theFileOfTheseTestsIsFine() {
    assertThat(Dl4jNetwork.read(file, ENCODING).graph().parameters()).hasSize(10);
  }

  @Test
  void aMissingFileIsNamed() {
    file = folder.resolve("elsewhere.zip");
    refused(NotFoundException.class, "Check the path");
    file = folder;
    refused(NotFoundException.class, "Check the path");
  }

  @Test
  void anotherFileIsNoZip() throws IOException {
    Files.writeString(file, "hello");
    refused(FormatException.class, "expected the zip that ModelSerializer.writeModel writes");
  }

  @Test
  void aFileCutOffIsNoZip() throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    Files.write(file, Arrays.copyOf(bytes, bytes.length - 30));
    refused(FormatException.class, "save or copy the network again");
  }

  @Test
  void aZipOfSomethingElseSaysWhatIsInIt() throws IOException {
    write(Map.of("weights.npz", new byte[10]));
    refused(FormatException.class, "configuration.json", "got [weights.npz]");
  }

  @Test
  void aNetworkWithoutParametersIsRefused() throws IOException {
    change(NUMBERS, bytes -> null);
    refused(FormatException.class, "coefficients.bin", "got [configuration.json");
  }

  @Test
  void aConfigurationThatIsNoJsonIsRefused() throws IOException {
    change(JSON, bytes -> Arrays.copyOf(bytes, bytes.length / 2));
    refused(FormatException.class, "not JSON");
  }

  @Test
  void aConfigurationOfSomethingElseIsRefused() throws IOException {
    change(JSON, bytes -> "{\"model\": 1}".getBytes(StandardCharsets.UTF_8));
    refused(FormatException.class, "not that of a MultiLayerNetwork or ComputationGraph");
  }

  @Test
  void deepNestingIsRefused() throws IOException {
    change(JSON, bytes -> "[".repeat(1_000_000).getBytes(StandardCharsets.UTF_8));
    refused(FormatException.class, "not JSON");
  }

  @Test
  void aConfigurationThatInflatesIsRefused() throws IOException {
    change(JSON, bytes -> new byte[20 << 20]);
    refused(FormatException.class, "more than 16777216 bytes");
  }

  @Test
  void coefficientsThatInflateAreRefused() throws IOException {
    change(NUMBERS, bytes -> header(20L << 20, (20 << 20) * 4));
    refused(FormatException.class, "no trained network is that compressible");
  }

  @Test
  void aLengthThatLiesAllocatesNothing() throws IOException {
    change(NUMBERS, bytes -> header(1L << 40, 100));
    refused(FormatException.class, "no trained network is that compressible");
    change(NUMBERS, bytes -> header(-5, 100));
    refused(FormatException.class, "got a length of -5");
  }

  /** A vector's shape, then its declared length, then so many zero bytes. */
  private static byte[] header(long length, int bytes) {
    ByteArrayOutputStream all = new ByteArrayOutputStream();
    try (DataOutputStream out = new DataOutputStream(all)) {
      out.writeUTF("MIXED_DATA_TYPES");
      out.writeLong(1);
      out.writeUTF("LONG");
      out.writeLong(1);
      out.writeUTF("MIXED_DATA_TYPES");
      out.writeLong(length);
      out.writeUTF("FLOAT");
      out.write(new byte[bytes]);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return all.toByteArray();
  }

  @ParameterizedTest
  @CsvSource({"1", "19", "60", "200", "450"})
  void coefficientsCutOffAreRefused(int kept) throws IOException {
    change(NUMBERS, bytes -> Arrays.copyOf(bytes, kept));
    refused(FormatException.class, "cut off");
  }

  @Test
  void coefficientsOfAnotherNetworkAreRefused() throws IOException {
    replace("\"hasBias\" : true", "\"hasBias\" : false");
    refused(
        FormatException.class,
        "the configuration has 106 parameters, the coefficients 115",
        "not of one network");
    replace("\"nout\" : 3", "\"nout\" : 2000000");
    refused(FormatException.class, "the configuration gives layer 4", "not of one network");
  }

  @Test
  void classesAreNeverLoaded() throws IOException {
    replace("org.nd4j.linalg.activations.impl.ActivationELU", "com.sun.rowset.JdbcRowSetImpl");
    refused(
        UnsupportedException.class,
        "layer 3 is of a class that is not DL4J's, string \"com.sun.rowset.JdbcRowSetImpl\"");
  }

  @Test
  void serialisedObjectsAreLeftAlone() throws IOException {
    Map<String, byte[]> entries = entries();
    ByteArrayOutputStream object = new ByteArrayOutputStream();
    try (ObjectOutputStream out = new ObjectOutputStream(object)) {
      out.writeObject(new Trap());
    }
    entries.put("normalizer.bin", object.toByteArray());
    entries.put("preprocessor.bin", object.toByteArray());
    write(entries);

    ModelArtifact model = Dl4jNetwork.read(file, ENCODING);

    assertThat(model.provenance().environment())
        .containsEntry("normalizer", "in the file, not read");
    assertThat(Trap.woken).isFalse();
  }

  private static final class Trap implements java.io.Serializable {
    private static final long serialVersionUID = 1L;
    static boolean woken;

    private void readObject(java.io.ObjectInputStream in) {
      woken = true;
    }
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "\"stride\" : [ 1, 1 ]|\"stride\" : [ 0, 0 ]|'stride' must be at least 1",
        "\"stride\" : [ 1, 1 ]|\"stride\" : [ 1 ]|'stride' must be 2 whole numbers",
        "\"padding\" : [ 0, 0 ]|\"padding\" : [ 900000, 0 ]|padding must be at most 1024",
        "\"p\" : 0.9|\"p\" : 7|'p' must be above 0 and at most 1",
        "\"decay\" : 0.9|\"decay\" : 1|'decay' in [0, 1)",
        "\"nin\" : 3|\"nin\" : -3|'nin' must be at least 1",
        "\"nin\" : 3|\"nin\" : \"many\"|'nin' must be a 32-bit integer",
        "\"inputHeight\" : 2|\"inputHeight\" : 9|it takes pictures of"
      })
  void settingsThatMakeNoSenseAreRefused(String text, String other, String message)
      throws IOException {
    replace(text, other);
    refused(FormatException.class, message);
  }

  @Test
  void anEncodingThatDoesNotFitIsNamed() {
    assertThatExceptionOfType(ValidationException.class)
        .isThrownBy(
            () -> Dl4jNetwork.read(file, SavedNetwork.pictures(3, 6, 6, SavedNetwork.labels(4))))
        .withMessageContaining("the network gives 3 scores, the encoding has 4 labels");
    assertThatExceptionOfType(UnsupportedException.class)
        .isThrownBy(
            () -> Dl4jNetwork.read(file, SavedNetwork.pictures(3, 6, 6, SavedNetwork.number())))
        .withMessageContaining("an output with LossMCXENT for a number");
    assertThatExceptionOfType(FormatException.class)
        .isThrownBy(() -> Dl4jNetwork.read(file, SavedNetwork.rows(5, SavedNetwork.labels(3))))
        .withMessageContaining(
            "it needs pictures [batch, channels, height, width], got F32[batch, 5]");
  }

  /** Whatever a byte or a word becomes, there is a model or an error of ours. */
  @Test
  void noChangeGivesAnErrorThatIsNotOurs() throws IOException {
    Map<String, byte[]> good = entries();
    String json = new String(good.get(JSON), StandardCharsets.UTF_8);
    List<String> words = List.of("-1", "0", "99999999999", "1e300", "null", "[]", "{}", "\"x\"");
    SplittableRandom random = new SplittableRandom(8);
    int refused = 0;
    for (int i = 0; i < 400; i++) {
      Map<String, byte[]> bad = new LinkedHashMap<>(good);
      if (i % 4 == 0) {
        byte[] numbers = good.get(NUMBERS).clone();
        numbers[random.nextInt(120)] = (byte) random.nextInt();
        bad.put(NUMBERS, numbers);
      } else {
        String[] lines = json.split("\n");
        int line = random.nextInt(lines.length);
        lines[line] =
            lines[line].replaceAll(
                ": [^,{]+", ": " + words.get(random.nextInt(words.size())).replace("$", ""));
        bad.put(JSON, String.join("\n", lines).getBytes(StandardCharsets.UTF_8));
      }
      write(bad);
      try {
        Dl4jNetwork.read(file, ENCODING);
      } catch (AthanorException e) {
        refused++;
        assertThat(e.getMessage()).isNotBlank();
      }
    }
    assertThat(refused).isBetween(80, 380);
  }

  @Test
  void damagedBytesAreRefused() throws IOException {
    byte[] bytes = Files.readAllBytes(file);
    SplittableRandom random = new SplittableRandom(9);
    int refused = 0;
    for (int i = 0; i < 200; i++) {
      byte[] bad = bytes.clone();
      bad[random.nextInt(bad.length)] ^= (byte) (1 + random.nextInt(255));
      try (OutputStream out = Files.newOutputStream(file)) {
        out.write(bad);
      }
      try {
        Dl4jNetwork.read(file, ENCODING);
      } catch (AthanorException e) {
        refused++;
      }
    }
    assertThat(refused).isGreaterThan(100);
  }
}
