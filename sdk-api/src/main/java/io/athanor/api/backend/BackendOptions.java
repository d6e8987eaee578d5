package io.athanor.api.backend;

/**
 * How an engine runs.
 *
 * @param device {@code "cpu"}, or a GPU by its index as in {@code "cuda:1"}; {@code "cuda"} is the
 *     first. A backend refuses a device that is not there when it is opened
 * @param threads threads for one operation; 0 lets the backend choose
 */
public record BackendOptions(String device, int threads) {
  public BackendOptions {
    if (device.equals("cuda")) {
      device = "cuda:0";
    }
    if (!device.matches("cpu|cuda:[0-9]{1,2}")) {
      throw new IllegalArgumentException("device must be cpu or cuda:N, got '" + device + "'");
    }
    if (threads < 0) {
      throw new IllegalArgumentException("threads must be at least 0, got " + threads);
    }
  }

  /** The processor, with as many threads as the backend thinks best. */
  public static BackendOptions defaults() {
    return new BackendOptions("cpu", 0);
  }

  public BackendOptions withThreads(int count) {
    return new BackendOptions(device, count);
  }

  public BackendOptions withDevice(String name) {
    return new BackendOptions(name, threads);
  }
}
