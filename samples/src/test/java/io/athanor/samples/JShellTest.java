package io.athanor.samples;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Map;
import jdk.jshell.tool.JavaShellToolBuilder;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Runs the sessions of {@code samples/jshell} in the JDK's own jshell. */
@Timeout(300)
class JShellTest {
  private static final Path SESSIONS = Path.of("jshell");

  @TempDir Path preferences;

  @Test
  void flowersAreToldApartInASession() throws Exception {
    String said = run(SESSIONS.resolve("iris.jsh"));

    assertThat(said)
        .contains(
            "Training of mlp", "Parameters       131, 131 trained", "Rows, steps      90, 240")
        .containsPattern("Best at step [0-9]+: \\{.*validation.accuracy=")
        .containsPattern("Accuracy is (0\\.9|1\\.0)")
        .containsPattern("The first flower of the test: (setosa|versicolor|virginica)")
        .doesNotContain("Error", "Exception", "failed");
  }

  @Test
  void aMistakeInASessionIsSeen() throws Exception {
    assertThat(run(preferences.resolve("absent.jsh"))).contains("absent.jsh");
  }

  private String run(Path session) throws Exception {
    ByteArrayOutputStream said = new ByteArrayOutputStream();
    PrintStream out = new PrintStream(said, true, StandardCharsets.UTF_8);
    JavaShellToolBuilder.builder()
        .in(new ByteArrayInputStream(new byte[0]), null)
        .out(out)
        .err(out)
        .persistence(Map.of())
        .run(
            "-s",
            "--class-path",
            System.getProperty("java.class.path"),
            "--startup",
            "DEFAULT",
            "--startup",
            SESSIONS.resolve("athanor.jsh").toString(),
            session.toString());
    return said.toString(StandardCharsets.UTF_8);
  }
}
