package io.athanor.store.s3;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.athanor.api.common.Digest;
import io.athanor.api.error.AthanorException;
import io.athanor.api.error.NotFoundException;
import io.athanor.api.registry.ModelVersion;
import io.athanor.registry.ModelRegistry;
import io.athanor.registry.RegistryBuilder;
import io.athanor.registry.RegistryCheck;
import io.athanor.registry.archive.BackupSummary;
import io.athanor.registry.governance.Document;
import io.athanor.registry.store.SqliteDatabase;
import io.athanor.tck.fixture.TestClock;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import org.jclouds.blobstore.domain.StorageMetadata;
import org.jclouds.blobstore.options.ListContainerOptions;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Registries whose files are in a bucket, from the first version to the last. */
class S3RegistryTest {
  private static final Digest WORDS = Digest.ofText("words");

  @TempDir private Path temp;
  private S3Server server;

  @BeforeEach
  void start() {
    server = new S3Server();
  }

  @AfterEach
  void stop() {
    server.close();
  }

  /** A machine with a cache of its own; all share a database and a bucket. */
  private RegistryBuilder machine(String name) {
    return ModelRegistry.in(temp.resolve(name))
        .database(new SqliteDatabase(temp.resolve("shared.db"), Duration.ofSeconds(30)))
        .blobs(server.store().build());
  }

  private ModelVersion register(ModelRegistry registry, String name, String weights) {
    try {
      Path model = Files.createTempDirectory(temp, "model");
      Files.writeString(model.resolve("weights.bin"), weights);
      Files.createDirectory(model.resolve("text"));
      Files.writeString(model.resolve("text").resolve("words.txt"), "words");
      return registry.registration(name, model).register();
    } catch (IOException e) {
      throw new AssertionError(e);
    }
  }

  /** The names of the contents that the server keeps under a prefix. */
  private Set<String> kept(String prefix) {
    Set<String> names = new TreeSet<>();
    for (StorageMetadata object :
        server
            .memory()
            .list(S3Server.BUCKET, ListContainerOptions.Builder.prefix(prefix).recursive())) {
      names.add(object.getName().replaceAll(".*/", ""));
    }
    return names;
  }

  private static Set<String> names(Digest... digests) {
    Set<String> names = new TreeSet<>();
    for (Digest digest : digests) {
      names.add(digest.hex());
    }
    return names;
  }

  @Test
  void registersReadsVerifiesDeletesAndCollects() throws IOException {
    try (ModelRegistry first = machine("first").open();
        ModelRegistry second = machine("second").open()) {
      ModelVersion one = register(first, "m", "one");
      ModelVersion two = register(first, "m", "two");
      Document notes = first.documents(two).attach("bias", new byte[] {7}, "text/plain");
      first.promote(two, "production").apply();
      assertThat(kept("registry/"))
          .isEqualTo(names(WORDS, Digest.ofText("one"), Digest.ofText("two"), notes.digest()));

      ModelVersion read = second.alias("m", "production");
      assertThat(read.folder()).isEqualTo(temp.resolve("second/models/base/m/2"));
      assertThat(read.folder().resolve("weights.bin")).hasContent("two");
      assertThat(second.documents(read).read(notes)).containsExactly(7);
      assertThat(second.verify()).isEqualTo(new RegistryCheck(2, 4, List.of()));
      assertThat(second.health().problems()).noneMatch(p -> p.contains("reached"));

      second.delete(second.version("m", 1)).apply();
      assertThat(kept("registry/")).isEqualTo(names(WORDS, Digest.ofText("two"), notes.digest()));
      first.collectGarbage();
      assertThatThrownBy(one::folder).isInstanceOf(NotFoundException.class);
      first.emptyCache();
      assertThat(first.version("m", 2).folder().resolve("text/words.txt")).hasContent("words");
    }
    Digest orphan = Digest.ofText("orphan");
    try (S3Blobs store = server.store().build()) {
      store.put(orphan, Files.writeString(temp.resolve("orphan"), "orphan"));
    }
    TestClock later = TestClock.at(Instant.now().plus(Duration.ofDays(1)));
    try (ModelRegistry registry = machine("third").clock(later).open()) {
      assertThat(registry.collectGarbage().contents()).isEqualTo(1);
      assertThat(kept("registry/")).hasSize(3).doesNotContain(orphan.hex());
      assertThat(registry.verify().problems()).isEmpty();
    }
  }

