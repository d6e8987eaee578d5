package io.athanor.deploy.target;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.athanor.api.common.JsonFields;
import io.athanor.api.error.AccessDeniedException;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.StorageException;
import io.athanor.api.error.ValidationException;
import java.net.URI;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/**
 * Large files by Git LFS' batch API, with the Hub's transfer in parts. What the server has already
 * is not sent; a part that was cut off is sent again, and none of those before it.
 *
 * @see <a href="https://github.com/git-lfs/git-lfs/blob/main/docs/api/batch.md">The API</a>
 */
final class LfsUpload {
  private static final String TYPE = "application/vnd.git-lfs+json";
  private static final int FILES_AT_ONCE = 100;
  private static final int MOST_PARTS = 10_000;
  private static final Set<String> OWN_HEADERS =
      Set.of("host", "content-length", "connection", "expect", "upgrade", "transfer-encoding");
  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

  private final RemoteServer hub;
  private final String repository;
  private final String branch;

  LfsUpload(RemoteServer hub, String repository, String branch) {
    this.hub = hub;
    this.repository = repository;
    this.branch = branch;
  }

  /** Sends what is missing; gives the bytes sent. */
  long send(List<HubFile> files) {
    long sent = 0;
    for (int from = 0; from < files.size(); from += FILES_AT_ONCE) {
      List<HubFile> some = files.subList(from, Math.min(files.size(), from + FILES_AT_ONCE));
      Map<String, JsonFields> answers = batch(some);
      for (HubFile file : some) {
        JsonFields answer = answers.get(file.sha256().hex());
        if (answer == null) {
          throw new FormatException(hub.toString(), "no word about the file " + file.path());
        }
        sent += send(file, answer);
      }
    }
    return sent;
  }

  private Map<String, JsonFields> batch(List<HubFile> files) {
    ObjectNode body = JSON.objectNode().put("operation", "upload").put("hash_algo", "sha256");
    body.putArray("transfers").add("basic").add("multipart");
    body.putObject("ref").put("name", branch);
    ArrayNode objects = body.putArray("objects");
    for (HubFile file : files) {
      objects.addObject().put("oid", file.sha256().hex()).put("size", file.bytes());
    }
    Map<String, JsonFields> answers = new HashMap<>();
    hub.call("POST", "/" + RemoteServer.path(repository) + ".git/info/lfs/objects/batch")
        .header("Accept", TYPE)
        .body(TYPE, body.toString())
        .send()
        .fields()
        .objects("objects", FILES_AT_ONCE, answer -> answers.put(answer.text("oid"), answer));
    return answers;
  }

  private long send(HubFile file, JsonFields answer) {
    if (answer.has("error")) {
      JsonFields error = answer.object("error");
      String said =
          file.path()
              + ": the Hub answered "
              + error.integer("code")
              + ", '"
              + error.text("message")
              + "'";
      if (error.integer("code") / 100 == 5) {
        throw new StorageException(hub.toString(), said);
      }
      throw new ValidationException("upload to " + hub, List.of(said));
    }
    Optional<JsonFields> actions = part(answer, "actions");
    Optional<JsonFields> upload = actions.flatMap(known -> part(known, "upload"));
    if (upload.isEmpty()) {
      return 0;
    }
    try {
      upload(file, upload.get());
    } catch (AccessDeniedException e) {
      // Addresses are good for a while only; once, a slow upload gets new ones.
      Optional<JsonFields> again =
          Optional.ofNullable(batch(List.of(file)).get(file.sha256().hex()))
              .flatMap(known -> part(known, "actions"))
              .flatMap(known -> part(known, "upload"));
      if (again.isEmpty()) {
        throw e;
      }
      upload(file, again.get());
    }
    actions.flatMap(known -> part(known, "verify")).ifPresent(verify -> verify(file, verify));
    return file.bytes();
  }

  private static Optional<JsonFields> part(JsonFields object, String name) {
    return object.has(name) && object.node(name).isObject()
        ? Optional.of(object.object(name))
        : Optional.empty();
  }

  private void upload(HubFile file, JsonFields action) {
    Map<String, String> headers = headers(action);
    URI target = address(action.text("href"));
    String chunk = headers.get("chunk_size");
    if (chunk != null) {
      uploadParts(file, target, headers, positive(action, chunk));
      return;
    }
    RemoteCall call = hub.call("PUT", target).file(file.file(), 0, file.bytes());
    headers.forEach(
        (name, value) -> {
          if (!OWN_HEADERS.contains(name.toLowerCase(Locale.ROOT))) {
            call.header(name, value);
          }
        });
    call.send();
  }

  private void uploadParts(HubFile file, URI completion, Map<String, String> headers, long chunk) {
    Map<Integer, URI> targets = new TreeMap<>();
    headers.forEach(
        (name, value) -> {
          if (name.matches("[0-9]{1,5}")) {
            targets.put(Integer.valueOf(name), address(value));
          }
        });
    long parts = (file.bytes() + chunk - 1) / chunk;
    if (targets.size() != parts || parts > MOST_PARTS) {
      throw new FormatException(
          hub.toString(),
          "expected addresses for "
              + parts
              + " parts of "
              + chunk
              + " bytes of "
              + file.path()
              + ", got "
              + targets.size());
    }
    ObjectNode done = JSON.objectNode().put("oid", file.sha256().hex());
    ArrayNode list = done.putArray("parts");
    long offset = 0;
    for (URI target : targets.values()) {
      long length = Math.min(chunk, file.bytes() - offset);
      Reply reply = hub.call("PUT", target).file(file.file(), offset, length).send();
      String tag =
          reply
              .headers()
              .firstValue("ETag")
              .orElseThrow(
                  () ->
                      new FormatException(
                          RemoteServer.withoutSecrets(target), "the answer has no ETag"));
      list.add(JSON.objectNode().put("partNumber", list.size() + 1).put("etag", tag));
      offset += length;
    }
    hub.call("POST", completion).header("Accept", TYPE).body(TYPE, done.toString()).send();
  }

  private void verify(HubFile file, JsonFields action) {
    ObjectNode body = JSON.objectNode().put("oid", file.sha256().hex()).put("size", file.bytes());
    RemoteCall call = hub.call("POST", address(action.text("href")));
    headers(action).forEach(call::header);
    call.header("Accept", TYPE).body(TYPE, body.toString()).send();
  }

  private static Map<String, String> headers(JsonFields action) {
    Map<String, String> headers = new LinkedHashMap<>();
    if (action.has("header")) {
      for (Map.Entry<String, JsonNode> header : action.node("header").properties()) {
        headers.put(header.getKey(), header.getValue().asText());
      }
    }
    return headers;
  }

  private static long positive(JsonFields action, String chunk) {
    if (!chunk.matches("[1-9][0-9]{0,14}")) {
      throw action.fail("'chunk_size' must be a positive number, got '" + chunk + "'");
    }
    return Long.parseLong(chunk);
  }

  /** An address that the Hub has named; not one that anybody on the way could read. */
  private URI address(String text) {
    try {
      URI uri = URI.create(text);
      boolean open = "http".equals(uri.getScheme()) && "http".equals(hub.base().getScheme());
      if (uri.getHost() != null && ("https".equals(uri.getScheme()) || open)) {
        return uri;
      }
    } catch (IllegalArgumentException e) {
      // Said below, without the address, which may give access.
    }
    throw new FormatException(hub.toString(), "it names an upload address that is not https");
  }
}
