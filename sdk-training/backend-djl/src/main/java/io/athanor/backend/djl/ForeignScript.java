package io.athanor.backend.djl;

import io.athanor.api.backend.Precision;
import io.athanor.api.backend.Support;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.UnsupportedException;
import io.athanor.api.graph.Graph;
import io.athanor.api.graph.LayerOp;
import io.athanor.api.graph.Node;
import io.athanor.api.graph.Shape;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.LocalDateTime;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.regex.Pattern;
import java.util.zip.ZipEntry;
import java.util.zip.ZipInputStream;
import java.util.zip.ZipOutputStream;

/**
 * A TorchScript program made elsewhere: the entries of its archive, without the elements of those
 * tensors that are parameters of a graph.
 */
final class ForeignScript {
  static final String FORMAT = "torchscript";
  static final String DATA = "data/";
  static final String OBJECT = "data.pkl";

  /** Most bytes of code and of tensors that are no parameters. */
  static final int LARGEST = 8 << 20;

  private static final String OURS = "class " + ProgramWriter.CLASS + "(";
  private static final LocalDateTime NO_TIME = LocalDateTime.of(1980, 1, 1, 0, 0);
  private static final Pattern TYPE = Pattern.compile("__torch__(\\.[A-Za-z_][A-Za-z0-9_]*)+");
  private static final Pattern MODULE = Pattern.compile("[A-Za-z0-9_-]+");
  private static final Pattern ATTRIBUTE = Pattern.compile("[A-Za-z_][A-Za-z0-9_]*");
  private static final int DEEPEST = 64;
  private static final int MOST_VALUES = 1_000_000;

  /**
   * A tensor that is a parameter.
   *
   * @param storage name of its elements in the archive
   * @param trained whether it asks for a gradient
   * @param names of the attributes that hold it; the first is the parameter's
   */
  record Slot(String storage, Shape shape, boolean trained, List<String> names) {
    long bytes() {
      return shape.elements() * Float.BYTES;
    }
  }

  private final String source;
  private final Map<String, byte[]> entries;
  private final String type;
  private final Map<String, Slot> slots = new LinkedHashMap<>();
  private final Set<String> kept = new HashSet<>();
  private int values;

  /**
   * @param source for errors
   * @param entries by name, without those of parameters
   */
  ForeignScript(String source, Map<String, byte[]> entries) {
    this.source = source;
    this.entries = entries;
    Object root = PickleReader.read(source, entry(OBJECT));
    if (!(root instanceof PickleReader.Instance module)) {
      throw new FormatException(source, "expected a module, got another value");
    }
    this.type = module.type().module() + "." + module.type().name();
    if (!TYPE.matcher(type).matches()) {
      throw new FormatException(source, "expected a class of TorchScript, got '" + type + "'");
    }
    if (text(ScriptArchive.CLASSES).contains(OURS)) {
      throw new UnsupportedException(
          source + ": a class of the name " + ProgramWriter.CLASS, "Rename it and save it anew");
    }
    module(module, "", 0);
    kept.forEach(slots::remove);
  }

  /** Whether the programs in a graph can run. */
  static Support check(Graph graph, ComputeDevice device, Precision precision) {
    List<LayerOp.Foreign> programs = new ArrayList<>();
    for (Node node : graph.nodes()) {
      if (node.op() instanceof LayerOp.Foreign op) {
        programs.add(op);
      }
    }
    for (LayerOp.Foreign program : programs) {
      if (!program.format().equals(FORMAT)) {
        return new Support.Unsupported(
            "a program in the form " + program.format(), "Use the backend of its engine");
      }
    }
    if (programs.size() > 1) {
      return new Support.Unsupported(
          programs.size() + " programs of TorchScript in one graph", "Join them in PyTorch");
    }
    if (!programs.isEmpty() && (device.separate() || precision != Precision.F32)) {
      return new Support.Unsupported(
          "a program of TorchScript in " + precision + " on device " + device.name(),
          "Use precision F32 and device cpu");
    }
    return new Support.Supported();
  }

  /** The program in a graph, if there is one. */
  static Optional<ForeignScript> in(Graph graph) {
    for (Node node : graph.nodes()) {
      if (node.op() instanceof LayerOp.Foreign op) {
        return Optional.of(of(node.name(), op));
      }
    }
    return Optional.empty();
  }

  /** The program of a layer. */
  static ForeignScript of(String layer, LayerOp.Foreign op) {
    Map<String, byte[]> entries = new TreeMap<>();
    try (ZipInputStream zip =
        new ZipInputStream(new ByteArrayInputStream(Base64.getDecoder().decode(op.program())))) {
      int left = LARGEST;
      for (ZipEntry entry = zip.getNextEntry(); entry != null; entry = zip.getNextEntry()) {
        byte[] bytes = zip.readNBytes(left + 1);
        left -= bytes.length;
        if (left < 0) {
          throw new FormatException(layer, "expected a program of at most " + LARGEST + " bytes");
        }
        entries.put(entry.getName(), bytes);
      }
    } catch (IOException | IllegalArgumentException e) {
      throw new FormatException(layer, "the program is damaged (" + e.getMessage() + ")", e);
    }
    ForeignScript script = new ForeignScript(layer, entries);
    if (!script.parameters().keySet().containsAll(op.parameters())) {
      throw new FormatException(layer, "the program has no parameters " + op.parameters());
    }
    return script;
  }

