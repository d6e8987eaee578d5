package io.athanor.deploy.target;

import com.fasterxml.jackson.databind.JsonNode;
import io.athanor.api.common.JsonFields;
import io.athanor.api.deploy.ServedModel;
import io.athanor.api.error.ConflictException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;

/**
 * A model that an Athanor server serves.
 *
 * @param model what is expected there
 * @param timeout how long an answer may take, repetitions included
 */
record RemoteModel(RemoteServer server, ServedModel model, Duration timeout) {
  /**
   * What the server says of the model, which must be the one expected.
   *
   * @throws io.athanor.api.error.NotFoundException if the server does not serve it
   * @throws ConflictException if it serves another version or other weights
   */
  JsonFields facts() {
    JsonFields facts = server.call("GET", path(model.name())).within(timeout).send().fields();
    List<String> differences = new ArrayList<>();
    compare(differences, "version", model.version(), facts.text("version"));
    compare(differences, "weights", model.weights().toString(), facts.text("digest"));
    if (!differences.isEmpty()) {
      throw new ConflictException(
          server
              + " serves another '"
              + model.name()
              + "': "
              + String.join(", ", differences)
              + "; deploy the one you mean there, or ask for the one that is there",
          false);
    }
    return facts;
  }

  private static void compare(List<String> differences, String what, String right, String given) {
    if (!right.equals(given)) {
      differences.add(what + " " + given + " instead of " + right);
    }
  }

  /** Begins to ask the model, in this version and no other. */
  RemoteCall ask(String what, JsonNode body) {
    return ask(model.toString(), what, body);
  }

  /**
   * Begins to ask the model or an adapter on it.
   *
   * @param id the model's or the adapter's, with its version
   */
  RemoteCall ask(String id, String what, JsonNode body) {
    return server.call("POST", path(id) + "/" + what).json(body).within(timeout);
  }

  private static String path(String id) {
    return "/v1/models/" + RemoteServer.path(id);
  }

  @Override
  public String toString() {
    return model + " on " + server;
  }
}
