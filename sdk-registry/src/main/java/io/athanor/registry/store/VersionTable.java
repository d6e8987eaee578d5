package io.athanor.registry.store;

import io.athanor.api.common.DType;
import io.athanor.api.common.Digest;
import io.athanor.api.registry.Manifest;
import io.athanor.api.registry.ModelFacts;
import io.athanor.api.registry.ModelKind;
import io.athanor.api.registry.ModelNotes;
import io.athanor.api.registry.ModelType;
import io.athanor.api.registry.ModelVersion;
import io.athanor.api.registry.Principal;
import io.athanor.api.registry.Relation;
import io.athanor.api.registry.SemanticVersion;
import io.athanor.api.registry.Verdict;
import io.athanor.api.registry.VersionId;
import io.athanor.api.registry.VersionState;
import java.nio.file.Path;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.Set;

/** Versions and all that hangs on them. Thread-safe. */
public final class VersionTable {
  /** How many keys the statements have room for, so that few different ones are prepared. */
  private static final List<Integer> ROOM = List.of(1, 10, 100, 500);

  private static final int CHUNK = 500;
  private static final List<String> OWN =
      List.of(
          "number",
          "digest",
          "created",
          "created_by",
          "updated",
          "updated_by",
          "revision",
          "semantic",
          "type",
          "kind",
          "relation",
          "state",
          "task",
          "architecture",
          "backend",
          "number_format",
          "parameters",
          "context_length",
          "bytes",
          "weights",
          "base",
          "plan",
          "job",
          "description",
          "licence",
          "terms",
          "specialisation",
          "report",
          "verdict",
          "folder");
  private static final String COLUMNS =
      "SELECT v.id, m.name, v."
          + String.join(", v.", OWN)
          + ", pm.name AS parent_name, p.number AS parent_number"
          + " FROM version v JOIN model m ON m.id = v.model_id"
          + " LEFT JOIN version p ON p.id = v.parent_id LEFT JOIN model pm ON pm.id = p.model_id";

  private final Files files;
  private final WordTable words = new WordTable();

  /**
   * @param files where the files of versions lie
   */
  public VersionTable(Files files) {
    this.files = files;
  }

  /** Where the files of versions lie. */
  @FunctionalInterface
  public interface Files {
    /**
     * The folder of a version, fetched if it has to be.
     *
     * @param place below the registry's folder
     * @param manifest what must be in it
     */
    Path folder(String place, Manifest manifest);
  }

  /** The next number of a model; gone for good once the transaction ends well. */
  public VersionId allocate(Session session, String name) throws SQLException {
    Optional<Integer> next =
        session.first("SELECT next_number FROM model WHERE name = ?", row -> row.getInt(1), name);
    if (next.isEmpty()) {
      session.update("INSERT INTO model (name, next_number) VALUES (?, 2)", name);
      return new VersionId(name, 1);
    }
    session.update("UPDATE model SET next_number = next_number + 1 WHERE name = ?", name);
    return new VersionId(name, next.get());
  }

  /** Clocks of several machines disagree; the times of registration stay in order. */
  public Instant notBeforeOthers(Session session, Instant now) throws SQLException {
    return session
        .first(
            "SELECT created FROM version ORDER BY id DESC LIMIT 1",
            row -> Micros.at(row.getLong(1)))
        .filter(now::isBefore)
        .orElse(now);
  }

