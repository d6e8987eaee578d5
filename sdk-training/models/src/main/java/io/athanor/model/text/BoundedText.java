package io.athanor.model.text;

/**
 * A text that may be looked at a limited number of times, so that a pattern from a file cannot
 * search it for ever. Not thread-safe.
 */
final class BoundedText implements CharSequence {
  private final String text;
  private long looksLeft;

  /** Thrown out of a search that has used up its looks. */
  static final class Exhausted extends RuntimeException {
    private static final long serialVersionUID = 1L;

    Exhausted() {
      super("the search took too long", null, false, false);
    }
  }

  BoundedText(String text, long looks) {
    this.text = text;
    this.looksLeft = looks;
  }

  @Override
  public int length() {
    return text.length();
  }

  /**
   * @throws Exhausted if it was looked at too often
   */
  @Override
  public char charAt(int index) {
    if (looksLeft == 0) {
      throw new Exhausted();
    }
    looksLeft--;
    return text.charAt(index);
  }

  @Override
  public CharSequence subSequence(int from, int to) {
    return text.subSequence(from, to);
  }

  @Override
  public String toString() {
    return text;
  }
}
