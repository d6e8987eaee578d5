package io.athanor.backend.dl4j;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.backend.BackendProvider;
import io.athanor.api.backend.Capability;
import io.athanor.api.backend.Support;
import java.util.Set;

/**
 * Announces the backend {@code dl4j}: ND4J's SameDiff. Nothing is downloaded; the native library
 * comes from the class path, {@code nd4j-native} for the processor or in its place {@code
 * nd4j-cuda-11.6} for NVIDIA GPUs of compute capability up to 8.6, which was not tried for lack of
 * such a GPU. ND4J has one number of threads for the whole JVM: that of the last backend opened
 * with one. Thread-safe.
 */
public final class Dl4jBackendProvider implements BackendProvider {
  static final String NAME = "dl4j";

  @Override
  public String name() {
    return NAME;
  }

  @Override
  public Support probe() {
    return Nd4jEngine.probe();
  }

  @Override
  public Set<Capability> capabilities() {
    return Nd4jEngine.hasCuda()
        ? Set.of(Capability.PREDICT, Capability.TRAIN, Capability.CUDA)
        : Set.of(Capability.PREDICT, Capability.TRAIN, Capability.DETERMINISTIC);
  }

  @Override
  public Backend open(BackendOptions options) {
    Nd4jEngine.probe(options.device()).require();
    if (!options.device().equals("cpu")) {
      CudaDevice.probe(options.device()).require();
    }
    Nd4jEngine.start(options);
    return new Dl4jBackend(options, capabilities());
  }
}
