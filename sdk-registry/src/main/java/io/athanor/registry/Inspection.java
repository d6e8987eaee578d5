package io.athanor.registry;

import io.athanor.api.common.Digest;
import io.athanor.api.error.AthanorException;
import io.athanor.api.error.UnsupportedException;
import io.athanor.api.registry.Manifest;
import io.athanor.api.registry.ModelVersion;
import io.athanor.api.registry.VersionId;
import io.athanor.registry.blob.BlobFolder;
import io.athanor.registry.governance.Document;
import io.athanor.registry.store.AliasTable;
import io.athanor.registry.store.AuditTable;
import io.athanor.registry.store.DocumentTable;
import io.athanor.registry.store.Session;
import io.athanor.registry.store.Transactions;
import io.athanor.registry.store.VersionTable;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;

/** Compares what the database says with what lies on disk. */
record Inspection(
    BlobFolder files,
    Transactions transactions,
    VersionTable versions,
    DocumentTable documents,
    AliasTable aliases,
    AuditTable audit) {

  static Inspection of(ModelRegistry registry) {
    return new Inspection(
        registry.files(),
        registry.transactions(),
        registry.versionTable(),
        registry.governance().documents(),
        registry.aliasTable(),
        registry.auditTable());
  }

  RegistryCheck verify() {
    List<String> problems = new ArrayList<>(transactions.read(this::databaseProblems));
    Set<Digest> sound = new HashSet<>();
    int checked = 0;
    int count = 0;
    for (VersionId id : transactions.read(versions::ids)) {
      Optional<ModelVersion> version = find(id);
      if (version.isEmpty()) {
        continue;
      }
      List<String> found = problems(version.get(), sound);
      if (!found.isEmpty() && find(id).isEmpty()) {
        continue; // Another process has deleted it while we looked.
      }
      problems.addAll(found);
      problems.addAll(documentProblems(id));
      checked++;
      count += version.get().manifest().files().size();
    }
    return new RegistryCheck(checked, count, problems);
  }

  private Optional<ModelVersion> find(VersionId id) {
    return transactions.read(session -> versions.find(session, id));
  }

  private List<String> databaseProblems(Session session) throws SQLException {
    List<String> problems = new ArrayList<>();
    String own = transactions.database().integrityProblems(session);
    if (!own.isEmpty()) {
      problems.add("database: " + own);
    }
    problems.addAll(versions.numberProblems(session));
    problems.addAll(aliases.problems(session));
    problems.addAll(audit.problems(session));
    return problems;
  }

  private List<String> problems(ModelVersion version, Set<Digest> sound) {
    List<String> problems = new ArrayList<>();
    if (files.isCache()) {
      storeProblems(version, sound, problems);
    } else {
      folderProblems(version, sound, problems);
    }
    version.report().map(this::problems).stream()
        .flatMap(List::stream)
        .forEach(problem -> problems.add(version.id() + ": " + problem));
    if (problems.isEmpty()) {
      version.manifest().files().forEach(file -> sound.add(file.digest()));
    }
    return problems;
  }

  private void storeProblems(ModelVersion version, Set<Digest> sound, List<String> problems) {
    Set<Digest> contents = new LinkedHashSet<>();
    version.manifest().files().forEach(file -> contents.add(file.digest()));
    contents.removeAll(sound);
    for (Digest content : contents) {
      files.storeProblem(content).ifPresent(p -> problems.add(version.id() + ": " + p));
    }
    Optional<String> place = transactions.read(session -> versions.place(session, version.id()));
    place
        .map(files::folder)
        .filter(Files::exists)
        .ifPresent(
            folder -> verify(version.id(), () -> version.manifest().verify(folder), problems));
  }

  private List<String> documentProblems(VersionId id) {
    List<String> problems = new ArrayList<>();
    for (Document document : documents(id)) {
      List<String> found = problems(document.digest());
      if (!found.isEmpty() && documents(id).contains(document)) {
        found.forEach(problem -> problems.add(document + ": " + problem));
      }
    }
    return problems;
  }

  private List<Document> documents(VersionId id) {
    return transactions.read(session -> documents.ofVersion(session, id));
  }

  /** What is wrong with a content that is no file of a version. */
  private List<String> problems(Digest content) {
    List<String> problems = new ArrayList<>();
    Path blob = files.blob(content);
    if (!files.isCache() || Files.exists(blob)) {
      describe(content, blob).ifPresent(problems::add);
    }
    files.storeProblem(content).ifPresent(problems::add);
    return problems;
  }

  private static void verify(VersionId id, Runnable check, List<String> problems) {
    try {
      check.run();
    } catch (AthanorException e) {
      problems.add(id + ": " + e.getMessage());
    }
  }

  private void folderProblems(ModelVersion version, Set<Digest> sound, List<String> problems) {
    verify(version.id(), version::verify, problems);
    for (Manifest.Entry file : version.manifest().files()) {
      Path shown = version.folder().resolve(file.path());
      if (!sound.contains(file.digest())) {
        describe(file.digest(), shown).ifPresent(p -> problems.add(version.id() + ": " + p));
      }
    }
  }

  /** What is wrong with a content, given that {@code shown} has been checked already. */
  private Optional<String> describe(Digest digest, Path shown) {
    Path blob = files.blob(digest);
    try {
      boolean checked = !shown.equals(blob) && Files.exists(shown) && Files.isSameFile(shown, blob);
      if (checked) {
        return Optional.empty();
      }
      Digest actual = Digest.ofFile(blob);
      return actual.equals(digest)
          ? Optional.empty()
          : Optional.of(blob + ": expected digest " + digest + ", got " + actual);
    } catch (IOException e) {
      return Optional.of(blob + " cannot be read (" + e + ")");
    }
  }

  GarbageCollected collectGarbage(Instant staleBefore) {
    int stale = files.removeStale(staleBefore);
    int folders = 0;
    Set<String> known = transactions.read(versions::places);
    for (String place : files.places()) {
      if (!known.contains(place) && removeUnlessKnown(place)) {
        folders++;
      }
    }
    return new GarbageCollected(stale, folders, sweep(files.contents(staleBefore)));
  }

  /** In a writing transaction no registration is between its files and its rows. */
  private boolean removeUnlessKnown(String place) {
    return transactions.write(
        session -> {
          if (versions.places(session).contains(place)) {
            return false;
          }
          files.remove(place);
          return true;
        });
  }

  long emptyCache() {
    if (!files.isCache()) {
      throw new UnsupportedException(
          "the registry's folder is the only place of its files",
          "Keep them in a store too: ModelRegistry.in(folder).blobs(store)");
    }
    Set<Digest> stored = files.stored();
    for (VersionId id : transactions.read(versions::ids)) {
      Optional<ModelVersion> version = find(id);
      boolean safe =
          version.isPresent()
              && version.get().manifest().files().stream()
                  .allMatch(file -> stored.contains(file.digest()));
      if (safe) {
        transactions.read(session -> versions.place(session, id)).ifPresent(files::remove);
      }
    }
    return files.evict(stored);
  }

  /** Removes those contents that no version has. */
  int sweep(Collection<Digest> contents) {
    int removed = 0;
    for (Digest content : contents) {
      if (!transactions.read(session -> versions.uses(session, content))
          && removeUnlessUsed(content)) {
        removed++;
      }
    }
    return removed;
  }

  private boolean removeUnlessUsed(Digest content) {
    return transactions.write(
        session -> {
          if (versions.uses(session, content)) {
            return false;
          }
          files.remove(content);
          return true;
        });
  }
}
