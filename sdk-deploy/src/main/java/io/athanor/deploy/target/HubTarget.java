package io.athanor.deploy.target;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.athanor.api.backend.Support;
import io.athanor.api.common.Secret;
import io.athanor.api.error.ConflictException;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.OutcomeUnknownException;
import io.athanor.api.error.StorageException;
import io.athanor.api.error.ValidationException;
import io.athanor.api.model.ArtifactFolder;
import io.athanor.api.model.ModelArtifact;
import io.athanor.api.model.ModelCard;
import io.athanor.model.arch.Pretrained;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.regex.Pattern;

/**
 * A model repository on the Hugging Face Hub, or on a server with its API: that of {@code
 * huggingface_hub} 0.36, with Git LFS for large files. Immutable and thread-safe.
 *
 * <pre>{@code
 * HubTarget.repository("team/spam-filter").token(Secret.of(token))
 *     .checkedBy(golden.readBy(folder -> serve(folder)))
 *     .publish(model, ModelCard.of(model));
 * }</pre>
 *
 * <p>Nothing is sent that the Hub has already, be it of this upload or of one that broke off; all
 * files appear in one commit or none does, and only on top of the commit that was looked at. Files
 * of the repository that are not in the folder stay.
 */
public final class HubTarget {
  private static final URI HUB = URI.create("https://huggingface.co");
  private static final Pattern ID =
      Pattern.compile("[A-Za-z0-9][A-Za-z0-9_.-]{0,95}/[A-Za-z0-9][A-Za-z0-9_.-]{0,95}");
  private static final Pattern BRANCH = Pattern.compile("[A-Za-z0-9][A-Za-z0-9_./-]{0,199}");
  private static final int FILES_AT_ONCE = 256;
  private static final long MOST_INLINE = 64L << 20;
  private static final JsonNodeFactory JSON = JsonNodeFactory.instance;

  private final String repository;
  private final URI server;
  private final Optional<Secret> token;
  private final RetryPolicy retries;
  private final boolean hidden;
  private final String branch;
  private final String message;
  private final Consumer<Path> check;

  private HubTarget(
      String repository,
      URI server,
      Optional<Secret> token,
      RetryPolicy retries,
      boolean hidden,
      String branch,
      String message,
      Consumer<Path> check) {
    this.repository = repository;
    this.server = server;
    this.token = token;
    this.retries = retries;
    this.hidden = hidden;
    this.branch = branch;
    this.message = message;
    this.check = check;
  }

  /**
   * Names a repository, private if it is made; nothing is sent yet.
   *
   * @param id owner and name, for example {@code "team/spam-filter"}
   */
  public static HubTarget repository(String id) {
    if (!ID.matcher(id).matches() || id.contains("..") || id.contains("--")) {
      throw new IllegalArgumentException(
          "id must be an owner and a name of letters, digits, dots, dashes and underscores, such as"
              + " 'team/model', got '"
              + id
              + "'");
    }
    return new HubTarget(
        id,
        HUB,
        Optional.empty(),
        RetryPolicy.standard(),
        true,
        "main",
        "Upload a model with Athanor",
        folder -> {});
  }

  /** On another server than {@code https://huggingface.co}. */
  public HubTarget at(URI other) {
    return new HubTarget(
        repository,
        RemoteServer.requireServer(other),
        token,
        retries,
        hidden,
        branch,
        message,
        check);
  }

  /** With an access token that may write. */
  public HubTarget token(Secret access) {
    return new HubTarget(
        repository, server, Optional.of(access), retries, hidden, branch, message, check);
  }

  /** How to repeat requests; {@link RetryPolicy#standard} unless set. */
  public HubTarget retries(RetryPolicy policy) {
    return new HubTarget(repository, server, token, policy, hidden, branch, message, check);
  }

  /** For everybody to read. A repository that is there already keeps its visibility. */
  public HubTarget publicly() {
    return new HubTarget(repository, server, token, retries, false, branch, message, check);
  }

  /** On a branch, which is made if it is not there; {@code main} unless set. */
  public HubTarget branch(String name) {
    if (!BRANCH.matcher(name).matches() || name.contains("..")) {
      throw new IllegalArgumentException("name must be the name of a branch, got '" + name + "'");
    }
    return new HubTarget(repository, server, token, retries, hidden, name, message, check);
  }

