package io.athanor.backend.dl4j;

import io.athanor.api.common.Digest;
import io.athanor.api.data.FeatureEncoding;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.NotFoundException;
import io.athanor.api.error.StorageException;
import io.athanor.api.error.UnsupportedException;
import io.athanor.api.error.ValidationException;
import io.athanor.api.model.ModelArtifact;
import io.athanor.api.model.Provenance;
import io.athanor.backend.dl4j.network.NetworkImport;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/**
 * Networks of DL4J, the files {@code .zip} that its {@code ModelSerializer} writes, as models of
 * this library.
 *
 * <p>A {@code MultiLayerNetwork} or {@code ComputationGraph} becomes a graph of the same
 * predictions, so that every backend evaluates, trains and serves it, every exporter writes it, and
 * adapters fit it. Reading needs no native library and runs nothing: classes that the file names
 * are compared with known names, and serialised Java objects in it are left alone.
 *
 * <p>Supported are
 *
 * <ul>
 *   <li>the layers dense, embedding of categories and of texts, LSTM without peepholes (tanh and
 *       sigmoid), convolution, max and mean pooling, zero padding, cropping, batch normalisation of
 *       rows and pictures, global pooling, last time step, activation, dropout; any of them frozen,
 *       but not batch normalisation;
 *   <li>the outputs output, RNN output and loss: softmax with MCXENT or negative log-likelihood for
 *       labels, one sigmoid with XENT for two labels, the first of which it finds false, and MSE or
 *       L2 for a number. An RNN output answers at the last step of a text;
 *   <li>the vertices merge, element-wise, subset, scale, L2 normalisation of rows, last time step,
 *       and the preprocessors between rows, pictures and time series.
 * </ul>
 *
 * <p>What belongs to the training and not to the network stays behind: optimizer and its state,
 * learning rates, regularisation, constraints, gradient clipping, truncated backpropagation; a plan
 * sets them anew. So does a normalizer, whose work the encoding does. Batch normalisation updates
 * its running variance as this library does, with the unbiased variance of a batch.
 *
 * <p>Thread-safe.
 *
 * @see <a href="https://deeplearning4j.konduit.ai">DL4J</a>
 */
public final class Dl4jNetwork {
  private Dl4jNetwork() {}

  /**
   * Takes in a network, to be evaluated, registered, deployed, and trained further like any other.
   *
   * <p>The encoding gives the network's inputs: one with the name of an input goes there, the
   * others in the encoding's order. A picture or a row of as many numbers fits a network of
   * flattened pictures, and texts one that begins with an embedding sequence. The provenance keeps
   * format, digests of file and configuration, and how long DL4J had trained it.
   *
   * @param encoding how rows become the network's inputs, and what its outputs mean
   * @throws FormatException if the file is not what {@code ModelSerializer} writes, or damaged
   * @throws UnsupportedException if the network has what no operation of the graph stands for;
   *     names the layer, and says what to do
   * @throws ValidationException if network and encoding do not fit together
   * @throws NotFoundException if there is no such file
   * @throws StorageException if it cannot be read
   */
  public static ModelArtifact read(Path zip, FeatureEncoding encoding) {
    NetworkImport network = NetworkImport.read(zip, encoding);
    try {
      Digest digest = Digest.ofFile(zip);
      Map<String, String> origin = new TreeMap<>(network.facts());
      origin.put("file", zip.toString());
      origin.put("sha256", digest.hex());
      return new ModelArtifact(
          NetworkImport.ARCHITECTURE,
          Map.of("sha256", digest.hex()),
          network.graph(),
          network.weights(),
          encoding,
          Map.of(),
          new Provenance(
              Files.getLastModifiedTime(zip).toInstant(),
              network.seed(),
              "{}",
              List.of(),
              Optional.of(digest),
              origin));
    } catch (IOException e) {
      throw new StorageException(zip.toString(), "cannot be read (" + e + ")", e);
    }
  }
}
