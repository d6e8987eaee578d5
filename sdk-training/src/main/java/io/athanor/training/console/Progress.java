package io.athanor.training.console;

import io.athanor.api.event.TrainingEvent;
import io.athanor.api.event.TrainingListener;
import java.io.Console;
import java.io.PrintStream;
import java.time.Clock;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * Shows a run to people: on a terminal a bar that is drawn again in place, elsewhere a plain line
 * every few seconds; and a line for each evaluation and for the end. For one run at a time.
 */
public final class Progress implements TrainingListener {
  private static final long REDRAW_MILLIS = 100;
  private static final long LINE_MILLIS = 5_000;

  /** Leaves room for the numbers beside the bar on a terminal of 80 columns. */
  private static final int BAR = 20;

  private final PrintStream out;
  private final boolean terminal;
  private final Clock clock;
  private long startedMillis;
  private long startedStep;
  private long shownMillis;
  private int barLength;

  private Progress(PrintStream out, boolean terminal, Clock clock) {
    this.out = out;
    this.terminal = terminal;
    this.clock = clock;
  }

  /** Writes to the standard output, with a bar if that is a terminal. */
  public static Progress console() {
    return new Progress(System.out, onTerminal(System.console()), Clock.systemUTC());
  }

  /**
   * Writes elsewhere.
   *
   * @param out stays open
   * @param terminal whether a carriage return goes back to the start of the line
   * @param clock tells when to show something again
   */
  public static Progress to(PrintStream out, boolean terminal, Clock clock) {
    return new Progress(out, terminal, clock);
  }

  /** From Java 22 on there is a console even where the output goes to a file. */
  private static boolean onTerminal(@Nullable Console console) {
    if (console == null) {
      return false;
    }
    try {
      return (boolean) Console.class.getMethod("isTerminal").invoke(console);
    } catch (ReflectiveOperationException e) {
      return true;
    }
  }

  @Override
  public void on(TrainingEvent event) {
    if (event instanceof TrainingEvent.StepCompleted step) {
      stepCompleted(step);
    } else if (event instanceof TrainingEvent.Started started) {
      started(started);
    } else if (event instanceof TrainingEvent.Evaluated evaluated) {
      line(
          text("epoch %d, step %,d: ", evaluated.epoch(), evaluated.step())
              + metrics(evaluated.metrics())
              + (evaluated.best() ? " (best)" : ""));
    } else if (event instanceof TrainingEvent.Paused paused) {
      line(text("paused at step %,d", paused.step()));
    } else if (event instanceof TrainingEvent.Resumed resumed) {
      line(text("going on at step %,d", resumed.step()));
    } else if (event instanceof TrainingEvent.Ended ended) {
      line(ended(ended));
    } else if (event instanceof TrainingEvent.Failed failed) {
      line("failed: " + failed.problem());
    }
  }

  private void started(TrainingEvent.Started started) {
    startedMillis = clock.millis();
    startedStep = started.step();
    shownMillis = startedMillis;
    line(
        text("%s, %,d trained parameters, ", started.model(), started.trainedParameters())
            + (started.step() == 0
                ? text("%,d steps", started.totalSteps())
                : text("going on at step %,d of %,d", started.step(), started.totalSteps())));
  }

  private void stepCompleted(TrainingEvent.StepCompleted step) {
    long now = clock.millis();
    boolean last = step.step() == step.totalSteps();
    if (now - shownMillis < (terminal ? REDRAW_MILLIS : LINE_MILLIS) && !(terminal && last)) {
      return;
    }
    shownMillis = now;
    long taken = Math.max(1, step.step() - startedStep);
    Duration left =
        Duration.ofMillis((now - startedMillis) * (step.totalSteps() - step.step()) / taken);
    String numbers =
        text(
            "loss %.4f  %,.0f rows/s  %d:%02d left",
            step.loss(), step.rowsPerSecond(), left.toMinutes(), left.toSecondsPart());
    double share = (double) step.step() / step.totalSteps();
    if (terminal) {
      bar(text("epoch %d %s %3.0f%%  %s", step.epoch(), bar(share), 100 * share, numbers));
    } else {
      line(
          text("epoch %d, step %,d/%,d: ", step.epoch(), step.step(), step.totalSteps()) + numbers);
    }
  }

  private static String bar(double share) {
    int full = (int) Math.round(share * BAR);
    return "[" + "=".repeat(full) + " ".repeat(BAR - full) + "]";
  }

  private void bar(String text) {
    out.print("\r" + text + " ".repeat(Math.max(0, barLength - text.length())));
    out.flush();
    barLength = text.length();
  }

  private void line(String text) {
    if (barLength > 0) {
      bar("");
      out.print("\r");
      barLength = 0;
    }
    out.println(text);
  }

  private static String ended(TrainingEvent.Ended ended) {
    String how =
        switch (ended.reason()) {
          case COMPLETED -> "done";
          case STOPPED_EARLY -> "stopped early";
          case CANCELLED -> "cancelled";
        };
    return text("%s after %,d steps, model of step %,d: ", how, ended.step(), ended.bestStep())
        + metrics(ended.metrics());
  }

  private static String metrics(Map<String, Double> metrics) {
    return metrics.entrySet().stream()
        .map(metric -> text("%s %.4f", metric.getKey(), metric.getValue()))
        .collect(Collectors.joining(", "));
  }

  private static String text(String format, Object... values) {
    return String.format(Locale.ROOT, format, values);
  }
}
