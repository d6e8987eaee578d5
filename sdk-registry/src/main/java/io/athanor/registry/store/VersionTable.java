package io.athanor.registry.store;

import io.athanor.api.common.Digest;
import io.athanor.api.registry.Manifest;
import io.athanor.api.registry.ModelVersion;
import io.athanor.api.registry.Verdict;
import io.athanor.api.registry.VersionId;
import java.nio.file.Path;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;

/** Versions and all that hangs on them. Thread-safe. */
public final class VersionTable {
  private static final int CHUNK = 500;
  private static final String COLUMNS =
      "SELECT v.id, m.name, v.number, v.created, v.architecture, v.task, v.parameters, v.weights,"
          + " v.description, v.report, v.verdict, v.base, pm.name AS parent_name,"
          + " p.number AS parent_number"
          + " FROM version v JOIN model m ON m.id = v.model_id"
          + " LEFT JOIN version p ON p.id = v.parent_id LEFT JOIN model pm ON pm.id = p.model_id";

  private final Function<VersionId, Path> folders;

  /**
   * @param folders where the files of a version lie
   */
  public VersionTable(Function<VersionId, Path> folders) {
    this.folders = folders;
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

  /** Adds a version; its parent, if it has one, must be there. */
  public void insert(Session session, ModelVersion version) throws SQLException {
    Optional<Long> parent = Optional.empty();
    if (version.parent().isPresent()) {
      parent = key(session, version.parent().get());
    }
    long key =
        session.insert(
            "INSERT INTO version (model_id, number, digest, created, architecture, task,"
                + " parameters, weights, description, report, verdict, base, parent_id)"
                + " VALUES ((SELECT id FROM model WHERE name = ?),"
                + " ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            version.name(),
            version.number(),
            version.digest().hex(),
            Micros.of(version.created()),
            version.architecture().orElse(null),
            version.task().orElse(null),
            version.parameters().isPresent() ? version.parameters().getAsLong() : null,
            version.weights().map(Digest::hex).orElse(null),
            version.description(),
            version.report().map(Digest::hex).orElse(null),
            version.verdict().name(),
            version.base().map(Digest::hex).orElse(null),
            parent.orElse(null));
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
    for (Map.Entry<String, String> tag : version.tags().entrySet()) {
      session.update(
          "INSERT INTO version_tag (version_id, name, value) VALUES (?, ?, ?)",
          key,
          tag.getKey(),
          tag.getValue());
    }
    for (int i = 0; i < version.data().size(); i++) {
      session.update(
          "INSERT INTO version_data (version_id, position, fingerprint) VALUES (?, ?, ?)",
          key,
          i,
          version.data().get(i).hex());
    }
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
        || session.exists("SELECT 1 FROM version WHERE report = ? LIMIT 1", content.hex());
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
    Object[] values = keys.toArray();
    String in = " IN (" + Session.placeholders(keys.size()) + ")";
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
    VersionId id = new VersionId(row.getString("name"), row.getInt("number"));
    ModelVersion.Builder version =
        ModelVersion.builder(
                id,
                Micros.at(row.getLong("created")),
                new Manifest(details.files),
                folders.apply(id))
            .description(row.getString("description"))
            .metrics(details.metrics)
            .tags(details.tags)
            .data(details.data);
    String architecture = row.getString("architecture");
    if (architecture != null) {
      version.architecture(architecture);
    }
    String task = row.getString("task");
    if (task != null) {
      version.task(task);
    }
    long parameters = row.getLong("parameters");
    if (!row.wasNull()) {
      version.parameters(parameters);
    }
    String weights = row.getString("weights");
    if (weights != null) {
      version.weights(new Digest(weights));
    }
    String report = row.getString("report");
    if (report != null) {
      version.report(new Digest(report), Verdict.valueOf(row.getString("verdict")));
    }
    String base = row.getString("base");
    if (base != null) {
      version.base(new Digest(base));
    }
    String parent = row.getString("parent_name");
    if (parent != null) {
      version.parent(new VersionId(parent, row.getInt("parent_number")));
    }
    return version.build();
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
