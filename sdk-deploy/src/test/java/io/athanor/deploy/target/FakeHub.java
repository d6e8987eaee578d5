package io.athanor.deploy.target;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpExchange;
import io.athanor.api.common.Digest;
import io.athanor.api.common.JsonFields;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Base64;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;
import java.util.TreeMap;

/**
 * The Hub's API for models as its Python client {@code huggingface_hub} 0.36 uses it: repositories
 * with branches, Git LFS in one piece or in parts on addresses of another "server", and commits on
 * top of a parent.
 */
final class FakeHub extends FakeServer {
  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

  private final String token;
  private final long partSize;
  private final Storage storage = new Storage();
  private final Map<String, Repository> repositories = new TreeMap<>();
  private final Map<String, byte[]> large = new HashMap<>();
  private String refusal = "";

  private static final class Repository {
    private final boolean hidden;
    private final Map<String, String> branches = new HashMap<>(Map.of("main", "c0"));
    private final Map<String, Map<String, JsonNode>> commits = new HashMap<>();

    Repository(boolean hidden) {
      this.hidden = hidden;
      commits.put("c0", Map.of());
    }
  }

  /**
   * @param partSize files larger than this go in parts
   */
  FakeHub(String token, long partSize) {
    this.token = token;
    this.partSize = partSize;
  }

  /** Where large files go; knows its addresses by their signature alone. */
  final class Storage extends FakeServer {
    private final Map<String, byte[]> parts = new TreeMap<>();

    @Override
    synchronized Answer answer(String request, HttpExchange exchange, byte[] body) {
      if (exchange.getRequestHeaders().containsKey("Authorization")) {
        throw new AssertionError("the token is for the Hub alone");
      }
      if (!exchange.getRequestURI().getQuery().endsWith("signature=s3cr3t")) {
        return new Answer(403, "<Error><Code>SignatureDoesNotMatch</Code></Error>");
      }
      String name = exchange.getRequestURI().getPath().substring(1);
      parts.put(name, body);
      exchange.getResponseHeaders().set("ETag", "\"" + Digest.of(body).brief() + "\"");
      return new Answer(200, "");
    }
  }

  Storage storage() {
    return storage;
  }

  /** What the next batch says about every file. */
  void refuse(String error) {
    refusal = error;
  }

  synchronized void create(String id, boolean hidden) {
    repositories.put(id, new Repository(hidden));
  }

  /** Somebody else commits. */
  synchronized void commitElsewhere(String id, String branch, String path, String text) {
    Repository repository = repositories.get(id);
    Map<String, JsonNode> files =
        new TreeMap<>(repository.commits.get(repository.branches.get(branch)));
    files.put(path, small(text.getBytes(StandardCharsets.UTF_8)));
    add(repository, branch, files);
  }

  synchronized boolean hidden(String id) {
    return repositories.get(id).hidden;
  }

  /** The content of a file. */
  synchronized byte[] content(String id, String branch, String path) {
    Repository repository = repositories.get(id);
    JsonNode file = repository.commits.get(repository.branches.get(branch)).get(path);
    return file.has("lfs")
        ? large.get(file.path("lfs").path("sha256").asText())
        : Base64.getDecoder().decode(file.path("content").asText());
  }

  synchronized int commits(String id) {
    return repositories.get(id).commits.size() - 1;
  }

