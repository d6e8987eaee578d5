package io.athanor.server.registry;

import io.athanor.server.http.HttpProblem;
import io.javalin.http.Context;

/**
 * The part of a list that a request asks for.
 *
 * @param offset items to skip
 * @param limit most items to give
 */
record Page(long offset, int limit) {
  private static final int USUAL = 50;
  private static final int MOST = 1_000;

  /**
   * The parameters {@code offset} and {@code limit}; a greater limit than 1,000 means 1,000.
   *
   * @throws HttpProblem 400 that names the parameter that is wrong
   */
  static Page of(Context ctx) {
    long offset = number(ctx, "offset", 0, 0);
    return new Page(offset, (int) Math.min(MOST, number(ctx, "limit", USUAL, 1)));
  }

  /** The last, if there are several; all must be right. */
  private static long number(Context ctx, String name, long usual, long least) {
    long number = usual;
    for (String text : ctx.queryParams(name)) {
      number = number(name, text, least);
    }
    return number;
  }

  private static long number(String name, String text, long least) {
    try {
      long number = Long.parseLong(text);
      if (number >= least) {
        return number;
      }
    } catch (NumberFormatException e) {
      // Said below, like a number that is too small.
    }
    throw HttpProblem.parameter(name, "expected a number from " + least + ", got '" + text + "'");
  }
}
