package io.athanor.deploy.target;

import io.athanor.api.backend.Precision;
import io.athanor.api.common.AtomicFolder;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.NotFoundException;
import io.athanor.api.error.ValidationException;
import io.athanor.api.model.ArtifactFolder;
import io.athanor.api.model.ExportFormat;
import io.athanor.api.model.ModelArtifact;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import java.util.zip.ZipFile;

/**
 * A served model as the context of a container image, with manifests for Kubernetes:
 *
 * <pre>
 * Dockerfile            for docker build, podman build and the like
 * lib/                  the jars of the server and a backend
 * model/                the model
 * kubernetes/model.yaml a Deployment and a Service
 * </pre>
 *
 * <p>The container runs as a user without rights, on a file system that it cannot write but for
 * {@code /tmp}, listens on port 8080, and answers what it has when it is told to stop. Immutable
 * and thread-safe.
 *
 * <pre>{@code
 * Export.of(model).to(folder, ContainerTarget.named("spam-filter", jars).format()).write();
 * }</pre>
 */
public final class ContainerTarget {
  /** The class that serves; in the jar {@code server}. */
  public static final String MAIN = "io.athanor.server.Serve";

  static final String BASE = "eclipse-temurin:17.0.17_10-jre-noble";
  static final int PORT = 8080;
  static final int USER = 10_001;

  /** Where the container finds its API keys. */
  static final String KEYS = "/etc/athanor";

  private static final Pattern NAME = Pattern.compile("[a-z]([a-z0-9-]{0,61}[a-z0-9])?");
  private static final Pattern IMAGE =
      Pattern.compile("[a-z0-9]([a-zA-Z0-9._:/@-]{0,250}[a-zA-Z0-9])?");
  private static final long MEBIBYTE = 1L << 20;
  private static final long JVM_MEBIBYTES = 384;
  private static final int ROWS = 32;

  private final String name;
  private final Path jars;
  private final String image;
  private final String base;
  private final Optional<String> backend;
  private final Optional<String> keys;
  private final int replicas;
  private final Duration drain;
  private final Consumer<Path> check;

  private ContainerTarget(
      String name,
      Path jars,
      String image,
      String base,
      Optional<String> backend,
      Optional<String> keys,
      int replicas,
      Duration drain,
      Consumer<Path> check) {
    this.name = name;
    this.jars = jars;
    this.image = image;
    this.base = base;
    this.backend = backend;
    this.keys = keys;
    this.replicas = replicas;
    this.drain = drain;
    this.check = check;
  }

  /**
   * Names the model.
   *
   * @param name of the model and of the Kubernetes objects: lower case letters, digits and dashes,
   *     at most 63
   * @param jars a folder with the jar {@code server}, all it needs, one backend and a binding of
   *     slf4j, as {@code mvn dependency:copy-dependencies} fills it; or one jar that holds all of
   *     them
   */
  public static ContainerTarget named(String name, Path jars) {
    if (!NAME.matcher(name).matches()) {
      throw new IllegalArgumentException(
          "name must be lower case letters, digits and dashes, at most 63, got '" + name + "'");
    }
    return new ContainerTarget(
        name,
        jars,
        name + ":latest",
        BASE,
        Optional.empty(),
        Optional.empty(),
        2,
        Duration.ofSeconds(30),
        folder -> {});
  }

  /** What the image is called in the manifests; the model's name unless set. */
  public ContainerTarget image(String reference) {
    return new ContainerTarget(
        name, jars, requireImage(reference), base, backend, keys, replicas, drain, check);
  }

  /**
   * The image with Java 17 or newer to build on; {@value #BASE} unless set. Name a newer one, best
   * with its digest, when there are security updates.
   */
  public ContainerTarget baseImage(String reference) {
    return new ContainerTarget(
        name, jars, image, requireImage(reference), backend, keys, replicas, drain, check);
  }

  /** Which of several backends runs the model; else there must be one only. */
  public ContainerTarget backend(String provider) {
    if (!provider.matches("[a-z0-9][a-z0-9-]{0,40}")) {
      throw new IllegalArgumentException(
          "provider must be the name of a backend, got '" + provider + "'");
    }
    return new ContainerTarget(
        name, jars, image, base, Optional.of(provider), keys, replicas, drain, check);
  }

  /**
   * Asks for API keys: those of the file {@code keys.json} of a Kubernetes Secret, which the
   * server's {@code ApiKeys} writes. Whoever reaches the service is served unless set.
   *
   * @param secret its name
   */
  public ContainerTarget keys(String secret) {
    if (!NAME.matcher(secret).matches()) {
      throw new IllegalArgumentException(
          "secret must be lower case letters, digits and dashes, got '" + secret + "'");
    }
    return new ContainerTarget(
        name, jars, image, base, backend, Optional.of(secret), replicas, drain, check);
  }

  /** How many containers; 2 unless set. */
  public ContainerTarget replicas(int count) {
    if (count < 1 || count > 10_000) {
      throw new IllegalArgumentException("count must be 1 to 10000, got " + count);
    }
    return new ContainerTarget(name, jars, image, base, backend, keys, count, drain, check);
  }

  /** How long a container that is told to stop may answer what it has; 30 seconds unless set. */
  public ContainerTarget drain(Duration longest) {
    if (longest.toSeconds() < 1 || longest.compareTo(Duration.ofHours(1)) > 0) {
      throw new IllegalArgumentException("longest must be 1 s to 1 hour, got " + longest);
    }
    return new ContainerTarget(name, jars, image, base, backend, keys, replicas, longest, check);
  }

