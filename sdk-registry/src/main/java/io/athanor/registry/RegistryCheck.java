package io.athanor.registry;

import java.util.List;

/**
 * What reading a whole registry found.
 *
 * @param versions number of versions read
 * @param files number of files read
 * @param problems one sentence each
 */
public record RegistryCheck(int versions, int files, List<String> problems) {
  public RegistryCheck {
    problems = List.copyOf(problems);
  }

  /** Whether nothing is wrong. */
  public boolean sound() {
    return problems.isEmpty();
  }
}
