package io.athanor.registry.archive;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.athanor.api.common.Digest;
import io.athanor.api.common.JsonFields;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.StorageException;
import io.athanor.api.registry.Manifest;
import io.athanor.api.registry.ModelVersion;
import io.athanor.api.registry.VersionId;
import io.athanor.registry.governance.Document;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Function;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * A version as one file: an OCI image layout in a tar, with a layer for each file, for the
 * evaluation report and for each document, and the version's record as configuration. Not
 * thread-safe; close it.
 *
 * @see <a href="https://github.com/opencontainers/image-spec/blob/main/image-layout.md">OCI image
 *     layout</a>
 */
public final class VersionArchive implements AutoCloseable {
  /** Of the whole: says to other tools what the image is. */
  public static final String ARTIFACT_TYPE = "application/vnd.athanor.model.version.v1";

  /** Of the record. */
  public static final String RECORD_TYPE = "application/vnd.athanor.model.version.v1+json";

  static final String FILE_TYPE = "application/vnd.athanor.model.file.v1";
  static final String REPORT_TYPE = "application/vnd.athanor.evaluation.report.v1+json";
  static final String DOCUMENT_TYPE = "application/vnd.athanor.document.v1";

  private static final String INDEX_TYPE = "application/vnd.oci.image.index.v1+json";
  private static final String MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json";
  private static final String TITLE = "org.opencontainers.image.title";
  private static final String REFERENCE = "org.opencontainers.image.ref.name";
  private static final String KIND = "io.athanor.document.kind";
  private static final String CONTENT_TYPE = "io.athanor.document.media-type";
  private static final String LAYOUT = "oci-layout";
  private static final String INDEX = "index.json";
  private static final String BLOBS = "blobs/sha256/";
  private static final Pattern NAMES =
      Pattern.compile("oci-layout|index\\.json|blobs/|blobs/sha256/|blobs/sha256/[0-9a-f]{64}");

  private static final int MOST_ENTRIES = 100_000;
  private static final int MOST_INDEX_BYTES = 1 << 20;
  private static final int MOST_MANIFEST_BYTES = 1 << 26;
  private static final int MOST_DOCUMENT_BYTES = 1 << 27;
  private static final int MOST_DOCUMENTS = 1000;
  private static final int MOST_TYPE_LENGTH = 300;

  /** How much more than the archive the layers may have together, where they share contents. */
  private static final int MOST_SHARING = 8;

  private static final long FREE_SHARING = 1 << 26;

  private final ArchiveReader archive;
  private final Digest identity;
  private final VersionRecord record;
  private final byte[] recordText;
  private final Manifest files;
  private final Optional<Layer> report;
  private final List<Layer> documents;

  /** Something the manifest names. */
  private record Layer(
      String mediaType, Digest digest, long bytes, Map<String, String> annotations) {}

  /** A document in an archive. */
  public static final class Attachment {
    private final String kind;
    private final String mediaType;
    private final byte[] content;

    /**
     * @param kind see {@link Document}
     * @param content is not copied
     */
    public Attachment(String kind, String mediaType, byte[] content) {
      this.kind = kind;
      this.mediaType = mediaType;
      this.content = content;
    }

    public String kind() {
      return kind;
    }

    public String mediaType() {
      return mediaType;
    }

    /** Not to be changed. */
    public byte[] content() {
      return content;
    }
  }

