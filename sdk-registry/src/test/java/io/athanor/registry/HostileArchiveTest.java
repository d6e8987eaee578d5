package io.athanor.registry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.athanor.api.common.Digest;
import io.athanor.api.error.AthanorException;
import io.athanor.api.error.FormatException;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.function.Consumer;
import org.apache.commons.compress.archivers.tar.TarArchiveEntry;
import org.apache.commons.compress.archivers.tar.TarArchiveInputStream;
import org.apache.commons.compress.archivers.tar.TarArchiveOutputStream;
import org.apache.commons.compress.archivers.tar.TarConstants;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Archives that somebody made to do harm, or that were damaged on their way. */
class HostileArchiveTest {
  private static final String BLOBS = "blobs/sha256/";
  private static final ObjectMapper JSON = new ObjectMapper();

  @TempDir private Path temp;
  private ModelRegistry registry;
  private Map<String, byte[]> entries;
  private Path file;

  @BeforeEach
  void export() throws IOException {
    file = temp.resolve("hostile.tar");
    try (ModelRegistry source = ModelRegistry.open(temp.resolve("source"))) {
      source
          .archive()
          .export(
              source
                  .registration("m", TestModels.folder(temp, "content"))
                  .report(TestModels.report(Map.of("f1", 0.5)))
                  .register(),
              file);
    }
    entries = new LinkedHashMap<>();
    try (InputStream in = Files.newInputStream(file);
        TarArchiveInputStream tar = new TarArchiveInputStream(in)) {
      for (TarArchiveEntry e = tar.getNextEntry(); e != null; e = tar.getNextEntry()) {
        entries.put(e.getName(), tar.readAllBytes());
      }
    }
    registry = ModelRegistry.open(temp.resolve("target"));
  }

  @AfterEach
  void nothingIsLeftBehind() {
    assertThat(registry.models()).isEmpty();
    assertThat(registry.audit().head()).isEmpty();
    assertThat(temp.resolve("target/staging")).isEmptyDirectory();
    assertThat(temp.resolve("target/models")).isEmptyDirectory();
    assertThat(temp.resolve("target/blobs/sha256")).isEmptyDirectory();
    registry.close();
  }

  private void refuses(String... parts) {
    assertThatThrownBy(() -> registry.archive().importFrom(file))
        .isInstanceOf(FormatException.class)
        .hasMessageStartingWith(file.toString())
        .satisfies(e -> assertThat(List.of(parts)).allMatch(e.getMessage()::contains));
  }

  /** An entry that commons-compress would not write by itself. */
  private void write(TarArchiveEntry extra, byte[] content) throws IOException {
    try (TarArchiveOutputStream tar =
        new TarArchiveOutputStream(Files.newOutputStream(file), "UTF-8")) {
      tar.setLongFileMode(TarArchiveOutputStream.LONGFILE_GNU);
      tar.setBigNumberMode(TarArchiveOutputStream.BIGNUMBER_STAR);
      for (Map.Entry<String, byte[]> entry : entries.entrySet()) {
        TarArchiveEntry header = new TarArchiveEntry(entry.getKey());
        header.setSize(entry.getValue().length);
        tar.putArchiveEntry(header);
        tar.write(entry.getValue());
        tar.closeArchiveEntry();
      }
      if (extra != null) {
        extra.setSize(content.length);
        tar.putArchiveEntry(extra);
        tar.write(content);
        tar.closeArchiveEntry();
      }
    }
  }

