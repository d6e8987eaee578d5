package io.athanor.deploy.rollout;

import io.athanor.api.deploy.RolloutState;
import io.athanor.api.deploy.RolloutStore;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** Rollouts that end with the process. Thread-safe. */
public final class MemoryRollouts implements RolloutStore {
  private final Map<String, RolloutState> states = new TreeMap<>();

  @Override
  public synchronized Optional<RolloutState> read(String model, String alias) {
    return Optional.ofNullable(states.get(model + "@" + alias));
  }

  @Override
  public synchronized List<RolloutState> all() {
    return List.copyOf(states.values());
  }

  @Override
  public synchronized RolloutState write(RolloutState next) {
    next.requireFollows(read(next.model(), next.alias()));
    states.put(next.model() + "@" + next.alias(), next);
    return next;
  }
}
