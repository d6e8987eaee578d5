package io.athanor.deploy.rollout;

import java.util.Locale;
import java.util.function.DoubleSupplier;

/**
 * Holds something measured elsewhere to a limit, for example what the candidate's answers cost.
 * Thread-safe if what measures it is.
 */
public final class LimitGuard implements Guard {
  private final String name;
  private final DoubleSupplier measured;
  private final double good;
  private final double bad;

  private LimitGuard(String name, DoubleSupplier measured, double good, double bad) {
    this.name = name;
    this.measured = measured;
    this.good = good;
    this.bad = bad;
  }

  /**
   * A guard.
   *
   * @param name for reasons, for example {@code "price"}
   * @param measured the present value, at once; NaN as long as there is none, which is undecided
   * @param good up to this the rollout may go on
   * @param bad from this on it is rolled back; above {@code good}
   */
  public static LimitGuard of(String name, DoubleSupplier measured, double good, double bad) {
    if (name.isBlank()) {
      throw new IllegalArgumentException("name must not be blank");
    }
    if (!(good < bad)) {
      throw new IllegalArgumentException("good must be below bad, got " + good + " and " + bad);
    }
    return new LimitGuard(name, measured, good, bad);
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public Finding judge(Traffic traffic) {
    double value = measured.getAsDouble();
    if (Double.isNaN(value)) {
      return Finding.undecided("nothing has been measured yet");
    }
    String reading =
        String.format(Locale.ROOT, "%.4g, good up to %s, bad from %s", value, good, bad);
    if (value >= bad) {
      return Finding.bad(reading);
    }
    return value <= good ? Finding.good(reading) : Finding.undecided(reading);
  }
}
