package io.athanor.registry;

import io.athanor.api.error.FormatException;
import io.athanor.api.error.StorageException;
import io.athanor.api.registry.BlobStore;
import io.athanor.api.registry.Principal;
import io.athanor.registry.blob.BlobFolder;
import io.athanor.registry.store.Database;
import io.athanor.registry.store.Migrations;
import io.athanor.registry.store.SqliteDatabase;
import io.athanor.registry.store.Transactions;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** How to open a registry. Not thread-safe. */
public final class RegistryBuilder {
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private final Path root;
  private @Nullable Database database;
  private Clock clock = Clock.systemUTC();
  private Principal principal = Principal.ofProcess();
  private Optional<BlobStore> store = Optional.empty();
  private boolean temporary;

  RegistryBuilder(Path root) {
    this.root = root;
  }

  /**
   * Where to keep what is known about versions, instead of a SQLite file in the folder. Processes
   * that share a database must share the folder, too, or the {@link #blobs store} of the files.
   */
  public RegistryBuilder database(Database shared) {
    this.database = shared;
    return this;
  }

  /**
   * Where to keep the files. The folder is then only a cache: a version is visible when the store
   * has its files, and files that are not in the folder are fetched and checked when they are asked
   * for. The store is closed with the registry.
   */
  public RegistryBuilder blobs(BlobStore shared) {
    this.store = Optional.of(shared);
    return this;
  }

  /**
   * Keeps the files in the folder only as long as the registry is open: they are deleted when it is
   * closed, and when it is opened after a crash. The folder must be this registry's alone; has a
   * meaning only with {@link #blobs}.
   */
  public RegistryBuilder temporaryCache() {
    this.temporary = true;
    return this;
  }

  /** Takes the time from a clock. */
  public RegistryBuilder clock(Clock time) {
    this.clock = time;
    return this;
  }

  /** Who makes changes; the process's account unless set. */
  public RegistryBuilder principal(Principal who) {
    this.principal = who;
    return this;
  }

  /**
   * Opens it; see {@link ModelRegistry#open(Path)}.
   *
   * @throws StorageException if the folder cannot be written, is a file, or the database cannot be
   *     reached
   * @throws FormatException if its database is damaged or was made by a newer library
   */
  public ModelRegistry open() {
    BlobFolder files = new BlobFolder(root, store, temporary);
    Database used =
        database == null ? new SqliteDatabase(root.resolve("registry.db"), PATIENCE) : database;
    Transactions transactions = new Transactions(used);
    boolean opened = false;
    try {
      Migrations.apply(transactions, clock.instant());
      opened = true;
    } finally {
      if (!opened) {
        transactions.close();
      }
    }
    return new ModelRegistry(files, transactions, clock, principal);
  }
}
