package io.athanor.pipeline;

import io.athanor.api.registry.ModelVersion;
import io.athanor.api.registry.Relation;
import io.athanor.api.registry.Search;
import io.athanor.api.registry.VersionState;
import io.athanor.deploy.serve.AdapterCatalog;
import io.athanor.registry.ModelRegistry;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;

/**
 * The adapters that a registry knows for a base, so that one deployment of the base serves them
 * all, each request the one it names. Thread-safe.
 *
 * <pre>{@code
 * AdapterCatalog catalog =
 *     RegisteredAdapters.of(registry, base).into(AdapterCatalog.of(8, "q_proj", "v_proj"));
 * TextDeployment live = Deployments.inProcess().adapters(catalog).text(base);
 * live.generate(TextRequest.of("Dear Ann,").adapter("polite:2"));
 * }</pre>
 */
public final class RegisteredAdapters {
  private static final int PAGE = 10_000;

  private final ModelRegistry registry;
  private final ModelVersion base;

  private RegisteredAdapters(ModelRegistry registry, ModelVersion base) {
    this.registry = registry;
    this.base = base;
  }

  /**
   * Of a registered model.
   *
   * @param registry must stay open as long as adapters are read from it
   * @param base the version they were made for
   */
  public static RegisteredAdapters of(ModelRegistry registry, ModelVersion base) {
    return new RegisteredAdapters(registry, base);
  }

  /**
   * The versions whose parent is the base and whose relation to it is {@link Relation#ADAPTER},
   * oldest first: models tuned by LoRA, and folders of PEFT that were registered with that
   * relation. Without archived ones.
   *
   * @throws io.athanor.api.error.StorageException if the registry cannot be read
   */
  public List<ModelVersion> versions() {
    Search made =
        Search.all().madeFrom(base.id()).sortBy(new Search.Sort.ByCreated(false)).countUpTo(0);
    List<ModelVersion> adapters = new ArrayList<>();
    int found = PAGE;
    for (long offset = 0; found == PAGE; offset += PAGE) {
      List<ModelVersion> page = registry.search(made.page(offset, PAGE)).versions();
      page.stream()
          .filter(version -> version.relation() == Relation.ADAPTER)
          .filter(version -> version.state() != VersionState.ARCHIVED)
          .forEach(adapters::add);
      found = page.size();
    }
    return adapters;
  }

  /**
   * Adds to a catalog, by {@code name:version}, those that it has not. Nothing is read of them yet.
   * Called again while a deployment serves, it brings those that were registered since.
   *
   * @throws io.athanor.api.error.StorageException if the registry cannot be read
   */
  public AdapterCatalog into(AdapterCatalog catalog) {
    Set<String> known = Set.copyOf(catalog.names());
    versions().stream()
        .filter(version -> !known.contains(version.id().toString()))
        .forEach(catalog::add);
    return catalog;
  }
}
