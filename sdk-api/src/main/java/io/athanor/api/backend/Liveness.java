package io.athanor.api.backend;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/**
 * A program without branches, of which only reads and writes are known: how much memory its values
 * hold, each from the statement that writes it to the one that reads it last.
 */
final class Liveness {
  private record Statement(List<String> written, long scratch) {}

  private final List<Statement> statements = new ArrayList<>();
  private final Map<String, Long> sizes = new HashMap<>();
  private final Map<String, String> views = new HashMap<>();
  private final Map<String, Integer> lastReads = new HashMap<>();
  private long given;

  /** A value that is there from the beginning to the end. */
  void give(String value, long bytes) {
    sizes.put(value, 0L);
    given = Math.addExact(given, bytes);
  }

  /** Begins a statement, with the bytes it holds for itself while it runs. */
  void statement(long scratch) {
    statements.add(new Statement(new ArrayList<>(), scratch));
  }

  /** The latest statement reads a value. */
  void read(String value) {
    lastReads.put(root(value), statements.size() - 1);
  }

  /** The latest statement writes a new value. */
  void write(String value, long bytes) {
    sizes.put(value, bytes);
    statements.get(statements.size() - 1).written.add(value);
    read(value);
  }

  /** Another name for the memory of a value. */
  void view(String value, String of) {
    views.put(value, root(of));
  }

  private String root(String value) {
    return views.getOrDefault(value, value);
  }

  /** The number of statements so far. */
  int length() {
    return statements.size();
  }

  /** Bytes that are held between a statement and the one before. */
  long before(int statement) {
    return held()[0][statement];
  }

  /** The most bytes that are held at once. */
  long peak() {
    long most = given;
    for (long within : held()[1]) {
      most = Math.max(most, within);
    }
    return most;
  }

  /** Bytes held before each statement, and within it. */
  private long[][] held() {
    long[] freed = new long[statements.size()];
    lastReads.forEach(
        (value, at) ->
            freed[at] = Math.addExact(freed[at], Objects.requireNonNull(sizes.get(value))));
    long[][] held = new long[2][statements.size() + 1];
    long alive = given;
    for (int i = 0; i < statements.size(); i++) {
      held[0][i] = alive;
      for (String value : statements.get(i).written) {
        alive = Math.addExact(alive, Objects.requireNonNull(sizes.get(value)));
      }
      held[1][i] = Math.addExact(alive, statements.get(i).scratch);
      alive -= freed[i];
    }
    held[0][statements.size()] = alive;
    held[1][statements.size()] = alive;
    return held;
  }
}
