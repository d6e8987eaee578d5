package io.athanor.backend.djl;

import io.athanor.api.error.FormatException;
import java.nio.BufferUnderflowException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Reads what TorchScript pickles as plain data: texts, numbers, lists, maps and the records below.
 * Names of classes and functions stay names; nothing is ever called. Not thread-safe.
 *
 * @see <a href="https://peps.python.org/pep-0307/">Protocol 2</a>
 */
final class PickleReader {
  /** The name of a class or function. */
  record Name(String module, String name) {}

  /** A call that is not made. */
  record Call(Object function, Object arguments) {}

  /** A reference to something beside the pickle. */
  record Reference(Object what) {}

  /** An object of a class, with its attributes. */
  static final class Instance {
    private final Name type;
    private Object state = Nothing.NONE;

    private Instance(Name type) {
      this.type = type;
    }

    Name type() {
      return type;
    }

    Object state() {
      return state;
    }
  }

  private enum Nothing {
    NONE,
    MARK
  }

  private final String source;
  private final ByteBuffer in;
  private final List<Object> stack = new ArrayList<>();
  private final Map<Integer, Object> memo = new HashMap<>();

  private PickleReader(String source, byte[] bytes) {
    this.source = source;
    this.in = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  /**
   * The value of a pickle.
   *
   * @param source for errors
   * @throws FormatException if the pickle is cut off, or does what TorchScript's do not
   */
  static Object read(String source, byte[] bytes) {
    PickleReader reader = new PickleReader(source, bytes);
    try {
      int op = reader.unsigned();
      while (op != '.') {
        reader.step(op);
        op = reader.unsigned();
      }
      return reader.pop();
    } catch (BufferUnderflowException e) {
      throw new FormatException(source, "the pickle is cut off", e);
    }
  }

  private void step(int op) {
    switch (op) {
      case 0x80 -> unsigned();
      case 'c' -> push(new Name(line(), line()));
      case 'q' -> memo.put(unsigned(), top());
      case 'r' -> memo.put(in.getInt(), top());
      case 'h' -> push(remembered(unsigned()));
      case 'j' -> push(remembered(in.getInt()));
      case '(' -> push(Nothing.MARK);
      case ')' -> push(List.of());
      case 't' -> push(List.copyOf(marked()));
      case 0x85 -> push(List.copyOf(last(1)));
      case 0x86 -> push(List.copyOf(last(2)));
      case 0x87 -> push(List.copyOf(last(3)));
      case ']' -> push(new ArrayList<>());
      case '}' -> push(new LinkedHashMap<>());
      case 'a' -> append(last(1));
      case 'e' -> append(marked());
      case 's' -> put(last(2));
      case 'u' -> put(marked());
      case 'X' -> push(text());
      case 'N' -> push(Nothing.NONE);
      case 0x88 -> push(true);
      case 0x89 -> push(false);
      case 'K' -> push((long) unsigned());
      case 'M' -> push((long) (in.getShort() & 0xffff));
      case 'J' -> push((long) in.getInt());
      case 0x8a -> push(integer());
      case 'G' -> push(Double.longBitsToDouble(Long.reverseBytes(in.getLong())));
      case 0x81 -> create();
      case 'R' -> call();
      case 'b' -> build();
      case 'Q' -> push(new Reference(pop()));
      default -> throw fail("the operation " + op + " at byte " + (in.position() - 1));
    }
  }

  private FormatException fail(String found) {
    return new FormatException(
        source, "expected a pickle of TorchScript, got " + found + "; save it anew");
  }

  private int unsigned() {
    return in.get() & 0xff;
  }

  private void push(Object value) {
    stack.add(value);
  }

  private Object top() {
    if (stack.isEmpty()) {
      throw fail("an operation without a value");
    }
    return stack.get(stack.size() - 1);
  }

  private Object pop() {
    Object value = top();
    stack.remove(stack.size() - 1);
    return value;
  }

  private Object remembered(int index) {
    Object value = memo.get(index);
    if (value == null) {
      throw fail("a reference to nothing");
    }
    return value;
  }

  private List<Object> last(int count) {
    return taken(stack.size() - count);
  }

  private List<Object> marked() {
    List<Object> values = taken(stack.lastIndexOf(Nothing.MARK) + 1);
    pop();
    return values;
  }

  private List<Object> taken(int from) {
    if (from < 0) {
      throw fail("an operation without its values");
    }
    List<Object> tail = stack.subList(from, stack.size());
    List<Object> values = new ArrayList<>(tail);
    tail.clear();
    return values;
  }

  @SuppressWarnings("unchecked")
  private void append(List<Object> values) {
    if (!(top() instanceof ArrayList<?> list)) {
      throw fail("values for what is not a list");
    }
    ((List<Object>) list).addAll(values);
  }

  @SuppressWarnings("unchecked")
  private void put(List<Object> values) {
    if (!(top() instanceof LinkedHashMap<?, ?> map) || values.size() % 2 != 0) {
      throw fail("entries for what is not a map");
    }
    for (int i = 0; i < values.size(); i += 2) {
      Object key = values.get(i);
      if (!(key instanceof String || key instanceof Long)) {
        throw fail("a key that is neither text nor integer");
      }
      ((Map<Object, Object>) map).put(key, values.get(i + 1));
    }
  }

  private void create() {
    List<Object> parts = last(2);
    if (!(parts.get(0) instanceof Name name)) {
      throw fail("an object without a class");
    }
    push(new Instance(name));
  }

  private void call() {
    List<Object> parts = last(2);
    push(new Call(parts.get(0), parts.get(1)));
  }

  private void build() {
    Object state = pop();
    if (top() instanceof Instance instance) {
      instance.state = state;
    }
  }

  private String line() {
    int from = in.position();
    while (unsigned() != '\n') {
      // to the end of the line
    }
    return new String(in.array(), from, in.position() - from - 1, StandardCharsets.UTF_8);
  }

  private String text() {
    int length = in.getInt();
    if (length < 0 || length > in.remaining()) {
      throw new BufferUnderflowException();
    }
    String text = new String(in.array(), in.position(), length, StandardCharsets.UTF_8);
    in.position(in.position() + length);
    return text;
  }

  private long integer() {
    int length = unsigned();
    if (length > Long.BYTES) {
      throw fail("an integer of " + length + " bytes");
    }
    long value = 0;
    for (int i = 0; i < length; i++) {
      long next = i == length - 1 ? in.get() : unsigned();
      value |= next << (8 * i);
    }
    return value;
  }
}
