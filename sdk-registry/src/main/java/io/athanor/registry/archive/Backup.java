package io.athanor.registry.archive;

import io.athanor.api.common.Digest;
import io.athanor.api.error.ConflictException;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.NotFoundException;
import io.athanor.api.error.StorageException;
import io.athanor.api.error.UnsupportedException;
import io.athanor.api.registry.AuditEntry;
import io.athanor.registry.blob.BlobFolder;
import io.athanor.registry.blob.StagedFiles;
import io.athanor.registry.store.AuditTable;
import io.athanor.registry.store.Migrations;
import io.athanor.registry.store.Session;
import io.athanor.registry.store.TableRows;
import io.athanor.registry.store.Transactions;
import java.io.BufferedWriter;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/**
 * A whole registry in one tar: the contents, the rows of all tables as lines of JSON, and a list of
 * them. The rows are those of one moment, while others go on writing; contents never change, and if
 * one was deleted before it was read, a later moment is taken.
 */
public final class Backup {
  private static final int MOST_MOMENTS = 100;
  private static final int BATCH = 200;

  private final BlobFolder files;
  private final Transactions transactions;
  private final AuditTable audit;
  private final Pace pace;

  public Backup(BlobFolder files, Transactions transactions, AuditTable audit, Pace pace) {
    this.files = files;
    this.transactions = transactions;
    this.audit = audit;
    this.pace = pace;
  }

  /** The rows of one moment, in files of their own. */
  private record Moment(
      List<BackupList.Table> tables,
      Map<Digest, Long> contents,
      Optional<AuditEntry> head,
      List<String> problems) {}

  /**
   * Writes a backup.
   *
   * @throws ConflictException if versions are deleted faster than they can be read
   * @throws FormatException if a content is damaged
   * @throws StorageException if something cannot be read or written; no file stays behind
   */
  public BackupSummary write(Path file, Instant now) {
    BackupSummary[] summary = new BackupSummary[1];
    try (StagedFiles staged = files.stage()) {
      Path scratch = staged.folder();
      SafePath.makeFolder(scratch);
      ArchiveWriter.write(
          file,
          pace,
          archive -> {
            Moment moment = copyContents(archive, scratch);
            for (BackupList.Table table : moment.tables()) {
              archive.add(table.entry(), scratch.resolve(table.name()), table.digest());
            }
            BackupList list =
                new BackupList(
                    Migrations.schema(),
                    now,
                    moment.tables(),
                    moment.contents().size(),
                    moment.contents().values().stream().mapToLong(Long::longValue).sum(),
                    moment.head().map(AuditEntry::hash),
                    moment.problems());
            byte[] text = list.write();
            archive.add(BackupList.NAME, text);
            summary[0] = list.summary(text);
          });
    }
    return summary[0];
  }

  private Moment copyContents(ArchiveWriter archive, Path scratch) throws IOException {
    Set<Digest> copied = new HashSet<>();
    for (int i = 0; i < MOST_MOMENTS; i++) {
      Moment moment = transactions.read(session -> moment(session, scratch));
      if (moment.contents().size() + copied.size() > BackupList.MOST_ENTRIES - BATCH) {
        throw new UnsupportedException(
            "a backup of more than " + BackupList.MOST_ENTRIES + " contents in one file",
            "Use the tools of the database and of the file store");
      }
      pace.expect(moment.contents().values().stream().mapToLong(Long::longValue).sum());
      if (copyAll(archive, moment, copied)) {
        return moment;
      }
    }
    throw new ConflictException(
        "Versions were deleted again and again while the backup was made; try again", true);
  }

  /** Whether every content was still there. */
  private boolean copyAll(ArchiveWriter archive, Moment moment, Set<Digest> copied)
      throws IOException {
    for (Digest digest : moment.contents().keySet()) {
      if (copied.contains(digest)) {
        continue;
      }
      try {
        archive.add(BackupList.BLOBS + digest.hex(), files.content(digest), digest);
        copied.add(digest);
      } catch (NoSuchFileException | NotFoundException e) {
        if (transactions.read(session -> TableRows.contents(session).containsKey(digest))) {
          throw new FormatException(
              files.blob(digest).toString(),
              "missing; verify() tells which version has it. Restore the file from a copy, or"
                  + " delete the version",
              e);
        }
        return false;
      }
    }
    return true;
  }

  private Moment moment(Session session, Path scratch) throws SQLException {
    List<BackupList.Table> tables = new ArrayList<>();
    for (TableRows.Table table : TableRows.ALL) {
      tables.add(dump(session, table, scratch.resolve(table.name())));
    }
    return new Moment(
        tables, TableRows.contents(session), audit.last(session), audit.problems(session));
  }

  private BackupList.Table dump(Session session, TableRows.Table table, Path target)
      throws SQLException {
    long[] rows = {0};
    try {
      try (BufferedWriter writer = Files.newBufferedWriter(target)) {
        TableRows.read(
            session,
            table,
            row -> {
              if (rows[0]++ % BATCH == 0) {
                pace.add(0);
              }
              writeLine(writer, RowJson.write(row));
            });
      }
      return new BackupList.Table(table.name(), rows[0], Digest.ofFile(target));
    } catch (IOException | UncheckedIOException e) {
      throw new StorageException(
          target.toString(), "cannot be written (" + e + "). Check that the disk is not full", e);
    }
  }

  private static void writeLine(BufferedWriter writer, String line) {
    try {
      writer.write(line);
      writer.write('\n');
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