  private void write() throws IOException {
    write(null, new byte[0]);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "../../outside",
        "/etc/outside",
        "blobs/sha256/../../outside",
        "blobs/sha512/abc",
        "C:outside",
        "surprise"
      })
  void refusesEntriesThatHaveNoPlace(String name) throws IOException {
    write(new TarArchiveEntry(name, true), new byte[] {1});

    refuses("entry '" + name + "' has no place in such an archive");
  }

  @ParameterizedTest
  @ValueSource(
      bytes = {
        TarConstants.LF_LINK,
        TarConstants.LF_SYMLINK,
        TarConstants.LF_CHR,
        TarConstants.LF_BLK,
        TarConstants.LF_FIFO
      })
  void refusesLinksAndDevices(byte type) throws IOException {
    TarArchiveEntry entry = new TarArchiveEntry(BLOBS + "0".repeat(64), type);
    entry.setLinkName("/etc/passwd");
    write(entry, new byte[0]);

    refuses("is neither a plain file nor a folder (type '" + (char) type + "')");
  }

  @Test
  void refusesTheSameEntryTwice() throws IOException {
    write(new TarArchiveEntry("index.json"), entries.get("index.json"));

    refuses("there are two entries 'index.json'");
  }

  @Test
  void refusesEntriesThatNothingMentions() throws IOException {
    byte[] content = {1, 2, 3};
    write(new TarArchiveEntry(BLOBS + Digest.of(content).hex()), content);

    refuses(Digest.of(content).hex() + "' is in the archive, and nothing refers to it");
  }

  @Test
  void refusesHeadersThatFillTheMemory() throws IOException {
    write(new TarArchiveEntry("x".repeat(1 << 15)), new byte[0]);

    refuses("at byte");
  }

  @Test
  void refusesSizesBeyondTheEndOfTheFile() throws IOException {
    write();
    byte[] bytes = Files.readAllBytes(file);
    byte[] size = "77777777777".getBytes(StandardCharsets.US_ASCII);
    System.arraycopy(size, 0, bytes, 124, size.length);
    fixChecksum(bytes, 0);
    Files.write(file, bytes);

    refuses("entry 'oci-layout' should have 8589934591 bytes", "the file is cut off or lies");
  }

  private static void fixChecksum(byte[] tar, int header) {
    int sum = 0;
    for (int i = 0; i < 512; i++) {
      sum += i >= 148 && i < 156 ? ' ' : Byte.toUnsignedInt(tar[header + i]);
    }
    byte[] text = String.format("%06o\0 ", sum).getBytes(StandardCharsets.US_ASCII);
    System.arraycopy(text, 0, tar, header + 148, text.length);
  }

  @Test
  void refusesAFileThatIsCutOffAnywhere() throws IOException {
    write();
    byte[] bytes = Files.readAllBytes(file);
    int content = bytes.length;
    while (bytes[content - 1] == 0) {
      content--;
    }
    int refused = 0;
    for (int length = 0; length < content; length += 500) {
      Files.write(file, Arrays.copyOf(bytes, length));
      refuses();
      refused++;
    }
    assertThat(refused).isGreaterThan(15);
  }

  @Test
  void refusesWhatIsNoTarFile() throws IOException {
    Files.writeString(file, "not a tar file ".repeat(1000));
    refuses("not a tar file, or damaged at byte 0");

    Files.delete(file);
    refuses("not a file; expected an archive");

    Files.createDirectory(file);
    refuses("not a file; expected an archive");
  }

  @Test
  void refusesContentsThatAreNotWhatTheirDigestSays() throws IOException {
    String weights = BLOBS + Digest.ofText("content").hex();
    assertThat(entries).containsKey(weights);
    entries.put(weights, "CONTENT".getBytes(StandardCharsets.UTF_8));
    write();

    refuses(weights + "' is damaged or changed: expected digest sha256:");
  }

  @Test
  void refusesSizesThatAreNotThoseOfTheContents() throws IOException {
    changeManifest(manifest -> ((ObjectNode) manifest.get("layers").get(0)).put("size", 5));

    refuses("layers[0]: 'size' says 5 bytes, blobs/sha256/");
  }

  @Test
  void refusesMissingContents() throws IOException {
    entries.remove(BLOBS + Digest.ofText("content").hex());
    write();

    refuses(Digest.ofText("content").hex() + "' is missing");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "../outside",
        "a/../../outside",
        "/etc/outside",
        "a//b",
        "a/./b",
        "",
        "..",
        "C:\\outside",
        "C:outside",
        "a\\b",
        "a\nb",
        "a\u0000b"
      })
  void refusesFileNamesThatLeaveTheFolder(String title) throws IOException {
    title(0, title);

    refuses("is no name for a model's file; expected a path below the model's folder");
  }

  @Test
  void refusesFilesThatCannotLieTogether() throws IOException {
    title(0, "WEIGHTS.bin");
    refuses("two files are called 'weights.bin'");

    title(0, "weights.bin/inside");
    refuses("'weights.bin' is both a file and a folder");
  }

  @Test
  void refusesFilesThatAreNotTheVersions() throws IOException {
    title(0, "renamed.json");

    refuses("the record speaks of a version with digest sha256:", "the files are those of");
  }

  @Test
  void refusesUnknownMediaTypes() throws IOException {
    changeManifest(
        manifest ->
            ((ObjectNode) manifest.get("layers").get(0))
                .put("mediaType", "application/x-surprise"));
    refuses("has the unknown media type 'application/x-surprise'");

    changeManifest(manifest -> manifest.put("artifactType", "application/x-surprise"));
    refuses("'artifactType' must be application/vnd.athanor.model.version.v1");
  }

  @Test
  void refusesJsonThatIsTooDeepOrTooLarge() throws IOException {
    entries.put("index.json", "[".repeat(200_000).getBytes(StandardCharsets.UTF_8));
    write();
    refuses("index.json: not JSON");

    entries.put("index.json", new byte[(1 << 20) + 1]);
    write();
    refuses("'index.json' may have at most 1048576 bytes, got 1048577");
  }

  @Test
  void refusesLayersThatUnpackToMuchMoreThanTheArchive() throws IOException {
    byte[] large = new byte[1 << 20];
    entries.put(BLOBS + Digest.of(large).hex(), large);
    changeManifest(
        manifest -> {
          for (int i = 0; i < 100; i++) {
            ObjectNode layer = manifest.withArray("layers").addObject();
            layer.put("mediaType", "application/vnd.athanor.model.file.v1");
            layer.put("digest", Digest.of(large).toString());
            layer.put("size", large.length);
            layer.putObject("annotations").put("org.opencontainers.image.title", "file" + i);
          }
        });

    refuses("its layers have more than 8 times the bytes of the archive");
  }

  private void title(int layer, String title) throws IOException {
    changeManifest(
        manifest ->
            ((ObjectNode) manifest.get("layers").get(layer).get("annotations"))
                .put("org.opencontainers.image.title", title));
  }

  /** Changes the manifest and everything that depends on its digest. */
  private void changeManifest(Consumer<ObjectNode> change) throws IOException {
    ObjectNode index = (ObjectNode) JSON.readTree(entries.get("index.json"));
    ObjectNode descriptor = (ObjectNode) index.get("manifests").get(0);
    String old = BLOBS + descriptor.get("digest").textValue().substring("sha256:".length());
    ObjectNode manifest = (ObjectNode) JSON.readTree(entries.remove(old));
    change.accept(manifest);
    byte[] text = JSON.writeValueAsBytes(manifest);
    entries.put(BLOBS + Digest.of(text).hex(), text);
    descriptor.put("digest", Digest.of(text).toString());
    descriptor.put("size", text.length);
    entries.put("index.json", JSON.writeValueAsBytes(index));
    write();
  }

  /** Whatever bytes change, there is one of our exceptions or a version that is sound. */
  @Test
  void answersDamageWithOurExceptionsOnly() throws IOException {
    byte[] sound = Files.readAllBytes(file);
    Random random = new Random(20261121);
    int refused = 0;
    int rounds = 80;
    try (ModelRegistry target = ModelRegistry.open(temp.resolve("fuzzed"))) {
      for (int round = 0; round < rounds; round++) {
        Files.write(file, mutated(sound, random));
        try {
          assertThat(target.archive().importFrom(file, "m" + round).manifest().files()).hasSize(3);
        } catch (AthanorException e) {
          assertThat(e.getMessage()).isNotBlank();
          refused++;
        }
      }
      assertThat(target.verify().problems()).isEmpty();
      assertThat(target.verify().versions()).isEqualTo(rounds - refused);
      assertThat(temp.resolve("fuzzed/staging")).isEmptyDirectory();
    }
    assertThat(refused).isGreaterThan(rounds / 4);
  }

  private static byte[] mutated(byte[] sound, Random random) {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    int at = random.nextInt(sound.length);
    int length = Math.min(sound.length - at, 1 + random.nextInt(600));
    switch (random.nextInt(5)) {
      case 0 -> bytes.write(sound, 0, at);
      case 1 -> {
        bytes.write(sound, 0, at);
        bytes.write(sound, at + length, sound.length - at - length);
      }
      case 2 -> {
        bytes.write(sound, 0, at);
        bytes.write(sound, at, length);
        bytes.write(sound, at, sound.length - at);
      }
      default -> {
        byte[] changed = sound.clone();
        for (int i = 0; i <= random.nextInt(8); i++) {
          int place = random.nextBoolean() ? random.nextInt(16) * 512 + random.nextInt(512) : at;
          changed[Math.min(place, changed.length - 1)] = (byte) random.nextInt(256);
        }
        bytes.writeBytes(changed);
      }
    }
    return bytes.toByteArray();
  }

  @Test
  void refusesArchivesOfOtherMakers() throws IOException {
    entries.put("oci-layout", "{\"imageLayoutVersion\": \"9\"}".getBytes(StandardCharsets.UTF_8));
    write();
    refuses("expected OCI image layout 1.0.0, got '9'");

    entries.clear();
    entries.put("index.json", "{}".getBytes(StandardCharsets.UTF_8));
    write();
    refuses("'oci-layout' is missing");
    assertThat(List.of(temp.resolve("outside"), temp.resolve("target/outside")))
        .noneMatch(Files::exists);
  }
}
