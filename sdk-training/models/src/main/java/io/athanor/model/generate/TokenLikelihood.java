package io.athanor.model.generate;

import java.util.List;

/**
 * How likely the model itself thought a token, before temperature, penalty and cuts.
 *
 * @param id the token that was chosen
 * @param logProbability natural logarithm, at most 0
 * @param alternatives the likeliest tokens, the likeliest first; empty unless asked for
 */
public record TokenLikelihood(int id, double logProbability, List<Alternative> alternatives) {
  public TokenLikelihood {
    alternatives = List.copyOf(alternatives);
  }

  /**
   * A token that could have been chosen.
   *
   * @param logProbability natural logarithm, at most 0
   */
  public record Alternative(int id, double logProbability) {}
}