  private VersionArchive(ArchiveReader archive) {
    this.archive = archive;
    Set<String> mentioned = new HashSet<>(Set.of(LAYOUT, INDEX));
    requireLayout();
    Layer entry = manifestEntry();
    this.identity = entry.digest();
    JsonFields manifest = json(entry, MOST_MANIFEST_BYTES, mentioned);
    require(manifest, "mediaType", MANIFEST_TYPE);
    require(manifest, "artifactType", ARTIFACT_TYPE);
    Layer config = layer(manifest.object("config"));
    if (!config.mediaType().equals(RECORD_TYPE)) {
      throw unknown(config);
    }
    this.recordText = content(config, MOST_DOCUMENT_BYTES, mentioned);
    this.record =
        VersionRecord.read(
            archive.source() + ", " + name(config), new String(recordText, StandardCharsets.UTF_8));
    long unpacked = 0;
    List<Manifest.Entry> listed = new ArrayList<>();
    List<Layer> reports = new ArrayList<>();
    this.documents = new ArrayList<>();
    for (Layer layer : manifest.objects("layers", MOST_ENTRIES, this::layer)) {
      mentioned.add(name(layer));
      unpacked += layer.bytes();
      if (unpacked > archive.length() * MOST_SHARING + FREE_SHARING) {
        throw archive.fail(
            "its layers have more than "
                + MOST_SHARING
                + " times the bytes of the archive; it was made to fill disks");
      }
      switch (layer.mediaType()) {
        case FILE_TYPE ->
            listed.add(new Manifest.Entry(title(layer), layer.bytes(), layer.digest()));
        case REPORT_TYPE -> reports.add(layer);
        case DOCUMENT_TYPE -> documents.add(document(layer));
        default -> throw unknown(layer);
      }
    }
    if (reports.size() > 1 || documents.size() > MOST_DOCUMENTS) {
      throw archive.fail(
          "expected at most one evaluation report and "
              + MOST_DOCUMENTS
              + " documents, got "
              + reports.size()
              + " and "
              + documents.size());
    }
    this.report = reports.stream().findFirst();
    this.files = manifest(listed);
    for (String name : archive.names()) {
      if (!mentioned.contains(name)) {
        throw archive.fail("'" + name + "' is in the archive, and nothing refers to it");
      }
    }
  }

  /**
   * Writes a version to a file; the same state of a version gives the same bytes.
   *
   * @param parent the version it was made from, if that is still there
   * @param documents what is attached to it
   * @param contents where a content lies
   * @throws FormatException if a content is damaged
   * @throws StorageException if the file cannot be written; what was there before is untouched
   */
  public static void write(
      Path file,
      ModelVersion version,
      Optional<ModelVersion> parent,
      List<Document> documents,
      Function<Digest, Path> contents,
      Pace pace) {
    byte[] config = utf8(VersionRecord.write(version, parent, documents));
    Map<Digest, Path> blobs = new LinkedHashMap<>();
    ObjectNode manifest = object();
    manifest.put("schemaVersion", 2);
    manifest.put("mediaType", MANIFEST_TYPE);
    manifest.put("artifactType", ARTIFACT_TYPE);
    manifest.set("config", descriptor(RECORD_TYPE, Digest.of(config), config.length));
    ArrayNode layers = manifest.putArray("layers");
    Path folder = version.folder();
    for (Manifest.Entry entry : version.manifest().files()) {
      ObjectNode layer = descriptor(FILE_TYPE, entry.digest(), entry.bytes());
      layer.putObject("annotations").put(TITLE, entry.path());
      layers.add(layer);
      blobs.putIfAbsent(entry.digest(), folder.resolve(entry.path()));
    }
    version
        .report()
        .ifPresent(
            digest -> {
              Path content = contents.apply(digest);
              layers.add(descriptor(REPORT_TYPE, digest, size(content)));
              blobs.putIfAbsent(digest, content);
            });
    for (Document document : documents) {
      ObjectNode layer = descriptor(DOCUMENT_TYPE, document.digest(), document.bytes());
      layer
          .putObject("annotations")
          .put(KIND, document.kind())
          .put(CONTENT_TYPE, document.mediaType());
      layers.add(layer);
      blobs.putIfAbsent(document.digest(), contents.apply(document.digest()));
    }
    byte[] manifestText = utf8(manifest);
    pace.expect(version.bytes());
    ArchiveWriter.write(
        file,
        pace,
        archive -> {
          archive.add(LAYOUT, utf8(object().put("imageLayoutVersion", "1.0.0")));
          archive.add(INDEX, utf8(index(version.id(), manifestText)));
          archive.add(BLOBS + Digest.of(manifestText).hex(), manifestText);
          archive.add(BLOBS + Digest.of(config).hex(), config);
          for (Map.Entry<Digest, Path> blob : blobs.entrySet()) {
            archive.add(BLOBS + blob.getKey().hex(), blob.getValue(), blob.getKey());
          }
        });
  }

