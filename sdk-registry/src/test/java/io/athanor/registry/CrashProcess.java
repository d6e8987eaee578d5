package io.athanor.registry;

import io.athanor.api.error.ConflictException;
import io.athanor.api.error.NotFoundException;
import io.athanor.api.registry.ModelVersion;
import io.athanor.api.registry.VersionId;
import io.athanor.registry.governance.Approval;
import io.athanor.registry.store.Database;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import org.jspecify.annotations.Nullable;

/**
 * The main class of child processes that change a registry until they are killed, and tell each
 * change before it begins and after it has happened. Every thread has an alias of its own, which
 * nobody else moves.
 */
final class CrashProcess {
  static final String OPENING = "opening";
  static final String OPENED = "opened";
  static final List<String> MODELS = List.of("left", "right");

  private static final int MANY = 12;
  private static final String REASON = "for the test";
  private static final FileOutputStream TOLD = new FileOutputStream(FileDescriptor.out);

  private final ModelRegistry registry;
  private final Path scratch;
  private final String worker;
  private final Random random;

  private CrashProcess(ModelRegistry registry, Path scratch, String worker, Random random) {
    this.registry = registry;
    this.scratch = scratch;
    this.worker = worker;
    this.random = random;
  }

  /** Starts a child. */
  static Process start(
      TestStore store, Path folder, Path scratch, String worker, int threads, long seed)
      throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto"));
    command.addAll(store.systemProperties());
    command.addAll(
        List.of(
            "-Djava.io.tmpdir=" + scratch,
            "-cp",
            System.getProperty("java.class.path"),
            CrashProcess.class.getName(),
            folder.toString(),
            scratch.toString(),
            worker,
            Integer.toString(threads),
            Long.toString(seed),
            store.name()));
    return new ProcessBuilder(command).redirectErrorStream(true).start();
  }

  public static void main(String[] arguments) throws IOException {
    Path scratch = Path.of(arguments[1]);
    Random random = new Random(Long.parseLong(arguments[4]));
    say(OPENING);
    Path folder = Path.of(arguments[0]);
    Database database = TestStore.valueOf(arguments[5]).database(folder);
    ModelRegistry registry =
        ModelRegistry.in(folder)
            .database(new MigrationWatch(database, CrashProcess::sayUnchecked))
            .open();
    say(OPENED);
    for (int i = 0; i < Integer.parseInt(arguments[3]); i++) {
      String worker = arguments[2] + "-" + i;
      Path own = Files.createDirectories(scratch.resolve(worker));
      CrashProcess work = new CrashProcess(registry, own, worker, new Random(random.nextLong()));
      new Thread(work::run, worker).start();
    }
  }

  /** One write to a pipe is whole or absent. */
  private static void say(String line) throws IOException {
    TOLD.write((line + "\n").getBytes(StandardCharsets.UTF_8));
  }

  private static void sayUnchecked(String line) {
    try {
      say(line);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private void run() {
    try {
      while (true) {
        String model = MODELS.get(random.nextInt(MODELS.size()));
        step(model, versions(model));
      }
    } catch (IOException | RuntimeException e) {
      e.printStackTrace();
      Runtime.getRuntime().halt(1);
    }
  }

  private List<ModelVersion> versions(String model) {
    try {
      return registry.versions(model);
    } catch (NotFoundException noneLeft) {
      return List.of();
    }
  }

  private void step(String model, List<ModelVersion> versions) throws IOException {
    int choice = random.nextInt(14);
    if (versions.isEmpty() || (choice < 4 && versions.size() < MANY)) {
      register(model);
    } else if (choice < 6) {
      promote(any(versions));
    } else if (choice < 8) {
      update(any(versions));
    } else if (choice < 11) {
      approve(any(versions));
    } else if (choice < 13) {
      delete(any(versions));
    } else {
      collectGarbage();
    }
  }

  private ModelVersion any(List<ModelVersion> versions) {
    return versions.get(random.nextInt(versions.size()));
  }

  private void register(String model) throws IOException {
    Path folder = TestModels.folder(scratch, "content " + random.nextInt(5));
    begin("register", model);
    ModelVersion made =
        registry.registration(model, folder).tag("worker", worker).description("made").register();
    done("register", made.id() + " " + made.digest().hex());
  }

  private void promote(ModelVersion version) throws IOException {
    begin("promote", version.id().toString());
    try {
      Optional<VersionId> to = registry.promote(version, worker).apply().to();
      done("promote", to.orElseThrow().toString());
    } catch (ConflictException | NotFoundException deleted) {
      refused("promote");
    }
  }

  /** Each thread has a tag of its own. */
  private void update(ModelVersion version) throws IOException {
    String value = Integer.toString(random.nextInt(1_000_000_000));
    begin("update", version.id() + " " + value);
    try {
      registry.update(version).tag(worker, value).apply();
      done("update", version.id() + " " + value);
    } catch (ConflictException | NotFoundException changed) {
      refused("update");
    }
  }

  /** Requests approval, or decides on an earlier request; nobody else does for this alias. */
  private void approve(ModelVersion version) throws IOException {
    Optional<Approval> open =
        registry.approvals().of(version).stream()
            .filter(approval -> approval.alias().equals(worker) && approval.status().open())
            .findFirst();
    String action = open.isEmpty() ? "request" : random.nextBoolean() ? "approve" : "reject";
    String subject = version.id() + open.map(approval -> " " + approval.number()).orElse("");
    begin(action, subject);
    try {
      Approval after =
          switch (action) {
            case "request" -> registry.approvals().request(version, worker, REASON);
            case "approve" -> registry.approvals().approve(open.orElseThrow().number(), REASON);
            default -> registry.approvals().reject(open.orElseThrow().number(), REASON);
          };
      done(action, version.id() + " " + after.number());
    } catch (ConflictException | NotFoundException decidedOrDeleted) {
      refused(action);
    }
  }

  private void delete(ModelVersion version) throws IOException {
    begin("delete", version.id().toString());
    try {
      registry.delete(version).apply();
      done("delete", version.id().toString());
    } catch (ConflictException | NotFoundException inUse) {
      refused("delete");
    }
  }

  private void collectGarbage() throws IOException {
    begin("collect", "everything");
    registry.collectGarbage();
    done("collect", "everything");
  }

  private void begin(String action, String subject) throws IOException {
    say(worker + " begin " + action + " " + subject);
  }

  /** Whether a line tells that a change begins. */
  static boolean isBegun(String line, String action) {
    return line.contains(" begin " + action + " ");
  }

  /** Whether a line tells that a change has happened. */
  static boolean isDone(@Nullable String line) {
    return line != null && line.contains(" done ");
  }

  private void done(String action, String outcome) throws IOException {
    say(worker + " done " + action + " " + outcome);
  }

  private void refused(String action) throws IOException {
    say(worker + " refused " + action + " -");
  }

  /** A line that a child said. */
  record Told(String worker, String phase, String action, String subject, String digest) {
    static Optional<Told> of(String line) {
      List<String> words = new ArrayList<>(List.of(line.split(" ")));
      if (words.size() < 4) {
        return Optional.empty();
      }
      words.add("");
      return Optional.of(
          new Told(words.get(0), words.get(1), words.get(2), words.get(3), words.get(4)));
    }
  }
}
