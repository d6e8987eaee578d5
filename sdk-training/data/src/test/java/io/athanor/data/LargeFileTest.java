package io.athanor.data;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A dataset keeps a few bytes for each row: seen by heaps that could not hold the rows. */
class LargeFileTest {
  @TempDir Path folder;

  @Test
  void readsAFileLargerThanTheHeap() throws Exception {
    Path file = write(70_000, " ".repeat(400));

    assertThat(Files.size(file)).isGreaterThan(25L << 20);
    assertThat(run(file, "-Xmx20m")).contains("70000 rows, 56000 seen");
  }

  /** Two million rows: 24 bytes each for the index, 12 for the split, 4 for the epoch: 80 MB. */
  @Test
  @Tag("heavy")
  void readsTwoMillionRowsInLittleMoreThanFortyBytesEach() throws Exception {
    Path file = write(2_000_000, " ".repeat(60));

    assertThat(Files.size(file)).isGreaterThan(160L << 20);
    assertThat(run(file, "-Xmx128m")).contains("2000000 rows, 1600000 seen");
  }

  /** 1.6 million tokens take 6.4 MB, of which a quarter of the heap keeps most. */
  @Test
  void packsACorpusWithMoreTokensThanItKeeps() throws Exception {
    Path file = corpus(8_000);

    assertThat(Files.size(file)).isGreaterThan(8L << 20);
    assertThat(run(file, "-Xmx22m", SmallHeapTextMain.class))
        .contains("1592000 targets seen of 8000 rows, 8000 sequences, 1600000 tokens");
  }

  @Test
  @Tag("heavy")
  void packsACorpusOfAHundredMegabytesInAHeapOfOneGigabyte() throws Exception {
    Path file = corpus(95_000);

    assertThat(Files.size(file)).isGreaterThan(95L << 20);
    assertThat(run(file, "-Xmx1g", SmallHeapTextMain.class)).contains("95000 rows");
  }

  /** Two hundred words of five letters in each row. */
  private Path corpus(int rows) throws IOException {
    Path file = folder.resolve("large.jsonl");
    try (BufferedWriter out = Files.newBufferedWriter(file)) {
      for (int i = 0; i < rows; i++) {
        out.write("{\"text\": \"" + "lorem ipsu%d ".formatted(i % 10).repeat(100) + "\"}\n");
      }
    }
    return file;
  }

  private Path write(int rows, String filler) throws IOException {
    Path file = folder.resolve("large.csv");
    try (BufferedWriter out = Files.newBufferedWriter(file)) {
      out.write("a,b,c,kind,notes,y\n");
      for (int i = 0; i < rows; i++) {
        out.write(i + "," + i % 100 * 0.25 + ",-1e-3,k" + i % 5 + ",\"" + filler + "\"," + i % 3);
        out.write('\n');
      }
    }
    return file;
  }

  private String run(Path file, String heap) throws Exception {
    return run(file, heap, SmallHeapMain.class);
  }

  private String run(Path file, String heap, Class<?> main) throws Exception {
    Path output = folder.resolve("output.txt");
    Process process =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                heap,
                "-cp",
                System.getProperty("java.class.path"),
                main.getName(),
                file.toString())
            .redirectErrorStream(true)
            .redirectOutput(output.toFile())
            .start();
    try {
      assertThat(process.waitFor(5, TimeUnit.MINUTES)).isTrue();
    } finally {
      process.destroyForcibly();
    }
    String said = Files.readString(output);
    assertThat(process.exitValue()).as(said).isZero();
    System.getLogger(LargeFileTest.class.getName()).log(System.Logger.Level.INFO, said);
    return said;
  }
}
