package io.athanor.model.generate;

import io.athanor.api.error.BackendException;
import io.athanor.model.generate.TokenLikelihood.Alternative;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.BitSet;
import java.util.Comparator;
import java.util.List;
import java.util.PriorityQueue;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/** Chooses the tokens of one row. */
final class Sampler {
  private final GenerationSettings settings;
  private final SplittableRandom random;
  private final BitSet seen = new BitSet();
  private int beforeLast = -1;
  private int last = -1;

  /**
   * @param row tells the streams of a batch apart
   * @param prompt ids that count as repeated
   */
  Sampler(GenerationSettings settings, int row, int[] prompt) {
    this.settings = settings;
    this.random = new SplittableRandom(settings.seed() * 0x9E3779B97F4A7C15L + row);
    Arrays.stream(prompt).forEach(this::read);
  }

  private void read(int token) {
    seen.set(token);
    beforeLast = last;
    last = token;
  }

  /**
   * The next token.
   *
   * @param logits of all tokens
   * @throws BackendException if they are not numbers
   */
  int choose(float[] logits) {
    double[] scores = new double[logits.length];
    for (int id = 0; id < scores.length; id++) {
      if (Float.isNaN(logits[id])) {
        throw new BackendException(
            "generation",
            "the logit of token "
                + id
                + " is not a number; look for weights that overflowed in training");
      }
      scores[id] = logits[id];
    }
    if (settings.repetitionPenalty() != 1) {
      seen.stream().filter(id -> id < scores.length).forEach(id -> penalize(scores, id));
    }
    settings.watermark().ifPresent(mark -> mark.raise(scores, beforeLast, last));
    int token = settings.temperature() == 0 ? largest(scores) : draw(scores);
    read(token);
    return token;
  }

  private void penalize(double[] scores, int id) {
    double penalty = settings.repetitionPenalty();
    scores[id] = scores[id] > 0 ? scores[id] / penalty : scores[id] * penalty;
  }

  /** The index of the largest, the first of several. */
  private static int largest(double[] scores) {
    int best = 0;
    for (int i = 1; i < scores.length; i++) {
      if (scores[i] > scores[best]) {
        best = i;
      }
    }
    return best;
  }

  private int draw(double[] scores) {
    for (int i = 0; i < scores.length; i++) {
      scores[i] /= settings.temperature();
    }
    double[] shares = softmax(scores);
    if (settings.topK() > 0 && settings.topK() < shares.length) {
      double smallest = nthLargest(shares, settings.topK());
      drop(shares, smallest);
    }
    if (settings.topP() < 1) {
      cut(shares);
    }
    double point = random.nextDouble() * Arrays.stream(shares).sum();
    int last = 0;
    for (int i = 0; i < shares.length; i++) {
      if (shares[i] > 0) {
        last = i;
        point -= shares[i];
        if (point < 0) {
          break;
        }
      }
    }
    return last;
  }

  private static double[] softmax(double[] scores) {
    double most = scores[largest(scores)];
    double[] shares = Arrays.stream(scores).map(score -> Math.exp(score - most)).toArray();
    double sum = Arrays.stream(shares).sum();
    return Arrays.stream(shares).map(share -> share / sum).toArray();
  }

  private static double nthLargest(double[] values, int n) {
    PriorityQueue<Double> largest = new PriorityQueue<>(n);
    for (double value : values) {
      if (largest.size() < n) {
        largest.add(value);
      } else if (value > largest.element()) {
        largest.remove();
        largest.add(value);
      }
    }
    return largest.element();
  }

  private static void drop(double[] shares, double smallest) {
    for (int i = 0; i < shares.length; i++) {
      if (shares[i] < smallest) {
        shares[i] = 0;
      }
    }
  }

  /** Leaves the likeliest tokens, each of which has less than topP before it. */
  private void cut(double[] shares) {
    double whole = Arrays.stream(shares).sum();
    // Those below this are together less than what topP leaves out, so none of them can stay.
    double negligible = (1 - settings.topP()) * whole / shares.length;
    List<Integer> order =
        IntStream.range(0, shares.length)
            .filter(i -> shares[i] >= negligible && shares[i] > 0)
            .boxed()
            .sorted(Comparator.comparingDouble((Integer i) -> -shares[i]))
            .toList();
    double before = 0;
    double[] kept = new double[shares.length];
    for (int i : order) {
      if (before >= settings.topP() * whole) {
        break;
      }
      kept[i] = shares[i];
      before += shares[i];
    }
    System.arraycopy(kept, 0, shares, 0, kept.length);
  }

  /** How likely the model thought a token. */
  TokenLikelihood likelihood(float[] logits, int token) {
    double most = Double.NEGATIVE_INFINITY;
    for (float logit : logits) {
      most = Math.max(most, logit);
    }
    double sum = 0;
    for (float logit : logits) {
      sum += Math.exp(logit - most);
    }
    double normalizer = most + Math.log(sum);
    List<Alternative> alternatives = new ArrayList<>();
    for (int id : likeliest(logits, settings.alternatives())) {
      alternatives.add(new Alternative(id, logits[id] - normalizer));
    }
    return new TokenLikelihood(token, logits[token] - normalizer, alternatives);
  }

  private static List<Integer> likeliest(float[] logits, int count) {
    Comparator<Integer> likelierLast =
        Comparator.comparingDouble((Integer id) -> logits[id])
            .thenComparing(Comparator.reverseOrder());
    PriorityQueue<Integer> best = new PriorityQueue<>(likelierLast);
    for (int id = 0; id < logits.length && count > 0; id++) {
      best.add(id);
      if (best.size() > count) {
        best.remove();
      }
    }
    return best.stream().sorted(likelierLast.reversed()).toList();
  }
}
