package io.athanor.api.training;

import io.athanor.api.backend.DeviceProfile;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * What a training run will take on a device, and what would make it fit if it does not.
 *
 * @param estimate of the run as planned
 * @param device where
 * @param remedies changes of the plan that need less memory; none where it fits
 */
public record TrainingForecast(
    TrainingEstimate estimate, DeviceProfile device, List<Remedy> remedies) {
  /**
   * A change of the plan.
   *
   * @param advice what to call on {@code Training}
   * @param estimate of the run when changed so
   */
  public record Remedy(String advice, TrainingEstimate estimate) {}

  public TrainingForecast {
    remedies = List.copyOf(remedies);
  }

  /** Whether the run fits the device's memory as planned. */
  public boolean fits() {
    return estimate.fits(device);
  }

  /** The time of the whole run. */
  public Duration duration() {
    return estimate.duration(device);
  }

  /** The estimate's table, time and price, and the remedies. */
  @Override
  public String toString() {
    List<String[]> lines = new ArrayList<>();
    String needed = TrainingEstimate.size((double) estimate.bytesOn(device));
    String there = TrainingEstimate.size((double) device.memory());
    TrainingEstimate.line(
        lines, "Fits", (fits() ? "yes, " : "NO, ") + needed + " of " + there + " needed");
    TrainingEstimate.line(lines, "Time", time(duration()));
    estimate
        .price(device)
        .ifPresent(
            price ->
                TrainingEstimate.line(lines, "Price", String.format(Locale.ROOT, "%.2f", price)));
    for (Remedy remedy : remedies) {
      TrainingEstimate.line(
          lines,
          remedy.advice,
          TrainingEstimate.size((double) remedy.estimate.bytesOn(device))
              + (remedy.estimate.fits(device) ? ", fits, " : ", does not fit either, ")
              + time(remedy.estimate.duration(device)));
    }
    return estimate + TrainingEstimate.table("On " + device.name(), lines);
  }

  private static String time(Duration time) {
    if (time.toSeconds() < 60) {
      return String.format(Locale.ROOT, "%.1f s", time.toMillis() / 1000.0);
    }
    return time.toHours() > 0
        ? time.toHours() + " h " + time.toMinutesPart() + " min"
        : time.toMinutes() + " min " + time.toSecondsPart() + " s";
  }
}
