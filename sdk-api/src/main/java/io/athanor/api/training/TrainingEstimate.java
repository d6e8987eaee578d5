package io.athanor.api.training;

import io.athanor.api.backend.DeviceProfile;
import io.athanor.api.backend.MemoryEstimate;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.TreeMap;

/**
 * What a training run will take, known before it begins.
 *
 * @param model its architecture
 * @param parameters number of elements of all of them
 * @param trained how many of them the optimizer updates
 * @param sizes of the largest micro-batch that was looked at, by the symbols of the graph's shapes
 * @param rows to train on
 * @param steps of the optimizer, all epochs together
 * @param stepFlops floating-point operations of a step, on average
 * @param totalFlops those of the whole run, evaluations included
 * @param totalBytes what operations and the optimizer read and write in the whole run
 * @param totalOperations how often an operation begins in the whole run, forward or backward
 * @param memory at the peak, on the device
 * @param javaBytes what Java keeps of the model besides: first weights, best weights, and the state
 *     that goes into a checkpoint
 */
public record TrainingEstimate(
    String model,
    long parameters,
    long trained,
    Map<String, Long> sizes,
    long rows,
    long steps,
    double stepFlops,
    double totalFlops,
    double totalBytes,
    double totalOperations,
    MemoryEstimate memory,
    long javaBytes) {
  public TrainingEstimate {
    sizes = java.util.Collections.unmodifiableMap(new TreeMap<>(sizes));
  }

  /** Bytes that a device must have; the engine's libraries and the data come on top. */
  public long bytesOn(DeviceProfile device) {
    return Math.addExact(memory.total(), device.hostMemory() ? javaBytes : 0);
  }

  /** Whether that is less than the device has. */
  public boolean fits(DeviceProfile device) {
    return bytesOn(device) <= device.memory();
  }

  /**
   * The time of the whole run: arithmetic at the rate that the device sustains, traffic with its
   * memory, and a fixed cost for each operation. Reading data, first calls and checkpoints are left
   * out.
   */
  public Duration duration(DeviceProfile device) {
    double seconds =
        totalFlops / (device.flopsPerSecond() * device.efficiency())
            + totalBytes / device.bytesPerSecond()
            + totalOperations * device.secondsPerOperation();
    return Duration.ofMillis((long) (1000 * seconds));
  }

  /** What that time costs, if the device has a price. */
  public OptionalDouble price(DeviceProfile device) {
    double hours = duration(device).toMillis() / 3_600_000.0;
    return device.pricePerHour().isPresent()
        ? OptionalDouble.of(device.pricePerHour().getAsDouble() * hours)
        : OptionalDouble.empty();
  }

  /** A table for people. */
  @Override
  public String toString() {
    List<String[]> lines = new ArrayList<>();
    line(lines, "Parameters", String.format(Locale.ROOT, "%,d, %,d trained", parameters, trained));
    line(lines, "Rows, steps", String.format(Locale.ROOT, "%,d, %,d", rows, steps));
    line(lines, "Micro-batch", sizes.toString());
    line(lines, "Operations", flops(stepFlops) + " a step, " + flops(totalFlops) + " in all");
    line(lines, "Memory", size((double) memory.total()));
    line(lines, "  parameters", size((double) memory.parameters()));
    line(lines, "  gradients", size((double) memory.gradients()));
    line(lines, "  optimizer", size((double) memory.optimizer()));
    line(lines, "  activations", size((double) memory.activations()));
    line(lines, "  working", size((double) memory.working()));
    line(lines, "  fragmentation", size((double) memory.fragmentation()));
    line(lines, "Java besides", size((double) javaBytes));
    return table("Training of " + model, lines);
  }

  static void line(List<String[]> lines, String name, String value) {
    lines.add(new String[] {name, value});
  }

  static String table(String title, List<String[]> lines) {
    int width = lines.stream().mapToInt(line -> line[0].length()).max().orElse(0) + 2;
    StringBuilder text = new StringBuilder(title).append('\n');
    for (String[] line : lines) {
      text.append(line[0]).append(" ".repeat(width - line[0].length())).append(line[1]);
      text.append('\n');
    }
    return text.toString();
  }

  /** Bytes in a unit that suits them. */
  static String size(double bytes) {
    return scaled(bytes, 1024, "B", "KiB", "MiB", "GiB", "TiB");
  }

  private static String flops(double count) {
    return scaled(count, 1000, "FLOP", "kFLOP", "MFLOP", "GFLOP", "TFLOP", "PFLOP", "EFLOP");
  }

  private static String scaled(double value, double step, String... units) {
    int unit = 0;
    double left = value;
    while (left >= step && unit + 1 < units.length) {
      left /= step;
      unit++;
    }
    return String.format(Locale.ROOT, unit == 0 ? "%.0f %s" : "%.1f %s", left, units[unit]);
  }
}
