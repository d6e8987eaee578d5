package io.athanor.data.split;

import io.athanor.api.common.Digest;
import io.athanor.api.error.ValidationException;
import io.athanor.data.source.CellDigest;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Deals rows to parts so that every part has its share of every class. Parts are disjoint and
 * complete; their sizes are the shares rounded to whole rows, except where a class is so small that
 * a part gets its one row of it out of turn.
 */
public final class StratifiedSplit {
  private final int[] classOfEachRow;
  private final List<String> classes;
  private final double[] shares;
  private final int[] classSizes;

  private StratifiedSplit(int[] classOfEachRow, List<String> classes, double[] shares) {
    this.classOfEachRow = classOfEachRow;
    this.classes = classes;
    this.shares = shares;
    this.classSizes = new int[classes.size()];
    for (int c : classOfEachRow) {
      classSizes[c]++;
    }
  }

  /**
   * Splits rows.
   *
   * @param classOfEachRow indices into classes
   * @param classes their names, for errors
   * @param shares of the parts, at least 0, one in sum
   * @return the rows of each part, ascending
   * @throws ValidationException if a class has fewer rows than there are parts
   */
  public static int[][] of(int[] classOfEachRow, List<String> classes, double[] shares, long seed) {
    StratifiedSplit split = new StratifiedSplit(classOfEachRow, classes, shares);
    split.requireEnoughRows();
    return split.deal(split.counts(), seed);
  }

  /** The digest of rows and of how they were dealt. */
  public static Digest fingerprint(Digest rows, int[][] parts) {
    CellDigest digest = new CellDigest().text(rows.hex());
    for (int[] part : parts) {
      for (int row : part) {
        digest.cell((double) row);
      }
      digest.endRow();
    }
    return digest.finish();
  }

  private void requireEnoughRows() {
    long parts = Arrays.stream(shares).filter(share -> share > 0).count();
    List<String> problems = new ArrayList<>();
    for (int c = 0; c < classSizes.length; c++) {
      if (classSizes[c] < parts) {
        problems.add(
            "'"
                + classes.get(c)
                + "' has "
                + classSizes[c]
                + " row(s), and each of the "
                + parts
                + " parts needs at least one");
      }
    }
    if (!problems.isEmpty()) {
      problems.add("add rows, make fewer parts, or deal without a look at labels: unstratified()");
      throw new ValidationException("split", problems);
    }
  }

  /** How many rows of each class go to each part. */
  private int[][] counts() {
    int[][] counts = new int[classSizes.length][shares.length];
    int[] wanted = rounded(classOfEachRow.length, shares);
    int[] left = classSizes.clone();
    for (int c = 0; c < counts.length; c++) {
      for (int p = 0; p < shares.length; p++) {
        counts[c][p] = (int) Math.floor(classSizes[c] * shares[p] + 1e-9);
        left[c] -= counts[c][p];
        wanted[p] -= counts[c][p];
      }
    }
    dealRemainders(counts, left, wanted);
    for (int[] ofClass : counts) {
      giveEveryPartOne(ofClass);
    }
    return counts;
  }

  /** Whole numbers that sum to the total and are nearest to the shares (largest remainder). */
  private static int[] rounded(int total, double[] shares) {
    int[] sizes = new int[shares.length];
    Integer[] byRemainder = new Integer[shares.length];
    int left = total;
    for (int p = 0; p < shares.length; p++) {
      sizes[p] = (int) Math.floor(total * shares[p] + 1e-9);
      left -= sizes[p];
      byRemainder[p] = p;
    }
    Arrays.sort(
        byRemainder,
        (a, b) -> Double.compare(total * shares[b] - sizes[b], total * shares[a] - sizes[a]));
    for (int i = 0; i < left; i++) {
      sizes[byRemainder[i]]++;
    }
    return sizes;
  }

  /** Gives out what rounding down left over: largest remainder first, within class and part. */
  private void dealRemainders(int[][] counts, int[] left, int[] wanted) {
    List<int[]> cells = new ArrayList<>();
    for (int c = 0; c < counts.length; c++) {
      for (int p = 0; p < shares.length; p++) {
        if (shares[p] > 0) {
          cells.add(new int[] {c, p});
        }
      }
    }
    cells.sort((a, b) -> Double.compare(remainder(b, counts), remainder(a, counts)));
    for (int[] cell : cells) {
      if (left[cell[0]] > 0 && wanted[cell[1]] > 0) {
        give(counts, left, wanted, cell, 1);
      }
    }
    for (int[] cell : cells) {
      give(counts, left, wanted, cell, Math.min(left[cell[0]], Math.max(0, wanted[cell[1]])));
    }
    for (int[] cell : cells) {
      give(counts, left, wanted, cell, left[cell[0]]);
    }
  }

  private double remainder(int[] cell, int[][] counts) {
    return classSizes[cell[0]] * shares[cell[1]] - counts[cell[0]][cell[1]];
  }

  private static void give(int[][] counts, int[] left, int[] wanted, int[] cell, int rows) {
    counts[cell[0]][cell[1]] += rows;
    left[cell[0]] -= rows;
    wanted[cell[1]] -= rows;
  }

  private void giveEveryPartOne(int[] ofClass) {
    for (int p = 0; p < shares.length; p++) {
      if (shares[p] > 0 && ofClass[p] == 0) {
        int largest = 0;
        for (int other = 1; other < shares.length; other++) {
          largest = ofClass[other] > ofClass[largest] ? other : largest;
        }
        ofClass[largest]--;
        ofClass[p]++;
      }
    }
  }

  private int[][] deal(int[][] counts, long seed) {
    int[][] parts = new int[shares.length][];
    int[] filled = new int[shares.length];
    for (int p = 0; p < parts.length; p++) {
      int part = p;
      parts[p] = new int[Arrays.stream(counts).mapToInt(ofClass -> ofClass[part]).sum()];
    }
    int[][] rows = rowsOfEachClass();
    for (int c = 0; c < rows.length; c++) {
      Permutation.of(seed, c).shuffle(rows[c]);
      int from = 0;
      for (int p = 0; p < parts.length; p++) {
        System.arraycopy(rows[c], from, parts[p], filled[p], counts[c][p]);
        from += counts[c][p];
        filled[p] += counts[c][p];
      }
    }
    for (int[] part : parts) {
      Arrays.sort(part);
    }
    return parts;
  }

  private int[][] rowsOfEachClass() {
    int[][] rows = new int[classSizes.length][];
    for (int c = 0; c < rows.length; c++) {
      rows[c] = new int[classSizes[c]];
    }
    int[] filled = new int[rows.length];
    for (int row = 0; row < classOfEachRow.length; row++) {
      int c = classOfEachRow[row];
      rows[c][filled[c]++] = row;
    }
    return rows;
  }
}
