package io.athanor.registry;

import io.athanor.api.error.AthanorException;
import io.athanor.api.error.ConflictException;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.StorageException;
import io.athanor.api.eval.ReportJson;
import io.athanor.api.model.ArtifactFolder;
import io.athanor.api.registry.ModelVersion;
import io.athanor.api.registry.Permission;
import io.athanor.api.registry.VersionId;
import io.athanor.registry.archive.ArchiveProgress;
import io.athanor.registry.archive.Backup;
import io.athanor.registry.archive.BackupSummary;
import io.athanor.registry.archive.Pace;
import io.athanor.registry.archive.Restore;
import io.athanor.registry.archive.VersionArchive;
import io.athanor.registry.archive.VersionArchive.Attachment;
import io.athanor.registry.archive.VersionRecord;
import io.athanor.registry.governance.Document;
import io.athanor.registry.store.AuditTable.Change;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.CancellationException;
import java.util.function.Supplier;
import java.util.stream.Stream;

/**
 * Versions and the whole registry as single files. Thread-safe.
 *
 * <p>Every method that writes leaves a whole file or none, and every method that reads changes
 * nothing if the file is not what it should be. Interrupting the thread ends the work with {@link
 * CancellationException}, with the same promise.
 */
public final class Archive {
  /** Documents of this kind hold the record that an imported version came with. */
  public static final String ORIGIN = "origin";

  private final ModelRegistry registry;
  private final ArchiveProgress progress;

  Archive(ModelRegistry registry, ArchiveProgress progress) {
    this.registry = registry;
    this.progress = progress;
  }

  /** The same, telling how far it has come. */
  public Archive progress(ArchiveProgress listener) {
    return new Archive(registry, listener);
  }

  /**
   * Writes a version with its evaluation report and documents to one file, an OCI image layout in a
   * tar. The same state of a version gives the same bytes. Aliases, approvals and usage stay
   * behind.
   *
   * @throws FormatException if a file of the version is damaged
   * @throws StorageException if the file cannot be written; what was there before is untouched
   */
  public void export(ModelVersion version, Path file) {
    List<Document> documents =
        registry.documents(version).list().stream()
            .sorted(
                Comparator.comparing(Document::kind)
                    .thenComparing(document -> document.digest().hex()))
            .toList();
    ModelVersion present = registry.version(version.id());
    run(
        () -> {
          VersionArchive.write(
              file,
              present,
              present.parent().flatMap(this::find),
              documents,
              registry.files()::content,
              new Pace(progress));
          return file;
        });
  }

  private Optional<ModelVersion> find(VersionId id) {
    return registry.transactions().read(session -> registry.versionTable().find(session, id));
  }

  /**
   * Registers the version in an archive under the name it had; see {@link #importFrom(Path,
   * String)}.
   */
  public ModelVersion importFrom(Path file) {
    return importFrom(file, Optional.empty());
  }

  /**
   * Registers the version in an archive. It gets the next number and keeps its semantic version,
   * notes, job, report and documents; facts and metrics are read from its files and report again.
   * It is linked to the newest version that has the weights it was made from, if one is here. The
   * record it came with is attached as {@link #ORIGIN}.
   *
   * @param name see {@link VersionId#requireName}
   * @throws FormatException if the archive is damaged, or not what it says; says what and where
   * @throws ConflictException if another version of the model has the semantic version
   * @throws io.athanor.api.error.AccessDeniedException if the principal may not register it
   * @throws StorageException if a file cannot be read or written; nothing is registered
   */
  public ModelVersion importFrom(Path file, String name) {
    return importFrom(file, Optional.of(VersionId.requireName("name", name)));
  }

  private ModelVersion importFrom(Path file, Optional<String> name) {
    registry.transactions().requireOpen();
    return run(
        () -> {
          try (VersionArchive archive = VersionArchive.open(file)) {
            return register(archive, name.orElse(archive.record().id().name()));
          }
        });
  }

  private ModelVersion register(VersionArchive archive, String name) {
    VersionRecord record = archive.record();
    Registration registration =
        Registration.of(
            registry,
            name,
            staged -> {
              archive.extractTo(staged.folder(), new Pace(progress));
              return Files.exists(staged.folder().resolve("athanor.json"))
                  ? Optional.of(ArtifactFolder.read(staged.folder()))
                  : Optional.empty();
            },
            record,
            new Registration.Arrival(
                record.parentWeights(),
                "was " + record.id() + " in the archive " + archive.identity(),
                () ->
                    Stream.concat(
                        archive.documents(),
                        Stream.of(
                            new Attachment(
                                ORIGIN, VersionArchive.RECORD_TYPE, archive.recordText())))));
    archive
        .report()
        .ifPresent(text -> registration.report(ReportJson.read("the archive's report", text)));
    return registration.register();
  }

  /**
   * Writes the whole registry, except usage that has not been recorded yet, to one file: everything
   * as it was at one moment, while others go on working. Contents are written as they are, even if
   * the registry's store encrypts them. Asks for {@link Permission#ADMINISTER}.
   *
   * @throws io.athanor.api.error.AccessDeniedException if the principal may not
   * @throws ConflictException if versions are deleted faster than they can be read
   * @throws FormatException if a content is damaged or missing; says which
   * @throws StorageException if the file cannot be written; what was there before is untouched
   */
  public BackupSummary backup(Path file) {
    registry.access().requireForAll(Permission.ADMINISTER);
    return run(
        () ->
            new Backup(
                    registry.files(),
                    registry.transactions(),
                    registry.auditTable(),
                    new Pace(progress))
                .write(file, registry.now()));
  }

  /**
   * Brings a backup into this registry, which must be empty; its database may be another one than
   * that of the backup. The audit log goes on where it ended. What was interrupted can be started
   * again. Asks for {@link Permission#ADMINISTER}.
   *
   * @throws ConflictException if this registry is not empty
   * @throws FormatException if the backup is damaged, or not what it says; says what and where
   * @throws StorageException if a file cannot be read or written; the registry stays empty
   */
  public BackupSummary restore(Path file) {
    registry.access().requireForAll(Permission.ADMINISTER);
    registry
        .transactions()
        .read(
            session -> {
              Restore.requireEmpty(session);
              return session;
            });
    return run(
        () -> {
          boolean done = false;
          try (Restore restore = new Restore(file, registry.files(), new Pace(progress))) {
            restore.placeFiles();
            load(restore);
            done = true;
            return restore.summary();
          } finally {
            if (!done) {
              removeRemains();
            }
          }
        });
  }

  private void removeRemains() {
    try {
      registry.collectGarbage();
    } catch (AthanorException e) {
      // The first failure is the one to report; garbage collection works later, too.
    }
  }

  private void load(Restore restore) {
    BackupSummary summary = restore.summary();
    registry
        .changes()
        .apply(
            Permission.ADMINISTER,
            Access.ANY,
            (session, audit) -> {
              restore.load(session, registry.versionTable(), registry.auditTable());
              audit.record(
                  new Change(
                      "restore",
                      "registry",
                      Optional.empty(),
                      Optional.of(summary.digest().hex()),
                      "backup of " + summary.created()));
              return summary;
            });
  }

  /** An interrupted thread's files are closed by the platform, which looks like a broken disk. */
  private static <T> T run(Supplier<T> work) {
    try {
      return work.get();
    } catch (StorageException e) {
      if (Thread.currentThread().isInterrupted()) {
        CancellationException cancelled =
            new CancellationException("The work on the archive was interrupted");
        cancelled.initCause(e);
        throw cancelled;
      }
      throw e;
    }
  }
}
