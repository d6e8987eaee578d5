package io.athanor.api.graph;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.stream.Collectors;

/**
 * The sizes of a tensor, row-major; a scalar has none.
 *
 * @param dims the sizes from the outermost axis to the innermost
 */
public record Shape(List<Dim> dims) {
  /** The shape of one number. */
  public static final Shape SCALAR = new Shape(List.of());

  public Shape {
    dims = List.copyOf(dims);
  }

  public static Shape of(Dim... dims) {
    return new Shape(List.of(dims));
  }

  public static Shape of(long... sizes) {
    return new Shape(Arrays.stream(sizes).mapToObj(Dim::of).toList());
  }

  public int rank() {
    return dims.size();
  }

  /** Size along one axis; negative axes count from the end. */
  public Dim dim(int axis) {
    return dims.get(axis < 0 ? dims.size() + axis : axis);
  }

  /** Whether no size is symbolic. */
  public boolean fixed() {
    return dims.stream().allMatch(Dim::fixed);
  }

  /** This shape with another size on one axis; negative axes count from the end. */
  public Shape with(int axis, Dim dim) {
    List<Dim> changed = new ArrayList<>(dims);
    changed.set(axis < 0 ? dims.size() + axis : axis, dim);
    return new Shape(changed);
  }

  /** The sizes when symbols have these values. */
  public long[] resolve(Map<String, Long> sizes) {
    return dims.stream().mapToLong(d -> d.resolve(sizes)).toArray();
  }

  /** The number of elements of a fixed shape. */
  public long elements() {
    return elements(Map.of());
  }

  /** The number of elements when symbols have these values. */
  public long elements(Map<String, Long> sizes) {
    long n = 1;
    for (Dim dim : dims) {
      n = Math.multiplyExact(n, dim.resolve(sizes));
    }
    return n;
  }

  @Override
  public String toString() {
    return dims.stream().map(Dim::toString).collect(Collectors.joining(", ", "[", "]"));
  }
}