  @Override
  synchronized Answer answer(String request, HttpExchange exchange, byte[] body)
      throws IOException {
    String path = exchange.getRequestURI().getRawPath();
    boolean signed = ("" + exchange.getRequestURI().getQuery()).contains("signature=s3cr3t");
    String shown = exchange.getRequestHeaders().getFirst("Authorization");
    if (!signed && !("Bearer " + token).equals(shown)) {
      return refused(401, "Invalid credentials, got " + shown);
    }
    if (path.equals("/api/repos/create")) {
      return createRepository(json(body));
    }
    if (path.endsWith(".git/info/lfs/objects/batch")) {
      return batch(json(body));
    }
    if (path.equals("/verify")) {
      return verify(json(body));
    }
    if (path.startsWith("/complete/")) {
      return complete(json(body));
    }
    String[] parts = path.split("/", 7);
    Repository repository = repositories.get(parts[3] + "/" + parts[4]);
    if (repository == null) {
      return refused(404, "Repository not found");
    }
    String revision =
        parts.length < 7 ? "main" : URLDecoder.decode(parts[6], StandardCharsets.UTF_8);
    return switch (parts.length < 6 ? "revision" : parts[5]) {
      case "revision" -> revision(repository, parts[3] + "/" + parts[4], revision);
      case "branch" -> branch(repository, revision);
      case "preupload" -> preupload(json(body));
      case "commit" -> commit(repository, revision, body);
      default -> refused(404, "Not found");
    };
  }

  private static Answer refused(int status, String error) {
    return new Answer(status, JSON.objectNode().put("error", error).toString());
  }

  private Answer createRepository(JsonFields wish) {
    String owner = wish.has("organization") ? wish.text("organization") : "me";
    String id = owner + "/" + wish.text("name");
    if (repositories.containsKey(id)) {
      return refused(409, "You already created this model repo");
    }
    repositories.put(id, new Repository(wish.has("private") && wish.flag("private")));
    return Answer.ok(JSON.objectNode().put("url", address() + "/" + id).put("name", id));
  }

  private Answer branch(Repository repository, String name) {
    if (repository.branches.putIfAbsent(name, repository.branches.get("main")) != null) {
      return refused(409, "Reference already exists");
    }
    return Answer.ok(JSON.objectNode());
  }

  private Answer revision(Repository repository, String id, String revision) {
    String commit = repository.branches.getOrDefault(revision, revision);
    Map<String, JsonNode> files = repository.commits.get(commit);
    if (files == null) {
      return refused(404, "Invalid rev id: " + revision);
    }
    ObjectNode json =
        JSON.objectNode().put("id", id).put("sha", commit).put("private", repository.hidden);
    ArrayNode siblings = json.putArray("siblings");
    files.forEach(
        (path, file) -> {
          ObjectNode shown = siblings.addObject().put("rfilename", path);
          file.properties().stream()
              .filter(field -> !field.getKey().equals("content"))
              .forEach(field -> shown.set(field.getKey(), field.getValue()));
        });
    return Answer.ok(json);
  }

  /** Large is what Git attributes of a new repository say: weights; and what is long. */
  private static Answer preupload(JsonFields wish) {
    ObjectNode json = JSON.objectNode();
    ArrayNode files = json.putArray("files");
    wish.objects(
        "files",
        256,
        file -> {
          String path = file.text("path");
          boolean lfs = path.matches(".*\\.(safetensors|onnx|gguf)") || file.integer("size") > 1e7;
          return files
              .addObject()
              .put("path", path)
              .put("uploadMode", lfs ? "lfs" : "regular")
              .put("shouldIgnore", path.endsWith(".tmp"));
        });
    return Answer.ok(json);
  }

  private Answer batch(JsonFields wish) {
    ObjectNode json = JSON.objectNode().put("transfer", "basic");
    ArrayNode objects = json.putArray("objects");
    wish.objects(
        "objects",
        256,
        file -> {
          String oid = file.text("oid");
          ObjectNode object = objects.addObject().put("oid", oid).put("size", file.integer("size"));
          if (!refusal.isEmpty()) {
            object.putObject("error").put("code", 507).put("message", refusal);
          } else if (!large.containsKey(oid)) {
            actions(object.putObject("actions"), oid, file.integer("size"));
          }
          return object;
        });
    return Answer.ok(json);
  }

