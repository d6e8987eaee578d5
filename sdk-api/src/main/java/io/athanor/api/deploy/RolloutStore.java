package io.athanor.api.deploy;

import java.util.List;
import java.util.Optional;

/**
 * Keeps the state of rollouts: one for each model and alias, the last there was. Thread-safe, also
 * against other processes that use the same place. Calls block for as long as the place takes.
 */
public interface RolloutStore {
  /**
   * The last rollout of a model to an alias.
   *
   * @throws io.athanor.api.error.StorageException if it cannot be read
   * @throws io.athanor.api.error.FormatException if it is damaged
   */
  Optional<RolloutState> read(String model, String alias);

  /**
   * Every one, by model and alias.
   *
   * @throws io.athanor.api.error.StorageException if they cannot be read
   * @throws io.athanor.api.error.FormatException if one is damaged
   */
  List<RolloutState> all();

  /**
   * Writes the next state, provided that its revision is one above what is there, or 1 where
   * nothing is. It is durable when this returns.
   *
   * @return what was written; {@link RolloutState#by} is whom the store knows to be writing
   * @throws io.athanor.api.error.ConflictException if somebody else wrote first; retryable
   * @throws io.athanor.api.error.StorageException if it cannot be written; nothing was changed
   * @throws io.athanor.api.error.OutcomeUnknownException if nobody can say whether it was written
   */
  RolloutState write(RolloutState next);
}
