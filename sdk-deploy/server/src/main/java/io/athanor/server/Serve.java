package io.athanor.server;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.backend.BackendProvider;
import io.athanor.api.backend.Backends;
import io.athanor.api.data.LanguageEncoding;
import io.athanor.api.data.Task;
import io.athanor.api.deploy.LiveModel;
import io.athanor.api.error.AthanorException;
import io.athanor.api.error.ValidationException;
import io.athanor.api.model.ArtifactFolder;
import io.athanor.api.model.ModelArtifact;
import io.athanor.deploy.Deployments;
import io.athanor.deploy.serve.InProcess;
import io.athanor.server.access.ApiKeys;
import io.athanor.server.access.ServerAccess;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A program that serves the model of a folder until it is told to stop; then it answers what it has
 * and ends. Containers run it.
 *
 * <pre>
 * java -cp 'lib/*' io.athanor.server.Serve [options] FOLDER
 *   --name NAME      the model's name; "model" unless given
 *   --host ADDRESS   to listen on; 127.0.0.1 unless given
 *   --port PORT      to listen on; 8080 unless given
 *   --backend NAME   which of several runs the model
 *   --drain SECONDS  how long stopping waits for requests in flight; 30 unless given
 *   --keys FILE      serves only those who show one of its API keys
 *   --open           serves whoever reaches the address
 * </pre>
 *
 * <p>It ends with status 2 if the options are wrong, and with 1 if the model cannot be served; its
 * log says why.
 */
public final class Serve {
  private static final Logger LOG = LoggerFactory.getLogger(Serve.class);
  private static final String OPEN = "--open";
  private static final List<String> OPTIONS =
      List.of("--name", "--host", "--port", "--backend", "--drain", "--keys");

  private Serve() {}

  /** Serves; see above for the options. */
  public static void main(String[] args) {
    try {
      start(List.of(args));
    } catch (ValidationException e) {
      LOG.error("{}", e.getMessage());
      System.exit(2);
    } catch (AthanorException e) {
      LOG.error("The model cannot be served: {}", e.getMessage());
      System.exit(1);
    }
  }

  private static void start(List<String> args) {
    Map<String, String> options = options(args);
    Duration drain = Duration.ofSeconds(number(options, "--drain", 30, 1, 3_600));
    ModelServer.Builder builder =
        ModelServer.on(number(options, "--port", 8080, 0, 65_535))
            .host(options.getOrDefault("--host", "127.0.0.1"))
            .drainTimeout(drain);
    if (options.containsKey("--keys")) {
      builder.access(ServerAccess.keys(ApiKeys.in(Path.of(options.get("--keys")))));
    }
    if (options.containsKey(OPEN)) {
      builder.openToAll();
    }
    ModelArtifact model = ArtifactFolder.read(Path.of(options.get("FOLDER")));
    BackendProvider provider =
        options.containsKey("--backend")
            ? Backends.installed().named(options.get("--backend"))
            : Backends.installed().only();
    provider.probe().require();
    Backend backend = provider.open(BackendOptions.defaults());
    LiveModel live = live(options.getOrDefault("--name", "model"), model, backend);
    ModelServer server = builder.serve(live).start();
    Runtime.getRuntime()
        .addShutdownHook(
            new Thread(
                () -> {
                  server.close();
                  live.close();
                  backend.close();
                  LOG.info("{} has stopped", live.model());
                },
                "athanor-stop"));
    LOG.info("Serving {} at {}", live.model(), server.address());
  }

  private static LiveModel live(String name, ModelArtifact model, Backend backend) {
    InProcess here = Deployments.inProcess().backend(backend);
    if (model.encoding() instanceof LanguageEncoding) {
      return model.task() instanceof Task.Embedding
          ? here.embedding(name, model)
          : here.text(name, model);
    }
    return here.deploy(name, model);
  }

  private static Map<String, String> options(List<String> args) {
    Map<String, String> options = new HashMap<>();
    List<String> problems = new ArrayList<>();
    for (int i = 0; i < args.size(); i++) {
      String word = args.get(i);
      if (word.equals(OPEN)) {
        options.put(OPEN, "");
      } else if (OPTIONS.contains(word)) {
        if (i + 1 == args.size()) {
          problems.add(word + " needs a value");
        } else {
          options.put(word, args.get(++i));
        }
      } else if (word.startsWith("--")) {
        problems.add("unknown option " + word + "; known are " + OPTIONS + " and " + OPEN);
      } else if (options.put("FOLDER", word) != null) {
        problems.add("one folder is served, got a second one, '" + word + "'");
      }
    }
    if (!options.containsKey("FOLDER")) {
      problems.add("name the folder of a model");
    }
    if (!problems.isEmpty()) {
      throw new ValidationException("options", problems);
    }
    return options;
  }

  private static int number(
      Map<String, String> options, String name, int otherwise, int least, int most) {
    String given = options.get(name);
    if (given == null) {
      return otherwise;
    }
    int value = given.matches("[0-9]{1,6}") ? Integer.parseInt(given) : -1;
    if (value < least || value > most) {
      throw new ValidationException(
          "options", List.of(name + " must be " + least + " to " + most + ", got '" + given + "'"));
    }
    return value;
  }
}