  /**
   * Adds a version; its parent, if it has one, must be there.
   *
   * @param place of its files, below the registry's folder
   */
  public void insert(Session session, ModelVersion version, String place) throws SQLException {
    Optional<Long> parent = Optional.empty();
    if (version.parent().isPresent()) {
      parent = key(session, version.parent().get());
    }
    ModelFacts facts = version.facts();
    ModelNotes notes = version.notes();
    long key =
        session.insert(
            "INSERT INTO version (model_id, parent_id, "
                + String.join(", ", OWN)
                + ") VALUES ((SELECT id FROM model WHERE name = ?), ?, "
                + Session.placeholders(OWN.size())
                + ")",
            version.name(),
            parent.orElse(null),
            version.number(),
            version.digest().hex(),
            Micros.of(version.created().at()),
            who(version.created()),
            Micros.of(version.updated().at()),
            who(version.updated()),
            version.revision(),
            version.semanticVersion().map(SemanticVersion::toString).orElse(null),
            facts.type().name(),
            version.kind().name(),
            version.relation().name(),
            version.state().name(),
            facts.task().orElse(null),
            facts.architecture().orElse(null),
            facts.backend().orElse(null),
            facts.precision().map(DType::name).orElse(null),
            facts.parameters().isPresent() ? facts.parameters().getAsLong() : null,
            facts.contextLength().isPresent() ? facts.contextLength().getAsInt() : null,
            version.bytes(),
            facts.weights().map(Digest::hex).orElse(null),
            facts.base().map(Digest::hex).orElse(null),
            facts.plan().orElse(null),
            version.job().orElse(null),
            notes.description(),
            notes.licence().orElse(null),
            notes.terms().orElse(null),
            notes.specialisation().orElse(null),
            version.report().map(Digest::hex).orElse(null),
            version.verdict().name(),
            place);
    for (Manifest.Entry file : version.manifest().files()) {
      session.update(
          "INSERT INTO version_file (version_id, path, bytes, digest) VALUES (?, ?, ?, ?)",
          key,
          file.path(),
          file.bytes(),
          file.digest().hex());
    }
    for (Map.Entry<String, Double> metric : version.metrics().entrySet()) {
      session.update(
          "INSERT INTO version_metric (version_id, name, value) VALUES (?, ?, ?)",
          key,
          metric.getKey(),
          metric.getValue());
    }
    for (Map.Entry<String, String> tag : notes.tags().entrySet()) {
      session.update(
          "INSERT INTO version_tag (version_id, name, value) VALUES (?, ?, ?)",
          key,
          tag.getKey(),
          tag.getValue());
    }
    for (int i = 0; i < facts.data().size(); i++) {
      session.update(
          "INSERT INTO version_data (version_id, position, fingerprint) VALUES (?, ?, ?)",
          key,
          i,
          facts.data().get(i).hex());
    }
    words.write(session, key);
  }

  /** Removes a version that no alias and no child points to. */
  public void delete(Session session, VersionId id) throws SQLException {
    session.update("DELETE FROM version WHERE id = ?", key(session, id).orElseThrow());
  }

  /** The version's key, if it is there. */
  Optional<Long> key(Session session, VersionId id) throws SQLException {
    return session.first(
        "SELECT v.id FROM version v JOIN model m ON m.id = v.model_id"
            + " WHERE m.name = ? AND v.number = ?",
        row -> row.getLong(1),
        id.name(),
        id.number());
  }

  public Optional<ModelVersion> find(Session session, VersionId id) throws SQLException {
    Optional<Long> key = key(session, id);
    return key.isEmpty() ? Optional.empty() : load(session, List.of(key.get())).stream().findAny();
  }

  /** The version of a model that has a semantic version. */
  public Optional<VersionId> find(Session session, String name, SemanticVersion semantic)
      throws SQLException {
    return session.first(
        "SELECT v.number FROM version v JOIN model m ON m.id = v.model_id"
            + " WHERE m.name = ? AND v.semantic = ?",
        row -> new VersionId(name, row.getInt(1)),
        name,
        semantic.toString());
  }

  /** Names of the models that have a version. */
  public List<String> names(Session session) throws SQLException {
    return session.query(
        "SELECT name FROM model m WHERE EXISTS (SELECT 1 FROM version v WHERE v.model_id = m.id)"
            + " ORDER BY name",
        row -> row.getString(1));
  }

  /** Versions of a model, oldest first. */
  public List<ModelVersion> ofModel(Session session, String name) throws SQLException {
    return load(
        session,
        session.query(
            "SELECT v.id FROM version v JOIN model m ON m.id = v.model_id"
                + " WHERE m.name = ? ORDER BY v.number",
            row -> row.getLong(1),
            name));
  }

  /** Places of the folders of all versions. */
  public Set<String> places(Session session) throws SQLException {
    return new HashSet<>(session.query("SELECT folder FROM version", row -> row.getString(1)));
  }