  /** What the commit says. */
  public HubTarget message(String text) {
    if (text.isBlank()) {
      throw new IllegalArgumentException("text must not be blank");
    }
    return new HubTarget(repository, server, token, retries, hidden, branch, text, check);
  }

  /**
   * What must hold of the folder before anything is sent, for example {@link
   * GoldenTranscript#readBy}.
   *
   * @param demand throws if it does not
   */
  public HubTarget checkedBy(Consumer<Path> demand) {
    return new HubTarget(repository, server, token, retries, hidden, branch, message, demand);
  }

  /**
   * Writes a model as transformers reads it, or, where that knows no such architecture, as Athanor
   * does, with a card, and brings it to the Hub.
   *
   * @throws io.athanor.api.error.AthanorException as {@link #publish(Path)}
   */
  public HubCommit publish(ModelArtifact model, ModelCard card) {
    return ScratchFolder.during(
        folder -> {
          Path files = folder.resolve("model");
          if (Pretrained.format().holds(model) instanceof Support.Supported) {
            Pretrained.format().prepare(model).writeTo(files);
          } else {
            ArtifactFolder.write(model, files);
          }
          Files.writeString(files.resolve("README.md"), card.toString());
          return publish(files);
        });
  }

  /**
   * Brings a folder's files to the Hub, hidden ones left out.
   *
   * @throws ConflictException if somebody else has committed meanwhile ({@code retryable()}), or a
   *     repository that is to be private is public
   * @throws io.athanor.api.error.AccessDeniedException if the token may not write there
   * @throws ValidationException if the Hub refuses a file or its digest
   * @throws OutcomeUnknownException if the commit's answer was lost and the Hub does not tell
   *     either
   * @throws StorageException if a file cannot be read, the Hub cannot be reached or is full;
   *     nothing is committed, and what was uploaded need not be sent again
   */
  public HubCommit publish(Path folder) {
    check.accept(folder);
    List<HubFile> files = HubFile.below(folder);
    RemoteServer hub = new RemoteServer("the Hub", server, token, retries);
    HubState before = prepared(hub);
    List<HubFile> changed = files.stream().filter(file -> !before.holds(file)).toList();
    if (changed.isEmpty()) {
      return result(before.commit(), 0, 0);
    }
    Map<String, String> modes = modes(hub, changed);
    List<HubFile> large = having(changed, modes, "lfs");
    List<HubFile> small = having(changed, modes, "regular");
    List<HubFile> all = new ArrayList<>(small);
    all.addAll(large);
    if (all.isEmpty()) {
      return result(before.commit(), 0, 0);
    }
    long sent = new LfsUpload(hub, repository, branch).send(large);
    String commit = commit(hub, before, body(before.commit(), small, large), all);
    if (!state(hub, commit).holdsAll(all)) {
      throw new FormatException(
          hub + ", " + repository,
          "commit " + commit + " does not hold what was sent; look at it before it is used");
    }
    return result(commit, all.size(), sent);
  }

  private HubCommit result(String commit, int changed, long sent) {
    String page = server.toString().replaceAll("/+$", "") + "/" + repository;
    return new HubCommit(URI.create(page), branch, commit, changed, sent);
  }

  private String api(String rest) {
    return "/api/models/" + RemoteServer.path(repository) + rest;
  }

  /** Makes repository and branch where they are not there, and looks at what they hold. */
  private HubState prepared(RemoteServer hub) {
    int slash = repository.indexOf('/');
    ObjectNode wish =
        JSON.objectNode()
            .put("name", repository.substring(slash + 1))
            .put("organization", repository.substring(0, slash))
            .put("private", hidden);
    hub.call("POST", "/api/repos/create").json(wish).accept(409).send();
    Reply found = look(hub, branch).accept(404).send();
    if (found.status() == 404) {
      hub.call("POST", api("/branch/" + RemoteServer.path(branch).replace("/", "%2F")))
          .json(JSON.objectNode())
          .accept(409)
          .send();
      found = look(hub, branch).send();
    }
    HubState state = HubState.of(found);
    if (hidden && !state.hidden()) {
      throw new ConflictException(
          hub
              + ": the repository "
              + repository
              + " is public, and this upload is to be private; nothing was sent. Say publicly(), or"
              + " make it private there",
          false);
    }
    return state;
  }