  private static ObjectNode index(VersionId id, byte[] manifest) {
    ObjectNode index = object();
    index.put("schemaVersion", 2);
    index.put("mediaType", INDEX_TYPE);
    ObjectNode entry = descriptor(MANIFEST_TYPE, Digest.of(manifest), manifest.length);
    entry.put("artifactType", ARTIFACT_TYPE);
    entry.putObject("annotations").put(REFERENCE, id.toString());
    index.putArray("manifests").add(entry);
    return index;
  }

  private static ObjectNode descriptor(String mediaType, Digest digest, long bytes) {
    ObjectNode json = object();
    json.put("mediaType", mediaType);
    json.put("digest", digest.toString());
    json.put("size", bytes);
    return json;
  }

  private static ObjectNode object() {
    return JsonNodeFactory.instance.objectNode();
  }

  private static byte[] utf8(ObjectNode json) {
    return json.toString().getBytes(StandardCharsets.UTF_8);
  }

  private static long size(Path file) {
    try {
      return Files.size(file);
    } catch (IOException e) {
      throw new StorageException(
          file.toString(), "cannot be read (" + e + "). Restore it from a copy", e);
    }
  }

  /**
   * Opens an archive and checks everything but the content of its files.
   *
   * @throws FormatException if it is not what it should be; says what and where
   * @throws StorageException if it cannot be read
   */
  public static VersionArchive open(Path file) {
    ArchiveReader archive = ArchiveReader.open(file, NAMES, MOST_ENTRIES);
    boolean opened = false;
    try {
      VersionArchive version = new VersionArchive(archive);
      opened = true;
      return version;
    } finally {
      if (!opened) {
        archive.close();
      }
    }
  }

  private void requireLayout() {
    String version =
        JsonFields.parse(where(LAYOUT), archive.text(LAYOUT, MOST_INDEX_BYTES))
            .text("imageLayoutVersion");
    if (!version.equals("1.0.0")) {
      throw archive.fail("expected OCI image layout 1.0.0, got '" + version + "'");
    }
  }

  private Layer manifestEntry() {
    JsonFields index = JsonFields.parse(where(INDEX), archive.text(INDEX, MOST_INDEX_BYTES));
    List<Layer> manifests = index.objects("manifests", 1, this::layer);
    if (manifests.isEmpty()) {
      throw index.fail("no manifest; expected one");
    }
    if (!manifests.get(0).mediaType().equals(MANIFEST_TYPE)) {
      throw unknown(manifests.get(0));
    }
    return manifests.get(0);
  }

  private Layer layer(JsonFields json) {
    String digest = json.text("digest");
    if (!digest.matches("sha256:[0-9a-f]{64}")) {
      throw json.fail(
          "'digest' must be sha256: and 64 hexadecimal digits, got '"
              + ArchiveReader.printable(digest)
              + "'");
    }
    Map<String, String> annotations = new HashMap<>();
    if (json.has("annotations")) {
      JsonFields written = json.object("annotations");
      written.names().forEach(name -> annotations.put(name, written.text(name)));
    }
    Layer layer =
        new Layer(
            json.text("mediaType"),
            new Digest(digest.substring("sha256:".length())),
            json.integer("size"),
            annotations);
    long actual = archive.size(name(layer));
    if (layer.bytes() != actual) {
      throw json.fail("'size' says " + layer.bytes() + " bytes, " + name(layer) + " has " + actual);
    }
    return layer;
  }