  @Test
  void goesOnWhenServerAndProcessWereStartedAgain() {
    try (ModelRegistry registry = machine("first").open()) {
      register(registry, "m", "before");
      server.stop();

      assertThatThrownBy(() -> register(registry, "m", "meanwhile"))
          .isInstanceOf(AthanorException.class)
          .hasMessageContaining(S3Server.BUCKET);
      assertThat(registry.versions("m")).hasSize(1);
      assertThat(registry.version("m", 1).folder().resolve("weights.bin")).hasContent("before");
      assertThat(registry.health().problems())
          .anyMatch(p -> p.startsWith("files cannot be reached: "));
    }
    server.restart(memory -> memory);
    try (ModelRegistry registry = machine("second").open()) {
      assertThat(registry.version("m", 1).folder().resolve("weights.bin")).hasContent("before");
      assertThat(register(registry, "m", "after").number()).isEqualTo(2);
      assertThat(registry.verify().problems()).isEmpty();
    }
  }

  @Test
  void findsWhatTheBucketHasLostOrChanged() {
    try (ModelRegistry registry = machine("first").open()) {
      ModelVersion version = register(registry, "m", "weights");
      Document notes = registry.documents(version).attach("bias", new byte[] {7}, "text/plain");
      String key = server.memory().list(S3Server.BUCKET, recursive()).iterator().next().getName();
      String folder = key.substring(0, key.length() - 64 - 3);
      for (Digest lost : List.of(WORDS, notes.digest())) {
        String name = folder + lost.hex().substring(0, 2) + "/" + lost.hex();
        assertThat(server.memory().blobExists(S3Server.BUCKET, name)).isTrue();
        server.memory().removeBlob(S3Server.BUCKET, name);
      }

      assertThat(registry.verify().problems())
          .hasSize(2)
          .anyMatch(p -> p.startsWith("m:1: No content " + WORDS))
          .anyMatch(p -> p.startsWith(notes + ": No content " + notes.digest()));
    }
  }

  private static ListContainerOptions recursive() {
    return ListContainerOptions.Builder.recursive();
  }

  @Test
  void goesIntoArchivesAndComesBack() {
    Path archive = temp.resolve("version.tar");
    Path backup = temp.resolve("backup.tar");
    BackupSummary summary;
    try (ModelRegistry registry = machine("first").open()) {
      ModelVersion version = register(registry, "m", "weights");
      registry.documents(version).attach("bias", new byte[] {7}, "text/plain");
      register(registry, "n", "others");
      registry.promote(version, "production").apply();
      registry.emptyCache();
      registry.archive().export(version, archive);
      registry.emptyCache();
      summary = registry.archive().backup(backup);
      assertThat(summary.contents()).isEqualTo(4);
    }
    try (ModelRegistry target =
        ModelRegistry.in(temp.resolve("target"))
            .blobs(server.store().prefix("target/").build())
            .open()) {
      assertThat(target.archive().restore(backup)).isEqualTo(summary);

      assertThat(kept("target/")).isEqualTo(kept("registry/")).hasSize(4);
      assertThat(target.verify()).isEqualTo(new RegistryCheck(2, 4, List.of()));
      target.emptyCache();
      assertThat(target.alias("m", "production").folder().resolve("weights.bin"))
          .hasContent("weights");
      ModelVersion imported = target.archive().importFrom(archive);
      assertThat(imported.number()).isEqualTo(2);
      assertThat(target.documents(imported).list("bias")).hasSize(1);
      target.emptyCache();
      assertThat(target.verify().problems()).isEmpty();
    }
  }

  @Test
  void restoresNothingIntoABucketThatFails() {
    Path backup = temp.resolve("backup.tar");
    try (ModelRegistry registry = machine("first").open()) {
      register(registry, "m", "weights");
      registry.archive().backup(backup);
    }
    try (ModelRegistry target =
        ModelRegistry.in(temp.resolve("target"))
            .blobs(server.store().prefix("target/").build())
            .open()) {
      server.stop();

      assertThatThrownBy(() -> target.archive().restore(backup))
          .isInstanceOf(AthanorException.class)
          .hasMessageContaining(S3Server.BUCKET);

      assertThat(target.models()).isEmpty();
      assertThat(target.audit().head()).isEmpty();
      assertThat(temp.resolve("target/staging")).isEmptyDirectory();
    }
    server.restart(memory -> memory);
    try (ModelRegistry target =
        ModelRegistry.in(temp.resolve("target"))
            .blobs(server.store().prefix("target/").build())
            .open()) {
      target.archive().restore(backup);
      assertThat(target.verify().problems()).isEmpty();
      assertThat(target.versions("m")).hasSize(1);
    }
  }
}
