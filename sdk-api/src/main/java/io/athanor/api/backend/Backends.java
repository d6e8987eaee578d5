package io.athanor.api.backend;

import io.athanor.api.error.NotFoundException;
import io.athanor.api.error.ValidationException;
import java.util.ArrayList;
import java.util.List;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import java.util.TreeMap;

/**
 * Finds backends. The order of the class path never decides: several without a choice are an error.
 * Thread-safe.
 */
public final class Backends {
  private static final String REMEDY =
      "Add io.athanor:backend-djl (PyTorch) to the class path, or pass a Backend instance";

  private final TreeMap<String, BackendProvider> providers = new TreeMap<>();

  private Backends(Iterable<BackendProvider> found) {
    for (BackendProvider provider : found) {
      if (providers.put(provider.name(), provider) != null) {
        throw new ValidationException(
            "class path",
            List.of("two backends are called '" + provider.name() + "'; remove one of the jars"));
      }
    }
  }

  /**
   * Those the class loader of the current thread sees.
   *
   * @throws ValidationException if two have one name, or if a provider cannot be loaded
   */
  public static Backends installed() {
    try {
      return new Backends(ServiceLoader.load(BackendProvider.class));
    } catch (ServiceConfigurationError e) {
      throw new ValidationException(
          "class path", List.of("a backend's jar is damaged or of another version: " + e));
    }
  }

  /** These and no others. */
  public static Backends of(BackendProvider... providers) {
    return new Backends(List.of(providers));
  }

  /** The names, sorted. */
  public List<String> names() {
    return new ArrayList<>(providers.keySet());
  }

  /**
   * The only one present.
   *
   * @throws NotFoundException if there is none; names the artifact to add
   * @throws ValidationException if there are several; lists them
   */
  public BackendProvider only() {
    if (providers.isEmpty()) {
      throw new NotFoundException("backend on the class path", List.of(), REMEDY);
    }
    if (providers.size() > 1) {
      throw new ValidationException(
          "choice of backend",
          List.of("several are on the class path: " + names() + "; choose one by name"));
    }
    return providers.firstEntry().getValue();
  }

  /**
   * The one of this name.
   *
   * @throws NotFoundException if there is none of that name; lists those there are
   */
  public BackendProvider named(String name) {
    BackendProvider provider = providers.get(name);
    if (provider == null) {
      throw new NotFoundException("backend '" + name + "'", names(), REMEDY);
    }
    return provider;
  }
}