  private Layer document(Layer layer) {
    String kind = annotation(layer, KIND);
    if (!VersionId.isName(kind) || annotation(layer, CONTENT_TYPE).length() > MOST_TYPE_LENGTH) {
      throw archive.fail(
          "'" + ArchiveReader.printable(kind) + "' is no kind of document, or its type too long");
    }
    return layer;
  }

  private String title(Layer layer) {
    String title = annotation(layer, TITLE);
    SafePath.require(archive.source(), title);
    return title;
  }

  private String annotation(Layer layer, String key) {
    String value = layer.annotations().get(key);
    if (value == null) {
      throw archive.fail("layer " + layer.digest() + " lacks the annotation '" + key + "'");
    }
    return value;
  }

  private Manifest manifest(List<Manifest.Entry> listed) {
    if (listed.isEmpty()) {
      throw archive.fail("there is no model file; expected at least one");
    }
    SafePath.requireTogether(archive.source(), listed.stream().map(Manifest.Entry::path).toList());
    Manifest manifest = new Manifest(listed);
    if (!manifest.digest().equals(record.digest())) {
      throw archive.fail(
          "the record speaks of a version with digest "
              + record.digest()
              + ", the files are those of "
              + manifest.digest());
    }
    return manifest;
  }

  private JsonFields json(Layer layer, int limit, Set<String> mentioned) {
    byte[] content = content(layer, limit, mentioned);
    return JsonFields.parse(where(name(layer)), new String(content, StandardCharsets.UTF_8));
  }

  private byte[] content(Layer layer, int limit, Set<String> mentioned) {
    mentioned.add(name(layer));
    return archive.bytes(name(layer), layer.digest(), limit);
  }

  private static void require(JsonFields json, String field, String expected) {
    String value = json.text(field);
    if (!value.equals(expected)) {
      throw json.fail("'" + field + "' must be " + expected + ", got '" + value + "'");
    }
  }

  private FormatException unknown(Layer layer) {
    return archive.fail(
        name(layer)
            + " has the unknown media type '"
            + ArchiveReader.printable(layer.mediaType())
            + "'; a newer version may have written it");
  }

  private static String name(Layer layer) {
    return BLOBS + layer.digest().hex();
  }

  private String where(String entry) {
    return archive.source() + ", " + entry;
  }

  /** Identifies the archive: the digest of its manifest, which names all other digests. */
  public Digest identity() {
    return identity;
  }

  public VersionRecord record() {
    return record;
  }

  /** The record as it was written. */
  public byte[] recordText() {
    return recordText.clone();
  }

  public Manifest files() {
    return files;
  }

  /** The evaluation report as JSON. */
  public Optional<String> report() {
    return report.map(
        layer ->
            new String(
                archive.bytes(name(layer), layer.digest(), MOST_DOCUMENT_BYTES),
                StandardCharsets.UTF_8));
  }

  /** The documents, read one after another. */
  public Stream<Attachment> documents() {
    return documents.stream()
        .map(
            layer ->
                new Attachment(
                    annotation(layer, KIND),
                    annotation(layer, CONTENT_TYPE),
                    archive.bytes(name(layer), layer.digest(), MOST_DOCUMENT_BYTES)));
  }

  /**
   * Writes the version's files to a folder, which is created.
   *
   * @throws FormatException if a content is not what its digest says
   */
  public void extractTo(Path folder, Pace pace) {
    pace.expect(files.bytes());
    for (Manifest.Entry file : files.files()) {
      Path target = folder.resolve(file.path());
      SafePath.makeFolder(Objects.requireNonNull(target.getParent()));
      archive.extract(BLOBS + file.digest().hex(), file.digest(), target, pace);
    }
  }

  @Override
  public void close() {
    archive.close();
  }
}
