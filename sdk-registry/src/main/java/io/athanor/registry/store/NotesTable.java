package io.athanor.registry.store;

import io.athanor.api.registry.ModelNotes;
import io.athanor.api.registry.ModelVersion;
import io.athanor.api.registry.Principal;
import io.athanor.api.registry.VersionId;
import io.athanor.api.registry.VersionState;
import java.sql.SQLException;
import java.util.Map;

/** What can be changed of a version after its registration. Thread-safe. */
public final class NotesTable {
  private final VersionTable versions;
  private final WordTable words = new WordTable();

  public NotesTable(VersionTable versions) {
    this.versions = versions;
  }

  /** Sets notes and state of a version that is there, and counts its revision up. */
  public void set(
      Session session,
      VersionId id,
      ModelNotes notes,
      VersionState state,
      ModelVersion.Stamp updated)
      throws SQLException {
    long key = versions.key(session, id).orElseThrow();
    session.update(
        "UPDATE version SET description = ?, licence = ?, terms = ?, specialisation = ?, state = ?,"
            + " updated = ?, updated_by = ?, revision = revision + 1 WHERE id = ?",
        notes.description(),
        notes.licence().orElse(null),
        notes.terms().orElse(null),
        notes.specialisation().orElse(null),
        state.name(),
        Micros.of(updated.at()),
        updated.by().map(Principal::name).orElse(""),
        key);
    session.update("DELETE FROM version_tag WHERE version_id = ?", key);
    for (Map.Entry<String, String> tag : notes.tags().entrySet()) {
      session.update(
          "INSERT INTO version_tag (version_id, name, value) VALUES (?, ?, ?)",
          key,
          tag.getKey(),
          tag.getValue());
    }
    words.write(session, key);
  }
}
