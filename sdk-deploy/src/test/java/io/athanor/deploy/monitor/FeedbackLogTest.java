package io.athanor.deploy.monitor;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assumptions.assumeThat;

import io.athanor.api.data.Pixels;
import io.athanor.api.data.Row;
import io.athanor.api.error.ConflictException;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.StorageException;
import io.athanor.api.error.ValidationException;
import io.athanor.tck.fixture.SmallDisk;
import io.athanor.tck.fixture.TestClock;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class FeedbackLogTest {
  @TempDir Path folder;

  @Test
  void keepsEveryKindOfOpinionAndCellAcrossOpenings() {
    Row row =
        Row.of(
            Map.of(
                "age", 1.5, "town", "Köln\n\"2\"", "scan", Pixels.of(2, 1, 1, new byte[] {7, -1})));
    List<FeedbackEntry> entries =
        List.of(
            entry("a", "ann", row, "ham", new Opinion.Accepted()),
            entry("b", "bob", row, "ham", new Opinion.Rejected()),
            entry("c", "ann", row, "ham", new Opinion.Corrected("spam")),
            entry("d", "ann", row, 2.5, new Opinion.Corrected(3)),
            entry("e", "cid", row, 2.5, new Opinion.Rated(4)));
    try (FeedbackLog log = FeedbackLog.open(folder)) {
      entries.subList(0, 2).forEach(log::append);
    }
    try (FeedbackLog log = FeedbackLog.open(folder, FeedbackLog.Durability.SYSTEM)) {
      entries.subList(2, 5).forEach(log::append);

      assertThat(all(log)).isEqualTo(entries);
    }
  }

  @Test
  void nothingIsKeptWithoutConsent() throws IOException {
    try (FeedbackLog log = FeedbackLog.open(folder)) {
      MonitoredDeployment live = watched(log);
      Asked<?> first = live.ask(Row.of("age", 61.5));
      Asked<?> second = live.ask(Row.of("age", 72.5));
      live.monitor().give(Feedback.of(first.id(), new Opinion.Corrected("child")));
      assertThat(Files.size(log.file())).isZero();

      live.monitor()
          .give(Feedback.of(second.id(), new Opinion.Corrected("child")).withConsentOf("ann"));

      assertThat(all(log))
          .containsExactly(
              new FeedbackEntry(
                  second.id(),
                  Instant.parse("2026-01-01T00:00:00Z"),
                  "ages",
                  "3",
                  "ann",
                  Row.of("age", 72.5),
                  "adult",
                  new Opinion.Corrected("child")));
      assertThat(live.monitor().window().opinions()).isEqualTo(2);
      assertThat(bytesIn(folder)).doesNotContain("61.5");
    }
  }

  @Test
  void whatIsErasedIsInNoFileAnyMore() throws IOException {
    Files.writeString(folder.resolve(".feedback.jsonl.left.tmp"), "mallory's secret");
    try (FeedbackLog log = FeedbackLog.open(folder)) {
      for (int i = 0; i < 200; i++) {
        String subject = i % 2 == 0 ? "mallory" : "trent";
        Row row = Row.of("body", subject + "'s secret");
        log.append(entry("answer" + i, subject, row, "ham", new Opinion.Accepted()));
      }
      assertThat(bytesIn(folder)).contains("mallory").contains("trent");

      assertThat(log.erase("mallory")).isEqualTo(100);

      assertThat(bytesIn(folder)).doesNotContain("mallory").contains("trent's secret");
      assertThat(log.erase("mallory")).isZero();
      log.append(entry("z", "trent", Row.of("body", "x"), "ham", new Opinion.Accepted()));
      assertThat(all(log)).hasSize(101).allMatch(entry -> entry.subject().equals("trent"));
    }
  }

  @Test
  void anEntryCutOffInWritingIsDropped() throws IOException {
    try (FeedbackLog log = FeedbackLog.open(folder)) {
      log.append(entry("a", "ann", Row.of("age", 1), "ham", new Opinion.Accepted()));
      log.append(entry("b", "ann", Row.of("age", 2), "ham", new Opinion.Accepted()));
    }
    Path file = folder.resolve("feedback.jsonl");
    try (RandomAccessFile cut = new RandomAccessFile(file.toFile(), "rw")) {
      cut.setLength(cut.length() - 5);
    }
    try (FeedbackLog log = FeedbackLog.open(folder)) {
      log.append(entry("c", "ann", Row.of("age", 3), "ham", new Opinion.Accepted()));

      assertThat(all(log)).extracting(FeedbackEntry::answer).containsExactly("a", "c");
    }
  }

  @Test
  void aDamagedLineIsNamedAndStopsAnErasure() throws IOException {
    try (FeedbackLog log = FeedbackLog.open(folder)) {
      log.append(entry("a", "ann", Row.of("age", 1), "ham", new Opinion.Accepted()));
    }
    Path file = folder.resolve("feedback.jsonl");
    Files.writeString(file, Files.readString(file) + "{nonsense\n");
    String before = Files.readString(file);
    try (FeedbackLog log = FeedbackLog.open(folder)) {
      assertThatThrownBy(() -> all(log))
          .isInstanceOf(FormatException.class)
          .hasMessageContaining("feedback.jsonl, line 2");
      assertThatThrownBy(() -> log.erase("ann")).isInstanceOf(FormatException.class);
      assertThat(Files.readString(file)).isEqualTo(before);
      try (Stream<Path> files = Files.list(folder)) {
        assertThat(files).hasSize(2);
      }
    }
  }

  @Test
  void onlyOneMayWrite() {
    try (FeedbackLog log = FeedbackLog.open(folder)) {
      assertThatThrownBy(() -> FeedbackLog.open(folder))
          .isInstanceOf(ConflictException.class)
          .hasMessageContaining("is open already");
      assertThat(all(log)).isEmpty();
    }
    FeedbackLog closed = FeedbackLog.open(folder);
    closed.close();
    closed.close();
    assertThatThrownBy(() -> all(closed)).isInstanceOf(IllegalStateException.class);
  }

  @Test
  void anInterruptedThreadDoesNotCloseTheLog() {
    try (FeedbackLog log = FeedbackLog.open(folder)) {
      FeedbackEntry first = entry("a", "ann", Row.of("age", 1), "ham", new Opinion.Accepted());
      Thread.currentThread().interrupt();
      assertThatThrownBy(() -> log.append(first)).isInstanceOf(StorageException.class);
      assertThat(Thread.interrupted()).isTrue();

      log.append(first);

      assertThat(all(log)).containsExactly(first);
    }
  }

  @Test
  void anEntryThatIsTooLargeIsRefused() {
    try (FeedbackLog log = FeedbackLog.open(folder)) {
      Row row = Row.of("body", "x".repeat(17 << 20));
      assertThatThrownBy(() -> log.append(entry("a", "ann", row, "ham", new Opinion.Accepted())))
          .isInstanceOf(ValidationException.class)
          .hasMessageContaining("at most 16777216 are kept");
    }
  }

  @Test
  void aFullDiskLosesNothingThatWasAcknowledged() {
    Optional<SmallDisk> mounted = SmallDisk.mounted(folder, "64k");
    assumeThat(mounted).as("this user may mount file systems").isPresent();
    try (SmallDisk disk = mounted.orElseThrow()) {
      Path place = disk.folder().resolve("feedback");
      List<FeedbackEntry> acknowledged = new ArrayList<>();
      try (FeedbackLog log = FeedbackLog.open(place)) {
        assertThatThrownBy(
                () -> {
                  for (int i = 0; i < 1_000; i++) {
                    FeedbackEntry next =
                        entry(
                            "a" + i,
                            "ann",
                            Row.of("body", "x".repeat(700)),
                            "ham",
                            new Opinion.Accepted());
                    log.append(next);
                    acknowledged.add(next);
                  }
                })
            .isInstanceOf(StorageException.class)
            .hasMessageContaining("disk not full");
        assertThat(acknowledged).hasSizeGreaterThan(20);
        assertThat(all(log)).isEqualTo(acknowledged);
        assertThatThrownBy(() -> log.erase("nobody")).isInstanceOf(StorageException.class);
        assertThat(all(log)).isEqualTo(acknowledged);
        assertThat(disk.remount("size=1m")).isTrue();
        FeedbackEntry last = entry("z", "bob", Row.of("age", 1), "ham", new Opinion.Accepted());
        log.append(last);
        acknowledged.add(last);
      }
      try (FeedbackLog log = FeedbackLog.open(place)) {
        assertThat(all(log)).isEqualTo(acknowledged);
      }
    }
  }

  @Test
  void aKilledProcessLosesNothingThatWasAcknowledged() throws Exception {
    Path acknowledgements = folder.resolve("acknowledged");
    Process writer =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                Writer.class.getName(),
                folder.toString())
            .redirectError(ProcessBuilder.Redirect.DISCARD)
            .redirectOutput(acknowledgements.toFile())
            .start();
    while (writer.isAlive() && Files.size(acknowledgements) < 2_000) {
      Thread.onSpinWait();
    }
    assertThat(writer.isAlive()).isTrue();
    writer.destroyForcibly().waitFor();
    String told = Files.readString(acknowledgements);
    long acknowledged = told.chars().filter(c -> c == '\n').count();
    assertThat(acknowledged).isGreaterThan(300);
    try (FeedbackLog log = FeedbackLog.open(folder)) {
      List<FeedbackEntry> kept = all(log);

      assertThat((long) kept.size()).isBetween(acknowledged, acknowledged + 1);
      for (int i = 0; i < kept.size(); i++) {
        assertThat(kept.get(i).answer()).isEqualTo("a" + i);
      }
    }
  }

  /** Writes without end and says of each entry that it is kept. */
  static final class Writer {
    private Writer() {}

    public static void main(String[] args) {
      try (FeedbackLog log = FeedbackLog.open(Path.of(args[0]), FeedbackLog.Durability.SYSTEM)) {
        for (int i = 0; i < 1_000_000; i++) {
          log.append(entry("a" + i, "ann", Row.of("age", i), "ham", new Opinion.Accepted()));
          System.out.println(i);
        }
      }
    }
  }

  private static MonitoredDeployment watched(FeedbackLog log) {
    return new Monitoring()
        .feedback(log)
        .clock(TestClock.standing())
        .checkEvery(Duration.ZERO)
        .watch(new ScriptedDeployment());
  }

  private static FeedbackEntry entry(
      String answer, String subject, Row row, Object predicted, Opinion opinion) {
    return new FeedbackEntry(
        answer,
        Instant.parse("2026-02-03T04:05:06Z"),
        "ages",
        "3",
        subject,
        row,
        predicted,
        opinion);
  }

  private static List<FeedbackEntry> all(FeedbackLog log) {
    List<FeedbackEntry> entries = new ArrayList<>();
    log.forEach(entries::add);
    return entries;
  }

  /** All files of a folder, as a search for text would read them. */
  private static String bytesIn(Path folder) throws IOException {
    StringBuilder text = new StringBuilder();
    try (Stream<Path> files = Files.walk(folder)) {
      for (Path file : files.filter(Files::isRegularFile).toList()) {
        text.append(file.getFileName()).append(Files.readString(file, StandardCharsets.ISO_8859_1));
      }
    }
    return text.toString();
  }
}
