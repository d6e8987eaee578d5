package io.athanor.pipeline;

import io.athanor.api.backend.Backend;
import io.athanor.api.backend.BackendOptions;
import io.athanor.api.deploy.RolloutPhase;
import io.athanor.api.deploy.RolloutState;
import io.athanor.api.error.ConflictException;
import io.athanor.api.registry.ModelVersion;
import io.athanor.api.registry.Principal;
import io.athanor.deploy.Deployments;
import io.athanor.deploy.rollout.LimitGuard;
import io.athanor.deploy.rollout.RolloutControl;
import io.athanor.deploy.rollout.RolloutDeployment;
import io.athanor.deploy.rollout.Strategy;
import io.athanor.registry.ModelRegistry;
import io.athanor.tck.reference.ReferenceBackendProvider;
import java.io.BufferedReader;
import java.io.FileDescriptor;
import java.io.FileOutputStream;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.Supplier;

/**
 * The main class of child processes that serve rollouts until they are killed, or that steer one as
 * they are told. What they have to say begins with {@link #SAYS}; logs and errors do not.
 */
final class RolloutProcess {
  static final String SAYS = "> ";
  static final String MODEL = "spam-filter";
  static final String ALIAS = "production";

  private static final long UNTIL_KILLED = Long.MAX_VALUE;
  private static final long BEFORE_THE_FAULT = 12;
  private static final Strategy CANARY =
      Strategy.canary()
          .step(0.2, Duration.ZERO, 3)
          .step(0.5, Duration.ZERO, 3)
          .step(1, Duration.ZERO, 20);
  private static final FileOutputStream TOLD = new FileOutputStream(FileDescriptor.out);

  private RolloutProcess() {}

  /** Serves one rollout after the other until it is killed. */
  static Process serving(Path folder, Path scratch) throws IOException {
    return start(scratch, "serve", folder.toString(), Long.toString(UNTIL_KILLED));
  }

  /** Serves rollouts until so many have ended. */
  static Process serving(Path folder, Path scratch, int rollouts) throws IOException {
    return start(scratch, "serve", folder.toString(), Long.toString(rollouts));
  }

  /**
   * Does what each line of its input says, and answers with a line: {@code read}, {@code write}
   * (the next state to what was read), {@code promote}, {@code rollBack}.
   */
  static Process steering(Path folder, Path scratch, String who) throws IOException {
    return start(scratch, "steer", folder.toString(), who);
  }

  private static Process start(Path scratch, String... arguments) throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto"));
    command.add("-Djava.io.tmpdir=" + scratch);
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.add(RolloutProcess.class.getName());
    command.addAll(List.of(arguments));
    return new ProcessBuilder(command).redirectErrorStream(true).start();
  }

  public static void main(String[] arguments) throws Exception {
    try (ModelRegistry registry = ModelRegistry.open(Path.of(arguments[1]))) {
      if (arguments[0].equals("serve")) {
        serve(registry, Long.parseLong(arguments[2]));
      } else {
        steer(registry, new Principal(arguments[2]));
      }
    }
  }

  /** One write to a pipe is whole or absent. */
  private static void say(String line) {
    try {
      TOLD.write((SAYS + line + "\n").getBytes(StandardCharsets.UTF_8));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void serve(ModelRegistry registry, long rollouts) throws InterruptedException {
    try (Backend backend = new ReferenceBackendProvider().open(BackendOptions.defaults())) {
      say("ready");
      for (long i = 0; i < rollouts; i++) {
        toTheEnd(registry, backend, i % 2 == 1);
      }
    }
  }

  /** Goes on with the rollout that has not ended, or begins another one. */
  private static void toTheEnd(ModelRegistry registry, Backend backend, boolean faulty)
      throws InterruptedException {
    CountDownLatch ended = new CountDownLatch(1);
    AtomicLong asked = new AtomicLong();
    try (RolloutDeployment live =
        RegistryRollout.of(registry, MODEL, ALIAS)
            .begin(
                Deployments.inProcess().backend(backend),
                candidate(registry),
                rollout ->
                    rollout
                        .again()
                        .strategy(CANARY)
                        .guard(
                            LimitGuard.of(
                                "fault",
                                () -> faulty && asked.get() > BEFORE_THE_FAULT ? 1 : 0,
                                0.4,
                                0.6))
                        .period(Duration.ofMillis(2))
                        .listener(
                            state -> {
                              say(state.revision() + " " + state.phase());
                              if (state.phase().ended()) {
                                ended.countDown();
                              }
                            }))) {
      while (ended.getCount() > 0) {
        live.predict("won prize");
        asked.incrementAndGet();
      }
    }
  }

  private static ModelVersion candidate(ModelRegistry registry) {
    String unfinished =
        registry
            .rollouts()
            .read(MODEL, ALIAS)
            .filter(state -> !state.phase().ended())
            .map(RolloutState::candidate)
            .orElse("");
    ModelVersion present = registry.alias(MODEL, ALIAS);
    List<ModelVersion> versions = registry.versions(MODEL);
    return versions.stream()
        .filter(version -> version.id().toString().equals(unfinished))
        .findFirst()
        .orElseGet(
            () -> versions.stream().filter(v -> !v.equals(present)).findFirst().orElseThrow());
  }

  private static void steer(ModelRegistry shared, Principal who) throws IOException {
    ModelRegistry registry = shared.as(who);
    RolloutControl control = RolloutControl.of(registry.rollouts(), MODEL, ALIAS, who);
    BufferedReader orders =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    RolloutState read = control.state();
    for (String order = orders.readLine(); order != null; order = orders.readLine()) {
      switch (order) {
        case "read" -> {
          read = control.state();
          say("read " + read.revision());
        }
        case "write" -> {
          RolloutState next =
              read.moved(
                  RolloutPhase.RUNNING, read.step() + 1, "by " + who.name(), who, Instant.now());
          attempt(() -> registry.rollouts().write(next));
        }
        case "promote" -> attempt(() -> control.promote("by " + who.name()));
        case "rollBack" -> attempt(() -> control.rollBack("by " + who.name()));
        default -> throw new IllegalArgumentException("order must be known, got " + order);
      }
    }
  }

  private static void attempt(Supplier<RolloutState> change) {
    try {
      say("won " + change.get().revision());
    } catch (ConflictException e) {
      say("lost " + e.getMessage());
    }
  }
}