  private RemoteCall look(RemoteServer hub, String revision) {
    String escaped = RemoteServer.path(revision).replace("/", "%2F");
    return hub.call("GET", api("/revision/" + escaped + "?blobs=true"));
  }

  private HubState state(RemoteServer hub, String revision) {
    return HubState.of(look(hub, revision).send());
  }

  /** How the Hub wants each file; what it ignores is left out. */
  private Map<String, String> modes(RemoteServer hub, List<HubFile> files) {
    Map<String, String> modes = new HashMap<>();
    String path = api("/preupload/" + RemoteServer.path(branch).replace("/", "%2F"));
    for (int from = 0; from < files.size(); from += FILES_AT_ONCE) {
      ObjectNode body = JSON.objectNode();
      ArrayNode list = body.putArray("files");
      for (HubFile file : files.subList(from, Math.min(files.size(), from + FILES_AT_ONCE))) {
        list.addObject()
            .put("path", file.path())
            .put("size", file.bytes())
            .put("sample", file.sample());
      }
      for (JsonNode file : hub.call("POST", path).json(body).send().fields().node("files")) {
        if (!file.path("shouldIgnore").asBoolean()) {
          modes.put(file.path("path").asText(), file.path("uploadMode").asText());
        }
      }
    }
    return modes;
  }

  private static List<HubFile> having(List<HubFile> files, Map<String, String> modes, String mode) {
    return files.stream().filter(file -> mode.equals(modes.get(file.path()))).toList();
  }

  private String body(String parent, List<HubFile> small, List<HubFile> large) {
    if (small.stream().mapToLong(HubFile::bytes).sum() > MOST_INLINE) {
      throw new ValidationException(
          "upload to the Hub",
          List.of(
              "it wants more than "
                  + MOST_INLINE
                  + " bytes of files as part of one commit; publish them in several folders"));
    }
    StringBuilder lines = new StringBuilder();
    ObjectNode header =
        JSON.objectNode()
            .put("summary", message)
            .put("description", "")
            .put("parentCommit", parent);
    line(lines, "header", header);
    for (HubFile file : small) {
      String content = Base64.getEncoder().encodeToString(file.content());
      line(
          lines,
          "file",
          JSON.objectNode()
              .put("content", content)
              .put("path", file.path())
              .put("encoding", "base64"));
    }
    for (HubFile file : large) {
      line(
          lines,
          "lfsFile",
          JSON.objectNode()
              .put("path", file.path())
              .put("algo", "sha256")
              .put("oid", file.sha256().hex())
              .put("size", file.bytes()));
    }
    return lines.toString();
  }

  private static void line(StringBuilder lines, String key, ObjectNode value) {
    ObjectNode line = JSON.objectNode().put("key", key);
    line.set("value", value);
    lines.append(line).append('\n');
  }

  /** Commits once; where the answer is lost, asks the Hub what became of it. */
  private String commit(RemoteServer hub, HubState before, String body, List<HubFile> files) {
    OutcomeUnknownException lost = null;
    for (int attempt = 0; attempt < 2; attempt++) {
      try {
        return hub.call("POST", api("/commit/" + RemoteServer.path(branch).replace("/", "%2F")))
            .body("application/x-ndjson", body)
            .effect(RemoteCall.Effect.ONCE)
            .send()
            .fields()
            .text("commitOid");
      } catch (OutcomeUnknownException e) {
        lost = e;
        HubState now = stateAfter(hub, e);
        if (now.holdsAll(files)) {
          return now.commit();
        }
        if (!now.commit().equals(before.commit())) {
          throw e;
        }
      }
    }
    throw lost == null ? new IllegalStateException("No attempt was made") : lost;
  }

  private HubState stateAfter(RemoteServer hub, OutcomeUnknownException lost) {
    try {
      return state(hub, branch);
    } catch (StorageException e) {
      lost.addSuppressed(e);
      throw lost;
    }
  }
}
