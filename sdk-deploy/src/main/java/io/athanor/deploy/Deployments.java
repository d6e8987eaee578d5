package io.athanor.deploy;

import io.athanor.deploy.serve.InProcess;
import io.athanor.deploy.target.ContainerTarget;
import io.athanor.deploy.target.EdgeBundle;
import io.athanor.deploy.target.HttpTarget;
import io.athanor.deploy.target.HubTarget;
import io.athanor.deploy.target.OllamaTarget;
import java.net.URI;
import java.nio.file.Path;

/**
 * Where to begin: brings models to those who ask them, wherever they are.
 *
 * <pre>{@code
 * try (var live = Deployments.inProcess().deploy(version)) {
 *   live.predict("You WON a prize!!");
 * }
 * var there = Deployments.http(URI.create("https://models.example.com")).token(key).text(version);
 * Export.of(model).to(folder, Deployments.container("spam-filter", jars).format()).write();
 * }</pre>
 */
public final class Deployments {
  private Deployments() {}

  /** Serves in this process, gathering the requests of many threads into batches. */
  public static InProcess inProcess() {
    return new InProcess();
  }

  /**
   * Asks models of another Athanor server as if they were here, and has it serve others.
   *
   * @param server for example {@code https://models.example.com}
   * @throws IllegalArgumentException if it is no address of a server
   */
  public static HttpTarget http(URI server) {
    return HttpTarget.at(server);
  }

  /**
   * Brings language models to Ollama.
   *
   * @param server for example {@code http://localhost:11434}
   * @throws IllegalArgumentException if it is no address of a server
   */
  public static OllamaTarget ollama(URI server) {
    return OllamaTarget.at(server);
  }

  /**
   * Publishes models on the Hugging Face Hub.
   *
   * @param repository for example {@code "team/spam-filter"}
   * @throws IllegalArgumentException if it is no name of a repository
   */
  public static HubTarget hub(String repository) {
    return HubTarget.repository(repository);
  }

  /**
   * Makes images and manifests for Kubernetes.
   *
   * @param name of the model and of the Kubernetes objects
   * @param jars as {@link ContainerTarget#named} has them
   * @throws IllegalArgumentException if Kubernetes takes no such name
   */
  public static ContainerTarget container(String name, Path jars) {
    return ContainerTarget.named(name, jars);
  }

  /** Makes zip files for devices; {@link EdgeBundle#folder} makes folders. */
  public static EdgeBundle device() {
    return EdgeBundle.zip();
  }
}