  /** The program for {@link LayerOp.Foreign}. */
  String encoded() {
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ZipOutputStream zip = new ZipOutputStream(bytes)) {
      for (Map.Entry<String, byte[]> entry : entries.entrySet()) {
        ZipEntry head = new ZipEntry(entry.getKey());
        head.setTimeLocal(NO_TIME);
        zip.putNextEntry(head);
        zip.write(entry.getValue());
        zip.closeEntry();
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return Base64.getEncoder().encodeToString(bytes.toByteArray());
  }

  /** The name of the program's class, as TorchScript writes it. */
  String type() {
    return type;
  }

  /** Its tensors that can be parameters, by name. */
  Map<String, Slot> parameters() {
    Map<String, Slot> named = new LinkedHashMap<>();
    slots.values().forEach(slot -> named.put(slot.names().get(0), slot));
    return named;
  }

  Map<String, byte[]> entries() {
    return entries;
  }

  byte[] entry(String name) {
    byte[] bytes = entries.get(name);
    if (bytes == null) {
      throw new FormatException(
          source, "the entry " + name + " is missing; save it with torch.jit");
    }
    return bytes;
  }

  /** The text of an entry, empty if there is none. */
  String text(String name) {
    return new String(entries.getOrDefault(name, new byte[0]), StandardCharsets.UTF_8);
  }

  private void module(PickleReader.Instance module, String prefix, int depth) {
    count(depth);
    if (!(module.state() instanceof Map<?, ?> state)) {
      keep(module.state(), depth + 1);
      return;
    }
    if (Boolean.TRUE.equals(state.get("training"))) {
      throw new UnsupportedException(
          source + ": the module '" + prefix + "' is in training mode, where dropout is on",
          "Call eval() on the module before it is saved");
    }
    for (Map.Entry<?, ?> attribute : state.entrySet()) {
      String name = prefix + attribute.getKey();
      if (attribute.getValue() instanceof PickleReader.Instance inner) {
        if (MODULE.matcher(String.valueOf(attribute.getKey())).matches()) {
          module(inner, name + ".", depth + 1);
        } else {
          keep(inner.state(), depth + 1);
        }
      } else {
        Optional<StoredTensor> tensor = StoredTensor.of(source, attribute.getValue());
        if (tensor.isPresent() && ATTRIBUTE.matcher("" + attribute.getKey()).matches()) {
          tensor(name, tensor.get());
        } else {
          keep(attribute.getValue(), depth + 1);
        }
      }
    }
  }

  private void tensor(String name, StoredTensor tensor) {
    Slot known = slots.get(tensor.storage());
    if (!tensor.whole() || (known != null && !known.shape().equals(tensor.shape()))) {
      kept.add(tensor.storage());
      return;
    }
    List<String> names = new ArrayList<>(known == null ? List.of() : known.names());
    names.add(name);
    boolean trained = tensor.trained() || (known != null && known.trained());
    slots.put(
        tensor.storage(), new Slot(tensor.storage(), tensor.shape(), trained, List.copyOf(names)));
  }

  /** What is no attribute of a module stays in the archive as it is. */
  private void keep(Object value, int depth) {
    count(depth);
    Optional<StoredTensor> tensor = StoredTensor.of(source, value);
    if (tensor.isPresent()) {
      kept.add(tensor.get().storage());
    } else if (value instanceof List<?> list) {
      list.forEach(each -> keep(each, depth + 1));
    } else if (value instanceof Map<?, ?> map) {
      map.values().forEach(each -> keep(each, depth + 1));
    } else if (value instanceof PickleReader.Call call) {
      keep(call.arguments(), depth + 1);
    } else if (value instanceof PickleReader.Instance inner) {
      keep(inner.state(), depth + 1);
    }
  }

  private void count(int depth) {
    if (depth > DEEPEST || ++values > MOST_VALUES) {
      throw new FormatException(
          source,
          "expected modules at most "
              + DEEPEST
              + " deep with "
              + MOST_VALUES
              + " attributes, got more");
    }
  }

  /**
   * Writes a call of the program that is the module's {@code foreign}. Gives it the parameters as
   * they are now, so that autograd sees them too.
   */
  String call(OpWriter out, Node node, LayerOp.Foreign op) {
    Map<String, Slot> parameters = parameters();
    for (String parameter : op.parameters()) {
      for (String name : Objects.requireNonNull(parameters.get(parameter)).names()) {
        int dot = name.lastIndexOf('.');
        String holder = "foreign" + (dot < 0 ? "" : "." + name.substring(0, dot));
        String module = out.assign(ModuleTree.expression(holder));
        out.statement(module + "." + name.substring(dot + 1) + " = " + out.parameter(parameter));
      }
    }
    List<String> arguments = node.inputs().stream().map(out::variable).toList();
    return "(self.foreign).forward(" + String.join(", ", arguments) + ")";
  }
}
