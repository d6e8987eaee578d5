package io.athanor.registry.store;

import io.athanor.api.common.Digest;
import io.athanor.api.registry.ModelVersion;
import io.athanor.api.registry.Principal;
import io.athanor.api.registry.VersionId;
import io.athanor.registry.governance.Document;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.List;
import java.util.Optional;

/** What is attached to versions; the contents are elsewhere. Thread-safe. */
public final class DocumentTable {
  private static final String COLUMNS =
      "SELECT m.name, v.number, d.kind, d.digest, d.bytes, d.media_type, d.added, d.added_by"
          + " FROM version_document d JOIN version v ON v.id = d.version_id"
          + " JOIN model m ON m.id = v.model_id";

  private final VersionTable versions;

  public DocumentTable(VersionTable versions) {
    this.versions = versions;
  }

  /** The documents of a version, oldest first. */
  public List<Document> ofVersion(Session session, VersionId id) throws SQLException {
    return session.query(
        COLUMNS + " WHERE m.name = ? AND v.number = ? ORDER BY d.added, d.kind, d.digest",
        DocumentTable::document,
        id.name(),
        id.number());
  }

  /**
   * Adds a document to a version that is there.
   *
   * @return false if the version has it already; nothing is changed
   */
  public boolean add(Session session, Document document) throws SQLException {
    long version = versions.key(session, document.version()).orElseThrow();
    if (session.exists(
        "SELECT 1 FROM version_document WHERE version_id = ? AND kind = ? AND digest = ?",
        version,
        document.kind(),
        document.digest().hex())) {
      return false;
    }
    session.update(
        "INSERT INTO version_document (version_id, kind, digest, bytes, media_type, added, added_by)"
            + " VALUES (?, ?, ?, ?, ?, ?, ?)",
        version,
        document.kind(),
        document.digest().hex(),
        document.bytes(),
        document.mediaType(),
        Micros.of(document.added().at()),
        document.added().by().map(Principal::name).orElse(""));
    return true;
  }

  /** Removes a document; says whether it was there. */
  public boolean remove(Session session, Document document) throws SQLException {
    return session.update(
            "DELETE FROM version_document WHERE version_id = ? AND kind = ? AND digest = ?",
            versions.key(session, document.version()).orElse(null),
            document.kind(),
            document.digest().hex())
        > 0;
  }

  private static Document document(ResultSet row) throws SQLException {
    return new Document(
        new VersionId(row.getString("name"), row.getInt("number")),
        row.getString("kind"),
        new Digest(row.getString("digest")),
        row.getLong("bytes"),
        row.getString("media_type"),
        new ModelVersion.Stamp(
            Micros.at(row.getLong("added")),
            Optional.of(row.getString("added_by"))
                .filter(name -> !name.isEmpty())
                .map(Principal::new)));
  }
}