  private void actions(ObjectNode actions, String oid, long size) {
    ObjectNode upload = actions.putObject("upload");
    String storageAddress = storage.address() + "/" + oid;
    if (size <= partSize) {
      upload.put("href", storageAddress + "?signature=s3cr3t");
    } else {
      upload.put("href", address() + "/complete/" + oid + "?signature=s3cr3t");
      ObjectNode header = upload.putObject("header").put("chunk_size", "" + partSize);
      for (int part = 1; (part - 1) * partSize < size; part++) {
        header.put("" + part, storageAddress + ".%05d?signature=s3cr3t".formatted(part));
      }
    }
    actions.putObject("verify").put("href", address() + "/verify").putObject("header");
  }

  private Answer complete(JsonFields wish) {
    String oid = wish.text("oid");
    ByteArrayOutputStream whole = new ByteArrayOutputStream();
    for (JsonFields part : wish.objects("parts", 10_000, one -> one)) {
      byte[] bytes = storage.parts.get(oid + ".%05d".formatted(part.integer("partNumber")));
      if (bytes == null || !part.text("etag").equals("\"" + Digest.of(bytes).brief() + "\"")) {
        return refused(400, "part " + part.integer("partNumber") + " is not there");
      }
      whole.writeBytes(bytes);
    }
    storage.parts.put(oid, whole.toByteArray());
    return Answer.ok(JSON.objectNode());
  }

  private Answer verify(JsonFields wish) {
    byte[] bytes = storage.parts.get(wish.text("oid"));
    if (bytes == null
        || bytes.length != wish.integer("size")
        || !Digest.of(bytes).hex().equals(wish.text("oid"))) {
      return refused(422, "the object does not have the digest " + wish.text("oid"));
    }
    large.put(wish.text("oid"), bytes);
    return Answer.ok(JSON.objectNode());
  }

  private Answer commit(Repository repository, String branch, byte[] body) throws IOException {
    String head = repository.branches.get(branch);
    Map<String, JsonNode> files = new TreeMap<>(repository.commits.get(head));
    for (String line : new String(body, StandardCharsets.UTF_8).split("\n")) {
      JsonNode operation = JsonFields.tree("commit", line);
      JsonNode value = operation.path("value");
      String path = value.path("path").asText();
      switch (operation.path("key").asText()) {
        case "header" -> {
          if (value.has("parentCommit") && !value.path("parentCommit").asText().equals(head)) {
            return refused(412, "A commit has happened since. Please refresh and try again.");
          }
        }
        case "file" ->
            files.put(path, small(Base64.getDecoder().decode(value.path("content").asText())));
        case "lfsFile" -> {
          byte[] bytes = large.get(value.path("oid").asText());
          if (bytes == null) {
            return refused(400, "LFS pointer pointed to a file that does not exist");
          }
          ObjectNode file = JSON.objectNode().put("blobId", "pointer").put("size", bytes.length);
          file.putObject("lfs").put("sha256", value.path("oid").asText()).put("size", bytes.length);
          files.put(path, file);
        }
        default -> throw new AssertionError("unknown operation " + operation);
      }
    }
    String commit = add(repository, branch, files);
    return Answer.ok(
        JSON.objectNode()
            .put("success", true)
            .put("commitOid", commit)
            .put("commitUrl", address() + "/x/commit/" + commit)
            .put("hookOutput", ""));
  }

  private static String add(Repository repository, String branch, Map<String, JsonNode> files) {
    String commit = "c" + repository.commits.size();
    repository.commits.put(commit, files);
    repository.branches.put(branch, commit);
    return commit;
  }

  private static ObjectNode small(byte[] bytes) {
    try {
      MessageDigest git = MessageDigest.getInstance("SHA-1");
      git.update(("blob " + bytes.length + "\0").getBytes(StandardCharsets.US_ASCII));
      return JSON.objectNode()
          .put("blobId", HexFormat.of().formatHex(git.digest(bytes)))
          .put("size", bytes.length)
          .put("content", Base64.getEncoder().encodeToString(bytes));
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError(e);
    }
  }

  @Override
  public void close() {
    storage.close();
    super.close();
  }
}
