package io.athanor.backend.dl4j;

import io.athanor.api.backend.Support;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Whether nd4j-cuda-11.6 has machine code for a GPU. Its library holds kernels for compute
 * capability 3.7 to 8.6 and no PTX, which a driver could compile for newer ones. That rule is read
 * from the library; no GPU it runs on was there to try it.
 */
final class CudaDevice {
  static final String NEWEST = "8.6";

  private static final String REMEDY =
      "Use io.athanor:backend-djl, which runs on newer GPUs, or device cpu with nd4j-native";
  private static final Pattern CAPABILITY = Pattern.compile("(\\d+)\\.(\\d+)");

  private CudaDevice() {}

  /** Asks the driver's tool; loads no library of CUDA. */
  static Support probe(String device) {
    int index = Integer.parseInt(device.substring(device.indexOf(':') + 1));
    List<String> query =
        List.of("nvidia-smi", "--query-gpu=compute_cap", "--format=csv,noheader", "-i", "" + index);
    try {
      Process process = new ProcessBuilder(query).redirectErrorStream(true).start();
      if (!process.waitFor(20, TimeUnit.SECONDS)) {
        process.destroyForcibly();
        return check(device, "nvidia-smi does not answer");
      }
      byte[] answer = process.getInputStream().readAllBytes();
      return check(device, new String(answer, StandardCharsets.UTF_8).strip());
    } catch (IOException e) {
      return check(device, "nvidia-smi does not run: " + e.getMessage());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return check(device, "interrupted while asking nvidia-smi");
    }
  }

  /**
   * @param answer the compute capability, or why it is not known
   */
  static Support check(String device, String answer) {
    Matcher capability = CAPABILITY.matcher(answer);
    if (!capability.matches()) {
      return new Support.Unsupported(
          "device " + device + ": its compute capability is not known (" + answer + ")",
          "Name a device that nvidia-smi -L lists. " + REMEDY);
    }
    int major = Integer.parseInt(capability.group(1));
    int minor = Integer.parseInt(capability.group(2));
    if (major > 8 || (major == 8 && minor > 6)) {
      return new Support.Unsupported(
          "device "
              + device
              + " has compute capability "
              + answer
              + ", and nd4j-cuda-11.6 has kernels up to "
              + NEWEST
              + " and none that the driver could compile for newer ones",
          REMEDY);
    }
    return new Support.Supported();
  }
}
