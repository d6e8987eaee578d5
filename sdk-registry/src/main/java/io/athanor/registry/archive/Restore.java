package io.athanor.registry.archive;

import io.athanor.api.common.Digest;
import io.athanor.api.error.ConflictException;
import io.athanor.api.error.FormatException;
import io.athanor.api.registry.Manifest;
import io.athanor.api.registry.VersionId;
import io.athanor.registry.blob.BlobFolder;
import io.athanor.registry.blob.StagedFiles;
import io.athanor.registry.store.AuditTable;
import io.athanor.registry.store.Migrations;
import io.athanor.registry.store.Session;
import io.athanor.registry.store.TableRows;
import io.athanor.registry.store.VersionTable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Brings a backup into an empty registry. First the files take their places, where nobody sees them
 * and garbage collection would remove them; then {@link #load} makes everything visible at once.
 * Not thread-safe; close it.
 */
public final class Restore implements AutoCloseable {
  private static final Pattern PLACE =
      Pattern.compile(
          "(models/(base|fine-tuned|specialized)|versions)/[a-z0-9][a-z0-9._-]{0,99}/[1-9][0-9]{0,8}");
  private static final int MOST_CONTENT_BYTES = 1 << 27;

  private final ArchiveReader archive;
  private final BlobFolder files;
  private final Pace pace;
  private final BackupList list;
  private final byte[] listText;
  private final StagedFiles staged;
  private final List<Planned> planned = new ArrayList<>();

  /** A version's files. */
  private static final class Planned {
    final String place;
    final Digest digest;
    final List<Manifest.Entry> files = new ArrayList<>();
    final List<Digest> others = new ArrayList<>();

    Planned(String place, Digest digest) {
      this.place = place;
      this.digest = digest;
    }
  }

  /**
   * Opens a backup and checks its list and tables.
   *
   * @throws FormatException if it is no backup, or not whole
   */
  public Restore(Path file, BlobFolder files, Pace pace) {
    this.files = files;
    this.pace = pace;
    this.archive = ArchiveReader.open(file, BackupList.NAMES, BackupList.MOST_ENTRIES);
    this.staged = files.stage();
    boolean opened = false;
    try {
      this.listText = archive.bytes(BackupList.NAME, BackupList.MOST_BYTES);
      this.list = BackupList.read(archive.source() + ", " + BackupList.NAME, listText);
      requireTables();
      pace.expect(list.bytes());
      opened = true;
    } finally {
      if (!opened) {
        close();
      }
    }
  }

  private void requireTables() {
    if (list.schema() != Migrations.schema()) {
      throw archive.fail(
          "tables of schema version "
              + list.schema()
              + ", expected "
              + Migrations.schema()
              + ". Restore it with the Athanor that made it, then open the registry with this one");
    }
    List<String> expected = TableRows.ALL.stream().map(TableRows.Table::name).toList();
    List<String> found = list.tables().stream().map(BackupList.Table::name).toList();
    if (!found.equals(expected)) {
      throw archive.fail("expected the tables " + expected + ", got " + found);
    }
    SafePath.makeFolder(staged.folder());
    for (BackupList.Table table : list.tables()) {
      archive.extract(table.entry(), table.digest(), scratch(table.name()), pace);
    }
  }

  private Path scratch(String table) {
    return staged.folder().resolve(table);
  }

  public BackupSummary summary() {
    return list.summary(listText);
  }

  /**
   * Puts all files in their places.
   *
   * @throws FormatException if something is missing, damaged, or has no place in a registry
   */
  public void placeFiles() {
    plan();
    for (Planned version : planned) {
      try (StagedFiles content = files.stage()) {
        SafePath.requireTogether(
            archive.source(), version.files.stream().map(Manifest.Entry::path).toList());
        for (Manifest.Entry file : version.files) {
          Path target = content.folder().resolve(file.path());
          SafePath.makeFolder(Objects.requireNonNull(target.getParent()));
          archive.extract(entry(file.digest()), file.digest(), target, pace);
        }
        for (Digest other : version.others) {
          byte[] bytes = archive.bytes(entry(other), other, MOST_CONTENT_BYTES);
          content.add(bytes);
          pace.add(bytes.length);
        }
        Manifest manifest = content.seal();
        if (!manifest.digest().equals(version.digest)
            || !manifest.equals(new Manifest(version.files))) {
          throw archive.fail(
              version.place
                  + " should have the digest "
                  + version.digest
                  + ", its files have "
                  + manifest.digest());
        }
        content.publish(version.place);
      }
    }
  }

  private static String entry(Digest digest) {
    return BackupList.BLOBS + digest.hex();
  }

  private void plan() {
    Map<Long, Planned> versions = new TreeMap<>();
    Map<String, Long> places = new HashMap<>();
    each(
        "version",
        row -> {
          String place = text(row, "folder");
          if (!PLACE.matcher(place).matches() || places.put(place, number(row, "id")) != null) {
            throw archive.fail(
                "'"
                    + ArchiveReader.printable(place)
                    + "' is no place for a version's files, or one that two versions have");
          }
          Planned version = new Planned(place, new Digest(text(row, "digest")));
          if (row.get("report") != null) {
            version.others.add(new Digest(text(row, "report")));
          }
          versions.put(number(row, "id"), version);
        });
    each(
        "version_file",
        row -> {
          String path = text(row, "path");
          SafePath.require(archive.source(), path);
          version(versions, row)
              .files
              .add(new Manifest.Entry(path, number(row, "bytes"), new Digest(text(row, "digest"))));
        });
    each(
        "version_document",
        row -> version(versions, row).others.add(new Digest(text(row, "digest"))));
    planned.addAll(versions.values());
  }

  private Planned version(Map<Long, Planned> versions, Map<String, @Nullable Object> row) {
    Planned version = versions.get(number(row, "version_id"));
    if (version == null) {
      throw archive.fail("a row refers to version " + row.get("version_id") + ", which is absent");
    }
    return version;
  }

  private String text(Map<String, @Nullable Object> row, String column) {
    if (row.get(column) instanceof String text) {
      return text;
    }
    throw archive.fail("a row lacks '" + column + "'");
  }

  private long number(Map<String, @Nullable Object> row, String column) {
    if (row.get(column) instanceof Long number) {
      return number;
    }
    throw archive.fail("a row lacks '" + column + "'");
  }

  @FunctionalInterface
  private interface RowWork {
    void on(Map<String, @Nullable Object> row) throws SQLException;
  }

  private void each(String name, TableRows.Sink work) {
    TableRows.Table table =
        TableRows.ALL.stream().filter(t -> t.name().equals(name)).findFirst().orElseThrow();
    try {
      each(table, work::accept);
    } catch (SQLException e) {
      throw new IllegalStateException("Nothing here asks a database", e);
    }
  }

  private void each(TableRows.Table table, RowWork work) throws SQLException {
    String place = archive.source() + ", " + BackupList.Table.entry(table.name());
    long count = 0;
    try (Lines lines = new Lines(place, Files.newInputStream(scratch(table.name())))) {
      for (Optional<String> line = lines.next(); line.isPresent(); line = lines.next()) {
        count++;
        Map<String, @Nullable Object> row = RowJson.read(place, table, line.get());
        try {
          work.on(row);
        } catch (IllegalArgumentException e) {
          throw new FormatException(place, count, null, String.valueOf(e.getMessage()));
        }
      }
    } catch (IOException e) {
      throw Lines.unreadable(place, e);
    }
    long expected =
        list.tables().stream()
            .filter(t -> t.name().equals(table.name()))
            .findFirst()
            .orElseThrow()
            .rows();
    if (count != expected) {
      throw new FormatException(place, "expected " + expected + " rows, got " + count);
    }
  }

  /**
   * Checks that a registry is empty.
   *
   * @throws ConflictException if it is not
   */
  public static void requireEmpty(Session session) throws SQLException {
    Set<String> filled = TableRows.filled(session);
    if (!filled.isEmpty()) {
      throw new ConflictException(
          "A backup can be restored only into an empty registry; this one has rows in "
              + String.join(", ", filled)
              + ". Open one in a new folder, with an empty database",
          false);
    }
  }

  /**
   * Fills the tables. To be called inside the writing transaction, after {@link #placeFiles}.
   *
   * @throws ConflictException if the registry is not empty any more
   * @throws FormatException if the rows are not those of a registry
   */
  public void load(Session session, VersionTable versions, AuditTable audit) throws SQLException {
    requireEmpty(session);
    TableRows.Loader loader = new TableRows.Loader();
    for (TableRows.Table table : TableRows.ALL) {
      each(table, row -> loader.add(session, table, row));
    }
    requireReadable(session, versions);
    List<String> problems = audit.problems(session);
    Optional<Digest> head = audit.last(session).map(entry -> entry.hash());
    if (!head.equals(list.auditHead()) || !problems.equals(list.auditProblems())) {
      throw archive.fail(
          "the audit log is not what it was when the backup was made: "
              + (problems.isEmpty() ? "its end differs" : String.join("; ", problems)));
    }
  }

  private void requireReadable(Session session, VersionTable versions) throws SQLException {
    try {
      for (VersionId id : versions.ids(session)) {
        Path folder = files.folder(versions.place(session, id).orElseThrow());
        if (versions.find(session, id).isEmpty()) {
          throw archive.fail(id + " cannot be read from its rows");
        }
        if (!files.isCache() && !Files.isDirectory(folder)) {
          throw new ConflictException(
              folder + " was removed while the backup was restored; restore it again", true);
        }
      }
    } catch (IllegalArgumentException e) {
      throw new FormatException(
          archive.source(), "rows that no registry writes: " + e.getMessage(), e);
    }
  }

  @Override
  public void close() {
    archive.close();
    staged.close();
  }
}
