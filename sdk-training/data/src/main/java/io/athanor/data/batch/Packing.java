package io.athanor.data.batch;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Puts sequences into rows of one length by best fit in decreasing order (Johnson 1973): the
 * longest first, each into the row where it leaves the least room.
 */
final class Packing {
  private Packing() {}

  /**
   * Equal lengths give equal rows.
   *
   * @param lengths each at most the capacity
   * @return for each row the indices of its sequences
   */
  static int[][] bestFit(int[] lengths, int capacity) {
    long[] longestFirst = new long[lengths.length];
    for (int i = 0; i < lengths.length; i++) {
      longestFirst[i] = ((long) (capacity - lengths[i]) << 32) | i;
    }
    Arrays.sort(longestFirst);
    List<List<Integer>> rows = new ArrayList<>();
    TreeMap<Integer, ArrayDeque<Integer>> rowsByRoom = new TreeMap<>();
    for (long key : longestFirst) {
      int sequence = (int) key;
      int room = capacity;
      int row = rows.size();
      Map.Entry<Integer, ArrayDeque<Integer>> fitting = rowsByRoom.ceilingEntry(lengths[sequence]);
      if (fitting == null) {
        rows.add(new ArrayList<>());
      } else {
        room = fitting.getKey();
        row = fitting.getValue().remove();
        if (fitting.getValue().isEmpty()) {
          rowsByRoom.remove(room);
        }
      }
      rows.get(row).add(sequence);
      rowsByRoom.computeIfAbsent(room - lengths[sequence], r -> new ArrayDeque<>()).add(row);
    }
    return rows.stream()
        .map(row -> row.stream().mapToInt(Integer::intValue).toArray())
        .toArray(int[][]::new);
  }
}
