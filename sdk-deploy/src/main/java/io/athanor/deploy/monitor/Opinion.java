package io.athanor.deploy.monitor;

/** What somebody says of an answer. */
public sealed interface Opinion {
  /** How good the answer was, from 0 to 1. */
  double satisfaction();

  /** It was right. */
  record Accepted() implements Opinion {
    @Override
    public double satisfaction() {
      return 1;
    }
  }

  /** It was wrong, and nobody says what would be right. */
  record Rejected() implements Opinion {
    @Override
    public double satisfaction() {
      return 0;
    }
  }

  /**
   * Something else is right.
   *
   * @param right a label or text ({@link String}) or a number ({@link Double})
   */
  record Corrected(Object right) implements Opinion {
    public Corrected {
      if (right instanceof Number number) {
        right = number.doubleValue();
      }
      boolean sound =
          right instanceof Double number
              ? Double.isFinite(number)
              : right instanceof String text && !text.isEmpty();
      if (!sound) {
        throw new IllegalArgumentException(
            "right must be a finite number or a text that is not empty, got '" + right + "'");
      }
    }

    @Override
    public double satisfaction() {
      return 0;
    }
  }

  /**
   * It was so good.
   *
   * @param stars 1 to 5
   */
  record Rated(int stars) implements Opinion {
    public Rated {
      if (stars < 1 || stars > 5) {
        throw new IllegalArgumentException("stars must be 1 to 5, got " + stars);
      }
    }

    @Override
    public double satisfaction() {
      return (stars - 1) / 4.0;
    }
  }
}
