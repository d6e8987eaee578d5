package io.athanor.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.athanor.api.common.Digest;
import io.athanor.api.error.AthanorException;
import io.athanor.api.error.FormatException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Random;
import java.util.function.UnaryOperator;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Backups that somebody made to do harm, or that were damaged on their way. */
class HostileBackupTest extends RegistryContract {
  @TempDir private Path temp;
  private Path file;

  @BeforeEach
  void backUp() {
    file = temp.resolve("backup.tar");
    try (ModelRegistry source = store.in(temp.resolve("source")).open()) {
      BackupTest.fill(source, temp);
      source.archive().backup(file);
    }
  }

  private Map<String, byte[]> entries() throws IOException {
    Map<String, byte[]> entries = new LinkedHashMap<>();
    try (InputStream in = Files.newInputStream(file);
        TarArchiveInputStream tar = new TarArchiveInputStream(in)) {
      for (TarArchiveEntry e = tar.getNextEntry(); e != null; e = tar.getNextEntry()) {
        entries.put(e.getName(), tar.readAllBytes());
      }
    }
    return entries;
  }

  private void write(Map<String, byte[]> entries) throws IOException {
    try (TarArchiveOutputStream tar = new TarArchiveOutputStream(Files.newOutputStream(file))) {
      for (Map.Entry<String, byte[]> entry : entries.entrySet()) {
        TarArchiveEntry header = new TarArchiveEntry(entry.getKey());
        header.setSize(entry.getValue().length);
        tar.putArchiveEntry(header);
        tar.write(entry.getValue());
        tar.closeArchiveEntry();
      }
    }
  }

  /** Changes a table and its digest in the list, as somebody who means harm would. */
  private void changeTable(String table, UnaryOperator<String> change) throws IOException {
    Map<String, byte[]> entries = entries();
    String name = "tables/" + table + ".jsonl";
    byte[] rows =
        change
            .apply(new String(entries.get(name), StandardCharsets.UTF_8))
            .getBytes(StandardCharsets.UTF_8);
    assertThat(rows).isNotEqualTo(entries.put(name, rows));
    ObjectMapper json = new ObjectMapper();
    ObjectNode list = (ObjectNode) json.readTree(entries.get("backup.json"));
    list.get("tables")
        .forEach(
            one -> {
              if (one.get("name").textValue().equals(table)) {
                ((ObjectNode) one).put("digest", Digest.of(rows).hex());
              }
            });
    entries.put("backup.json", json.writeValueAsBytes(list));
    write(entries);
  }

  private void refuses(String... parts) {
    try (ModelRegistry target = store.in(temp.resolve("target")).open()) {
      assertThatThrownBy(() -> target.archive().restore(file))
          .isInstanceOf(FormatException.class)
          .hasMessageStartingWith(file.toString())
          .hasMessageContainingAll(parts);
      assertThat(target.models()).isEmpty();
      assertThat(target.audit().head()).isEmpty();
      assertThat(target.files().places()).isEmpty();
      assertThat(temp.resolve("target/staging")).isEmptyDirectory();
      assertThat(temp.resolve("outside")).doesNotExist();
    }
  }

  @Test
  void refusesBackupsThatLie() throws IOException {
    byte[] sound = Files.readAllBytes(file);

    changeTable("version", rows -> rows.replace("models/base/other/1", "../../outside"));
    refuses("'../../outside' is no place for a version's files");

    Files.write(file, sound);
    changeTable("version_file", rows -> rows.replaceFirst("weights.bin", "../../../outside"));
    refuses("'../../../outside' is no name for a model's file");

    Files.write(file, sound);
    changeTable("audit", rows -> rows.replaceFirst("\"register\"", "\"imagine\""));
    refuses("the audit log is not what it was when the backup was made: audit entry 1");

    Files.write(file, sound);
    changeTable("version", rows -> rows.replaceFirst("\"MIT\"", "7"));
    refuses("tables/version.jsonl: 'licence' must be a text, got number 7");

    Files.write(file, sound);
    changeTable(
        "version_tag", rows -> rows.replaceFirst("\"version_id\":\\d+", "\"version_id\":99"));
    refuses("tables/version_tag.jsonl, line 1", "refers to version 99, which is not there");

    Files.write(file, sound);
    changeTable("alias", rows -> "");
    refuses("tables/alias.jsonl: expected 1 rows, got 0");

    Files.write(file, sound);
    Map<String, byte[]> entries = entries();
    entries.put("tables/setting.jsonl", new byte[] {'x', '\n'});
    write(entries);
    refuses("'tables/setting.jsonl' is damaged or changed: expected digest sha256:");

    Files.write(file, sound);
    entries = entries();
    entries.remove("backup.json");
    write(entries);
    refuses("'backup.json' is missing");

    Files.write(file, sound);
    entries = entries();
    assertThat(entries.keySet().removeIf(name -> name.endsWith(Digest.ofText("two").hex())))
        .isTrue();
    write(entries);
    refuses(Digest.ofText("two").hex() + "' is missing");
  }

  @Test
  void answersDamageWithOurExceptionsOnly() throws IOException {
    byte[] sound = Files.readAllBytes(file);
    Random random = new Random(5);
    int rounds = 25;
    int refused = 0;
    try (ModelRegistry target = ModelRegistry.open(temp.resolve("fuzzed"))) {
      for (int round = 0; round < rounds; round++) {
        byte[] changed = sound.clone();
        for (int i = 0; i < 3; i++) {
          changed[random.nextInt(changed.length)] = (byte) random.nextInt(256);
        }
        Files.write(file, changed);
        try {
          target.archive().restore(file);
          assertThat(target.verify().problems()).isEmpty();
          break;
        } catch (AthanorException e) {
          assertThat(e.getMessage()).isNotBlank();
          assertThat(target.models()).isEmpty();
          refused++;
        }
      }
    }
    assertThat(refused).isPositive();
  }
}