  /** The place of a version's folder. */
  public Optional<String> place(Session session, VersionId id) throws SQLException {
    return session.first(
        "SELECT v.folder FROM version v JOIN model m ON m.id = v.model_id"
            + " WHERE m.name = ? AND v.number = ?",
        row -> row.getString(1),
        id.name(),
        id.number());
  }

  /** Every version there is. */
  public List<VersionId> ids(Session session) throws SQLException {
    return session.query(
        "SELECT m.name, v.number FROM version v JOIN model m ON m.id = v.model_id"
            + " ORDER BY m.name, v.number",
        row -> new VersionId(row.getString(1), row.getInt(2)));
  }

  /** Versions made from this one, directly. */
  public List<VersionId> children(Session session, VersionId id) throws SQLException {
    return session.query(
        "SELECT m.name, v.number FROM version v JOIN model m ON m.id = v.model_id"
            + " WHERE v.parent_id = ? ORDER BY m.name, v.number",
        row -> new VersionId(row.getString(1), row.getInt(2)),
        key(session, id).orElse(null));
  }

  /** Versions made from this one, directly or not, oldest first. */
  public List<ModelVersion> descendants(Session session, VersionId id) throws SQLException {
    return load(
        session,
        session.query(
            "WITH RECURSIVE made (id) AS (SELECT id FROM version WHERE parent_id = ?"
                + " UNION SELECT v.id FROM version v JOIN made ON v.parent_id = made.id)"
                + " SELECT v.id FROM version v JOIN made ON made.id = v.id"
                + " ORDER BY v.created, v.id",
            row -> row.getLong(1),
            key(session, id).orElse(null)));
  }

  /** The newest version with these weights. */
  public Optional<VersionId> newestWithWeights(Session session, Digest weights)
      throws SQLException {
    return session.first(
        "SELECT m.name, v.number FROM version v JOIN model m ON m.id = v.model_id"
            + " WHERE v.weights = ? ORDER BY v.created DESC, v.id DESC LIMIT 1",
        row -> new VersionId(row.getString(1), row.getInt(2)),
        weights.hex());
  }

  /** Whether a version has a file or a report with this content. */
  public boolean uses(Session session, Digest content) throws SQLException {
    return session.exists("SELECT 1 FROM version_file WHERE digest = ? LIMIT 1", content.hex())
        || session.exists("SELECT 1 FROM version WHERE report = ? LIMIT 1", content.hex())
        || session.exists("SELECT 1 FROM version_document WHERE digest = ? LIMIT 1", content.hex());
  }

  /** Models whose next number has been given away already. */
  public List<String> numberProblems(Session session) throws SQLException {
    return session.query(
        "SELECT m.name, m.next_number, MAX(v.number) FROM model m"
            + " JOIN version v ON v.model_id = m.id"
            + " GROUP BY m.id HAVING MAX(v.number) >= m.next_number",
        row ->
            "model '"
                + row.getString(1)
                + "' would give number "
                + row.getInt(2)
                + " next and has a version "
                + row.getInt(3));
  }

  /** The versions of some keys, in their order. */
  List<ModelVersion> load(Session session, List<Long> keys) throws SQLException {
    List<ModelVersion> all = new ArrayList<>(keys.size());
    for (int from = 0; from < keys.size(); from += CHUNK) {
      all.addAll(loadChunk(session, keys.subList(from, Math.min(from + CHUNK, keys.size()))));
    }
    return all;
  }

