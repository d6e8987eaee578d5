package io.athanor.tck;

import static org.assertj.core.api.Assertions.assertThat;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.backend.BackendProvider;
import io.athanor.api.backend.Support;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;

/**
 * What every backend must do. Extend it in a test and name the provider; the tests of what the
 * backend does not claim are skipped. One backend is opened for all tests of the class, which run
 * one after the other.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
public abstract class BackendContract
    implements OperationContract,
        PredictionContract,
        TrainingContract,
        DropoutContract,
        StateContract,
        DecoderContract,
        RejectionContract,
        QuantizationContract {
  private @Nullable Backend backend;

  /** The provider of the backend under test. */
  protected abstract BackendProvider provider();

  /**
   * How to open it: on the device that the system property {@code athanor.device} or else the
   * environment variable {@code ATHANOR_DEVICE} names, by default on the processor.
   */
  protected BackendOptions options() {
    String device = System.getProperty("athanor.device", System.getenv("ATHANOR_DEVICE"));
    return device == null
        ? BackendOptions.defaults()
        : BackendOptions.defaults().withDevice(device);
  }

  @BeforeAll
  final void open() {
    backend = another();
  }

  @AfterAll
  final void close() {
    backend().close();
  }

  @Override
  public final Backend backend() {
    if (backend == null) {
      throw new IllegalStateException("The backend is opened before the first test");
    }
    return backend;
  }

  @Override
  public final Backend another() {
    return provider().open(options());
  }

  @Test
  void providerAndBackendSayTheSameOfThemselves() {
    assertThat(provider().name()).matches("[a-z][a-z0-9-]*");
    assertThat(provider().probe()).isEqualTo(new Support.Supported());
    assertThat(backend().name()).isEqualTo(provider().name());
    assertThat(provider().capabilities()).containsAll(backend().capabilities());
    assertThat(backend().identity()).isNotEmpty().doesNotContainValue("");
  }
}