  /**
   * What must hold of the folder before it gets its name, for example that its server, started as
   * {@link #command} says, passes a {@link GoldenTranscript}.
   *
   * @param demand throws if it does not
   */
  public ContainerTarget checkedBy(Consumer<Path> demand) {
    return new ContainerTarget(name, jars, image, base, backend, keys, replicas, drain, demand);
  }

  private static String requireImage(String reference) {
    if (!IMAGE.matcher(reference).matches()) {
      throw new IllegalArgumentException(
          "reference must be the name of an image, got '" + reference + "'");
    }
    return reference;
  }

  /** The format for {@link io.athanor.api.model.Export}; holds every model. */
  public ExportFormat format() {
    return ExportFormat.of(
        "container context",
        model -> {
          List<Path> libraries = libraries();
          return folder -> {
            AtomicFolder.write(folder, inside -> fill(model, libraries, inside));
            return List.of(folder);
          };
        });
  }

  private List<Path> libraries() {
    List<Path> found = new ArrayList<>();
    if (Files.isRegularFile(jars)) {
      found.add(jars);
    } else {
      try (Stream<Path> list = Files.list(jars)) {
        list.filter(file -> file.toString().endsWith(".jar")).sorted().forEach(found::add);
      } catch (IOException e) {
        throw new NotFoundException(
            "folder of jars " + jars,
            List.of(),
            "Fill one with mvn dependency:copy-dependencies, or name a jar that holds all");
      }
    }
    String main = MAIN.replace('.', '/') + ".class";
    if (found.stream().noneMatch(jar -> holds(jar, main))) {
      throw new ValidationException(
          "container context",
          List.of("none of the jars in " + jars + " has " + MAIN + "; add the jar 'server'"));
    }
    return found;
  }

  private static boolean holds(Path jar, String entry) {
    try (ZipFile zip = new ZipFile(jar.toFile())) {
      return zip.getEntry(entry) != null;
    } catch (IOException e) {
      throw new FormatException(jar.toString(), "not a jar", e);
    }
  }

  private void fill(ModelArtifact model, List<Path> libraries, Path folder) throws IOException {
    Path lib = Files.createDirectory(folder.resolve("lib"));
    for (Path jar : libraries) {
      Files.copy(jar, lib.resolve(String.valueOf(jar.getFileName())));
    }
    ArtifactFolder.write(model, folder.resolve("model"));
    Files.writeString(folder.resolve("Dockerfile"), dockerfile());
    Path kubernetes = Files.createDirectory(folder.resolve("kubernetes"));
    KubernetesManifest manifest =
        new KubernetesManifest(
            name, image, keys, replicas, memoryMebibytes(model), drain.toSeconds());
    Files.writeString(kubernetes.resolve("model.yaml"), manifest.yaml());
    Files.writeString(folder.resolve(".dockerignore"), "kubernetes\n");
    check.accept(folder);
  }

  /**
   * Memory that a container is given: the model and its largest batch, with a half as much again,
   * and what a JVM takes without them.
   */
  static long memoryMebibytes(ModelArtifact model) {
    long bytes = ServingSizes.memory(model, ROWS, Precision.F32).total();
    long mebibytes = (bytes + bytes / 2) / MEBIBYTE + JVM_MEBIBYTES;
    return (mebibytes + 63) / 64 * 64;
  }

  private String dockerfile() {
    List<String> command = command(Path.of("/app"), "java", "0.0.0.0", PORT);
    List<String> probe =
        List.of(
            "java",
            "-XX:TieredStopAtLevel=1",
            "-XX:+UseSerialGC",
            "-Xmx16m",
            "-cp",
            "/app/lib/*",
            HealthProbe.class.getName(),
            "http://127.0.0.1:" + PORT + "/health/ready");
    return String.join(
        "\n",
        "FROM " + base,
        "WORKDIR /app",
        "COPY --chown=root:root --chmod=755 lib/ lib/",
        "COPY --chown=root:root --chmod=755 model/ model/",
        "ENV DJL_CACHE_DIR=/tmp/djl DJL_OFFLINE=true OPT_OUT_TRACKING=true",
        "USER " + USER + ":" + USER,
        "EXPOSE " + PORT,
        "STOPSIGNAL SIGTERM",
        "HEALTHCHECK --interval=30s --timeout=10s --start-period=5m CMD " + exec(probe),
        "ENTRYPOINT " + exec(command),
        "");
  }

  /** The form that runs a program without a shell, so that signals reach it. */
  private static String exec(List<String> words) {
    return words.stream()
        .map(word -> "\"" + word + "\"")
        .collect(Collectors.joining(", ", "[", "]"));
  }

  /**
   * What the container runs, for a folder on this machine.
   *
   * @param folder that {@link #format} has written
   * @param java the program, for example {@code "java"}
   * @param host the address to listen on
   * @param port to listen on
   */
  public List<String> command(Path folder, String java, String host, int port) {
    List<String> words =
        new ArrayList<>(
            List.of(
                java,
                "-XX:MaxRAMPercentage=40",
                "-XX:+ExitOnOutOfMemoryError",
                "-Djava.io.tmpdir=/tmp",
                "-cp",
                folder + "/lib/*",
                MAIN,
                "--name",
                name,
                "--host",
                host,
                "--port",
                Integer.toString(port),
                "--drain",
                Long.toString(drain.toSeconds())));
    backend.ifPresent(provider -> words.addAll(List.of("--backend", provider)));
    words.addAll(keys.isPresent() ? List.of("--keys", KEYS + "/keys.json") : List.of("--open"));
    words.add(folder + "/model");
    return List.copyOf(words);
  }
}
