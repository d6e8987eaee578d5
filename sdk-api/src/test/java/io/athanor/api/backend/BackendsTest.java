package io.athanor.api.backend;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.athanor.api.error.NotFoundException;
import io.athanor.api.error.UnsupportedException;
import io.athanor.api.error.ValidationException;
import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class BackendsTest {
  private record Named(String name) implements BackendProvider {
    @Override
    public Support probe() {
      return new Support.Supported();
    }

    @Override
    public Set<Capability> capabilities() {
      return Set.of();
    }

    @Override
    public Backend open(BackendOptions options) {
      throw new UnsupportedException("this provider is only a name", "Do not open it");
    }
  }

  @Test
  void theOnlyOneIsChosen() {
    BackendProvider djl = new Named("djl");

    assertThat(Backends.of(djl).only()).isSameAs(djl);
    assertThat(Backends.of(djl).named("djl")).isSameAs(djl);
  }

  @Test
  void noneNamesTheArtifactToAdd() {
    assertThatThrownBy(() -> Backends.of().only())
        .isInstanceOf(NotFoundException.class)
        .hasMessage(
            "No backend on the class path; there is none. Add io.athanor:backend-djl (PyTorch) to"
                + " the class path, or pass a Backend instance");
  }

  @Test
  void severalWithoutAChoiceAreListed() {
    Backends two = Backends.of(new Named("djl"), new Named("alpha"));

    assertThatThrownBy(two::only)
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("several are on the class path: [alpha, djl]; choose one by name");
    assertThat(two.named("alpha").name()).isEqualTo("alpha");
  }

  @Test
  void anUnknownNameListsThoseThereAre() {
    assertThatThrownBy(() -> Backends.of(new Named("djl")).named("dl4j"))
        .isInstanceOf(NotFoundException.class)
        .hasMessageStartingWith("No backend 'dl4j'; there is djl. ");
  }

  @Test
  void twoOfOneNameAreAnError() {
    assertThatThrownBy(() -> Backends.of(new Named("djl"), new Named("djl")))
        .isInstanceOf(ValidationException.class)
        .hasMessageContaining("two backends are called 'djl'; remove one of the jars");
  }

  @Test
  void aProviderThatCannotBeLoadedIsReported(@TempDir Path folder) throws IOException {
    Path services = Files.createDirectories(folder.resolve("META-INF/services"));
    Files.writeString(services.resolve(BackendProvider.class.getName()), "no.such.Provider");
    Thread thread = Thread.currentThread();
    ClassLoader before = thread.getContextClassLoader();
    try (URLClassLoader loader = new URLClassLoader(new URL[] {folder.toUri().toURL()}, before)) {
      thread.setContextClassLoader(loader);
      assertThatThrownBy(Backends::installed)
          .isInstanceOf(ValidationException.class)
          .hasMessageContaining("a backend's jar is damaged or of another version")
          .hasMessageContaining("no.such.Provider");
    } finally {
      thread.setContextClassLoader(before);
    }
  }

  @Test
  void whatIsUnsupportedSaysWhyAndWhatToDo() {
    Support no = new Support.Unsupported("no GPU is present", "Use device cpu");

    assertThatThrownBy(no::require)
        .isInstanceOf(UnsupportedException.class)
        .hasMessage("Unsupported: no GPU is present. Use device cpu");
    new Support.Supported().require();
  }

  @Test
  void optionsOutOfRangeAreNamed() {
    assertThatThrownBy(() -> BackendOptions.defaults().withDevice("gpu"))
        .hasMessage("device must be cpu or cuda:N, got 'gpu'");
    assertThat(BackendOptions.defaults().withDevice("cuda").device()).isEqualTo("cuda:0");
    assertThat(BackendOptions.defaults().withDevice("cuda:1").device()).isEqualTo("cuda:1");
    assertThatThrownBy(() -> BackendOptions.defaults().withThreads(-1))
        .hasMessage("threads must be at least 0, got -1");
    assertThatThrownBy(() -> new StepSettings(Double.NaN, 0))
        .hasMessage("learningRate must be at least 0, got NaN");
    assertThatThrownBy(() -> new Optimizer.Adam(1, 0.9, 1e-8))
        .hasMessage("beta1 must be in [0, 1), got 1.0");
  }
}