  private List<ModelVersion> loadChunk(Session session, List<Long> keys) throws SQLException {
    int room = ROOM.stream().filter(size -> size >= keys.size()).findFirst().orElse(CHUNK);
    Object[] values = new Object[room];
    Arrays.setAll(values, i -> keys.get(Math.min(i, keys.size() - 1)));
    String in = " IN (" + Session.placeholders(room) + ")";
    Details details = new Details();
    session.query(
        "SELECT version_id, path, bytes, digest FROM version_file WHERE version_id" + in,
        row ->
            details
                .of(row)
                .files
                .add(
                    new Manifest.Entry(
                        row.getString(2), row.getLong(3), new Digest(row.getString(4)))),
        values);
    session.query(
        "SELECT version_id, name, value FROM version_metric WHERE version_id" + in,
        row -> details.of(row).metrics.put(row.getString(2), row.getDouble(3)) == null,
        values);
    session.query(
        "SELECT version_id, name, value FROM version_tag WHERE version_id" + in,
        row -> details.of(row).tags.put(row.getString(2), row.getString(3)) == null,
        values);
    session.query(
        "SELECT version_id, fingerprint FROM version_data WHERE version_id"
            + in
            + " ORDER BY version_id, position",
        row -> details.of(row).data.add(new Digest(row.getString(2))),
        values);
    Map<Long, ModelVersion> loaded = new HashMap<>();
    session.query(
        COLUMNS + " WHERE v.id" + in,
        row -> loaded.put(row.getLong("id"), version(row, details.of(row))) == null,
        values);
    return keys.stream().map(loaded::get).toList();
  }

  private ModelVersion version(ResultSet row, Details.OfOne details) throws SQLException {
    Manifest manifest = new Manifest(details.files);
    String place = row.getString("folder");
    ModelVersion.Builder version =
        ModelVersion.builder(
                new VersionId(row.getString("name"), row.getInt("number")),
                stamp(row, "created"),
                manifest,
                () -> files.folder(place, manifest))
            .updated(stamp(row, "updated"), row.getInt("revision"))
            .kind(ModelKind.valueOf(row.getString("kind")))
            .relation(Relation.valueOf(row.getString("relation")))
            .state(VersionState.valueOf(row.getString("state")))
            .facts(facts(row, details))
            .notes(
                new ModelNotes(
                    row.getString("description"),
                    text(row, "licence"),
                    text(row, "terms"),
                    text(row, "specialisation"),
                    details.tags))
            .metrics(details.metrics);
    text(row, "semantic").map(SemanticVersion::of).ifPresent(version::semanticVersion);
    text(row, "job").ifPresent(version::job);
    Verdict verdict = Verdict.valueOf(row.getString("verdict"));
    digest(row, "report").ifPresent(report -> version.report(report, verdict));
    int parent = row.getInt("parent_number");
    text(row, "parent_name").ifPresent(name -> version.parent(new VersionId(name, parent)));
    return version.build();
  }

  private static ModelFacts facts(ResultSet row, Details.OfOne details) throws SQLException {
    long parameters = row.getLong("parameters");
    OptionalLong trained = row.wasNull() ? OptionalLong.empty() : OptionalLong.of(parameters);
    int contextLength = row.getInt("context_length");
    OptionalInt tokens = row.wasNull() ? OptionalInt.empty() : OptionalInt.of(contextLength);
    return new ModelFacts(
        ModelType.valueOf(row.getString("type")),
        text(row, "task"),
        text(row, "architecture"),
        text(row, "backend"),
        text(row, "number_format").map(DType::valueOf),
        trained,
        tokens,
        digest(row, "weights"),
        details.data,
        digest(row, "base"),
        text(row, "plan"));
  }

  private static ModelVersion.Stamp stamp(ResultSet row, String column) throws SQLException {
    return new ModelVersion.Stamp(
        Micros.at(row.getLong(column)),
        text(row, column + "_by").filter(name -> !name.isEmpty()).map(Principal::new));
  }

  private static String who(ModelVersion.Stamp stamp) {
    return stamp.by().map(Principal::name).orElse("");
  }

  private static Optional<String> text(ResultSet row, String column) throws SQLException {
    return Optional.ofNullable(row.getString(column));
  }

  private static Optional<Digest> digest(ResultSet row, String column) throws SQLException {
    return text(row, column).map(Digest::new);
  }

  /** What the other tables say of some versions; the key is in the first column of every row. */
  private static final class Details {
    private final Map<Long, OfOne> all = new HashMap<>();

    OfOne of(ResultSet row) throws SQLException {
      return all.computeIfAbsent(row.getLong(1), key -> new OfOne());
    }

    private static final class OfOne {
      final List<Manifest.Entry> files = new ArrayList<>();
      final Map<String, Double> metrics = new HashMap<>();
      final Map<String, String> tags = new HashMap<>();
      final List<Digest> data = new ArrayList<>();
    }
  }
}
