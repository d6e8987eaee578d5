package io.athanor.backend.djl;

import ai.djl.Device;
import ai.djl.engine.EngineException;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.ndarray.types.SparseFormat;
import ai.djl.pytorch.engine.PtNDManager;
import ai.djl.pytorch.jni.JniUtils;
import io.athanor.api.backend.Capability;
import io.athanor.api.backend.Precision;
import io.athanor.api.backend.Support;
import io.athanor.api.error.UnsupportedException;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.Set;

/**
 * The device a backend computes on.
 *
 * @param name as TorchScript writes it
 * @param separate whether its memory is not the processor's
 * @param formats in which it multiplies, other than those that every device of its kind has
 */
record ComputeDevice(String name, boolean separate, Set<Precision> formats) {
  private static final String PROCESSOR = "cpu";

  ComputeDevice {
    formats = Set.copyOf(formats);
  }

  static boolean isProcessor(String name) {
    return name.equals(PROCESSOR);
  }

  static ComputeDevice processor() {
    return new ComputeDevice(PROCESSOR, false, Processor.formats());
  }

  /**
   * Tries a device. The engine has started.
   *
   * @throws UnsupportedException if it does not answer, with what libtorch says
   */
  static ComputeDevice open(String name, NativeCalls calls) {
    if (isProcessor(name)) {
      ComputeDevice claimed = processor();
      Set<Precision> formats = new HashSet<>(claimed.formats());
      formats.removeIf(format -> !calls.run(() -> claimed.probe(format).multiplies()));
      return new ComputeDevice(PROCESSOR, false, formats);
    }
    try (PtNDManager manager =
        (PtNDManager) NDManager.newBaseManager(Device.cpu(), LibTorch.ENGINE)) {
      JniUtils.createZerosNdArray(
          manager, new Shape(1), DataType.FLOAT32, device(name), SparseFormat.DENSE);
    } catch (EngineException e) {
      throw new UnsupportedException(
          "device " + name + "; libtorch says: " + NativeCalls.brief(e),
          "Name a device that nvidia-smi -L lists, have an NVIDIA driver for CUDA "
              + LibTorch.CUDA
              + ", or use device cpu");
    }
    ComputeDevice plain = new ComputeDevice(name, true, Set.of());
    Set<Precision> formats = EnumSet.noneOf(Precision.class);
    for (Precision format : Set.of(Precision.BF16, Precision.F16)) {
      if (calls.run(() -> plain.probe(format).multiplies())) {
        formats.add(format);
      }
    }
    return new ComputeDevice(name, true, formats);
  }

  private ProductProbe probe(Precision format) {
    return format == Precision.INT4
        ? ProductProbe.of(QuantizedProduct.GROUPED)
        : ProductProbe.of(new Target(this, format));
  }

  private static Device device(String name) {
    return isProcessor(name)
        ? Device.cpu()
        : Device.gpu(Integer.parseInt(name.substring(name.indexOf(':') + 1)));
  }

  private boolean cuda() {
    return !isProcessor(name);
  }

  Placement placement(NativeCalls calls, PtNDManager manager) {
    return separate ? new DeviceMemory(calls, manager, device(name)) : Placement.HOST;
  }

  /** What a backend on this device claims. */
  Set<Capability> capabilities() {
    Set<Capability> all = EnumSet.of(Capability.PREDICT, Capability.TRAIN, Capability.DECODE);
    // On CUDA, sums of embedding gradients and in attention depend on the order of its threads.
    all.addAll(
        cuda() ? Set.of(Capability.CUDA) : Set.of(Capability.DETERMINISTIC, Capability.INT8));
    formats.forEach(format -> all.add(Capability.valueOf(format.name())));
    return all;
  }

  /** Whether it predicts in a number format; matrices of a few bits are for decoding only. */
  Support predicts(Precision precision) {
    if (precision == Precision.F32 || (formats.contains(precision) && !ofDecoders(precision))) {
      return new Support.Supported();
    }
    return new Support.Unsupported(
        precision + " arithmetic on device " + name + lack(precision), "Use Precision.F32");
  }

  private static boolean ofDecoders(Precision precision) {
    return precision == Precision.INT8 || precision == Precision.INT4;
  }

  private String lack(Precision precision) {
    if (ofDecoders(precision)) {
      return ": only decoders on the processor have it";
    }
    if (cuda()) {
      return ": a small product failed or was wrong";
    }
    return precision == Precision.BF16
        ? ": the processor has neither AVX512_BF16 nor AMX_BF16, or a small product was wrong"
        : ": the processor has no fast products in it";
  }

  Support trains(Precision precision) {
    if (precision == Precision.F16 && formats.contains(precision)) {
      return new Support.Unsupported(
          "training in F16: small gradients vanish unless the loss is scaled, which this backend"
              + " does not do",
          "Train in " + (formats.contains(Precision.BF16) ? "BF16 or F32" : "F32"));
    }
    return predicts(precision);
  }

  Support decodes(Precision precision) {
    if (cuda() || !ofDecoders(precision)) {
      return predicts(precision);
    }
    return precision == Precision.INT8 || formats.contains(precision)
        ? new Support.Supported()
        : new Support.Unsupported(
            precision
                + " arithmetic on device "
                + name
                + ": libtorch has fast products for Linux on processors with AVX2 and FMA, which"
                + " this is not, or they were wrong",
            "Use Precision.INT8");
  }
}
