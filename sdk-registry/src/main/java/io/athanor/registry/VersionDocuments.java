package io.athanor.registry;

import io.athanor.api.common.Digest;
import io.athanor.api.error.ConflictException;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.NotFoundException;
import io.athanor.api.error.StorageException;
import io.athanor.api.error.ValidationException;
import io.athanor.api.registry.ModelVersion;
import io.athanor.api.registry.Permission;
import io.athanor.api.registry.VersionId;
import io.athanor.registry.blob.StagedFiles;
import io.athanor.registry.governance.Checklist;
import io.athanor.registry.governance.Document;
import io.athanor.registry.store.AuditTable.Change;
import io.athanor.registry.store.Session;
import io.athanor.registry.store.Transactions.Work;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * What is attached to a version: results of examinations for bias, explanations, its checklist, or
 * anything else. Contents are kept by digest, each once. Changes ask for {@link Permission#UPDATE}.
 * Thread-safe.
 */
public final class VersionDocuments {
  /** The most bytes a document may have. */
  public static final int MAX_BYTES = 32 << 20;

  private static final Pattern MEDIA_TYPE =
      Pattern.compile("[A-Za-z0-9!#$&^_.+-]{1,100}/[A-Za-z0-9!#$&^_.+-]{1,100}(;[ -~]{1,100})?");
  private static final String JSON = "application/json";

  private final ModelRegistry registry;
  private final VersionId version;

  VersionDocuments(ModelRegistry registry, VersionId version) {
    this.registry = registry;
    this.version = version;
  }

  /**
   * Attaches a document. One that is attached already stays as it is.
   *
   * @param kind for example {@link Document#BIAS}; see {@link VersionId#requireName}
   * @param mediaType for example {@code "text/html"}
   * @throws ValidationException if it has more than {@link #MAX_BYTES}
   * @throws FormatException if the kind is {@link Document#CHECKLIST} and the content is none
   * @throws NotFoundException if the version has been deleted
   * @throws StorageException if it cannot be written; nothing is attached
   */
  public Document attach(String kind, byte[] content, String mediaType) {
    VersionId.requireName("kind", kind);
    if (!MEDIA_TYPE.matcher(mediaType).matches()) {
      throw new IllegalArgumentException(
          "mediaType must look like application/json, got '"
              + mediaType.replaceAll("\\p{Cntrl}", "?")
              + "'");
    }
    requireSize(kind, content.length);
    if (kind.equals(Document.CHECKLIST)) {
      return checklist(
          Checklist.read("the checklist", new String(content, StandardCharsets.UTF_8)));
    }
    return store(kind, content.clone(), mediaType, Mode.BESIDE_OTHERS, Optional.empty());
  }

  /**
   * Attaches a file's content; see {@link #attach(String, byte[], String)}.
   *
   * @throws StorageException if it cannot be read
   */
  public Document attach(String kind, Path file, String mediaType) {
    try (InputStream in = Files.newInputStream(file)) {
      return attach(kind, in.readNBytes(MAX_BYTES + 1), mediaType);
    } catch (IOException e) {
      throw new StorageException(file.toString(), "cannot be read (" + e + ")", e);
    }
  }

  private static void requireSize(String kind, long bytes) {
    if (bytes > MAX_BYTES) {
      throw new ValidationException(
          "document of kind '" + kind + "'",
          List.of("it may have at most " + MAX_BYTES + " bytes; attach what sums it up"));
    }
  }

  private enum Mode {
    BESIDE_OTHERS,
    IN_PLACE_OF_OTHERS
  }

  /** Where the caller saw some documents of the kind, it must still be those. */
  private Document store(
      String kind, byte[] content, String mediaType, Mode mode, Optional<List<Document>> seen) {
    registry.transactions().read(session -> require(session, Permission.UPDATE));
    try (StagedFiles staged = registry.files().stage()) {
      Digest digest = staged.add(content);
      Document document =
          new Document(
              version,
              kind,
              digest,
              content.length,
              mediaType,
              ModelVersion.Stamp.of(registry.now(), registry.principal()));
      return registry
          .changes()
          .apply(
              Permission.UPDATE,
              version.name(),
              (session, audit) -> {
                requireVersion(session);
                List<Document> there = ofKind(session, kind);
                if (seen.isPresent() && !seen.get().equals(there)) {
                  throw new ConflictException(
                      "The " + kind + " of " + version + " was changed meanwhile; try again", true);
                }
                Optional<Document> same =
                    there.stream().filter(d -> d.digest().equals(digest)).findFirst();
                if (same.isPresent()) {
                  return same.get();
                }
                Optional<String> before = Optional.empty();
                if (mode == Mode.IN_PLACE_OF_OTHERS) {
                  for (Document old : there) {
                    registry.governance().documents().remove(session, old);
                    before = Optional.of(describe(old));
                  }
                }
                registry.governance().documents().add(session, document);
                audit.record(change("attach", before, Optional.of(describe(document)), ""));
                staged.publish();
                return document;
              });
    }
  }

  /** Every document of the version, oldest first. */
  public List<Document> list() {
    return read(session -> registry.governance().documents().ofVersion(session, version));
  }

  /** Those of a kind, oldest first. */
  public List<Document> list(String kind) {
    return read(session -> ofKind(session, kind));
  }

  private List<Document> ofKind(Session session, String kind) throws SQLException {
    return registry.governance().documents().ofVersion(session, version).stream()
        .filter(document -> document.kind().equals(kind))
        .toList();
  }

  /**
   * A document's content.
   *
   * @throws NotFoundException if it is not attached to this version any more
   * @throws FormatException if it is damaged
   * @throws StorageException if it cannot be read
   */
  public byte[] read(Document document) {
    requireAttached(document);
    return registry.governance().content(document.digest());
  }

  /**
   * Removes a document; its content goes when nothing else has it.
   *
   * @param reason why; may be empty
   * @throws NotFoundException if it is not attached to this version
   */
  public void detach(Document document, String reason) {
    registry
        .changes()
        .apply(
            Permission.UPDATE,
            version.name(),
            (session, audit) -> {
              if (!document.version().equals(version)
                  || !registry.governance().documents().remove(session, document)) {
                throw notAttached(
                    document, registry.governance().documents().ofVersion(session, version));
              }
              audit.record(
                  change("detach", Optional.of(describe(document)), Optional.empty(), reason));
              return document;
            });
  }

  /**
   * The version's checklist.
   *
   * @throws FormatException if it is damaged
   */
  public Optional<Checklist> checklist() {
    return registry.governance().checklist(list(Document.CHECKLIST));
  }

  /** Keeps a checklist in place of the one before. */
  public Document checklist(Checklist checklist) {
    return checklist(checklist, Optional.empty());
  }

  private Document checklist(Checklist checklist, Optional<List<Document>> seen) {
    byte[] content = checklist.write().getBytes(StandardCharsets.UTF_8);
    requireSize(Document.CHECKLIST, content.length);
    return store(Document.CHECKLIST, content, JSON, Mode.IN_PLACE_OF_OTHERS, seen);
  }

  /**
   * Answers one question of the checklist, of {@link Checklist#standard} if there is none yet.
   *
   * @param item its name
   * @param evidence what the answer rests on, if there is something
   * @throws NotFoundException if it is not on the checklist; lists what is
   * @throws ConflictException if somebody else changed the checklist meanwhile; worth trying again
   */
  public Document answer(String item, String text, Optional<Document> evidence) {
    evidence.ifPresent(this::requireAttached);
    List<Document> seen = list(Document.CHECKLIST);
    Checklist present = registry.governance().checklist(seen).orElseGet(Checklist::standard);
    Checklist.Answer answer =
        new Checklist.Answer(
            text,
            ModelVersion.Stamp.of(registry.now(), registry.principal()),
            evidence.map(Document::digest));
    return checklist(present.answered(item, answer), Optional.of(seen));
  }

  private void requireAttached(Document document) {
    List<Document> attached = list();
    boolean there =
        attached.stream()
            .anyMatch(
                d -> d.digest().equals(document.digest()) && d.kind().equals(document.kind()));
    if (!there || !document.version().equals(version)) {
      throw notAttached(document, attached);
    }
  }

  private static NotFoundException notAttached(Document document, List<Document> attached) {
    return new NotFoundException(
        "document " + document,
        attached.stream().map(Document::toString).toList(),
        "It is not attached to this version, or no longer");
  }

  private <T> T read(Work<T> work) {
    return registry
        .transactions()
        .read(
            session -> {
              require(session, Permission.READ);
              return work.run(session);
            });
  }

  private boolean require(Session session, Permission permission) throws SQLException {
    registry
        .access()
        .require(session, registry.principal(), permission, version.name(), Access.ANY);
    requireVersion(session);
    return true;
  }

  private void requireVersion(Session session) throws SQLException {
    if (registry.versionTable().place(session, version).isEmpty()) {
      throw new NotFoundException("version " + version, List.of(), "It has been deleted");
    }
  }

  private Change change(
      String action, Optional<String> before, Optional<String> after, String reason) {
    return new Change(action, version.toString(), before, after, reason);
  }

  private static String describe(Document document) {
    return document.kind() + " " + document.digest().hex();
  }
}
