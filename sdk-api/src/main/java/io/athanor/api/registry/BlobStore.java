package io.athanor.api.registry;

import io.athanor.api.common.Digest;
import java.nio.file.Path;
import java.time.Instant;
import java.util.List;

/**
 * Keeps contents under digests, for registries whose files are not only on one machine.
 * Implementations are thread-safe, and any number of processes may use the same store.
 *
 * <p>The name of a content is the SHA-256 of what its user put in. What a store is handed may be
 * another form of it, encrypted for example, so a store never compares bytes with their name: it
 * promises to give back what it was handed. Whoever reads compares; a registry always does.
 *
 * <p>Every method throws {@link io.athanor.api.error.StorageException} when the store cannot be
 * reached, refuses, or fails; the message names the place and never a secret.
 */
public interface BlobStore extends AutoCloseable {
  /**
   * A content that is there.
   *
   * @param name what it was put under
   * @param bytes what it takes in the store
   * @param changed when it was put, by the store's clock
   */
  record Stored(Digest name, long bytes, Instant changed) {}

  /**
   * Stores a file's content. When this returns the store has been asked for the content, and has
   * given exactly these bytes, or vouches for them in another way its description tells. Readers
   * never see a part. Putting the same again, or at the same time from several places, does no
   * harm; what was there under the name gives way.
   *
   * @throws io.athanor.api.error.StorageException if it is not stored; what was there under the
   *     name may be gone
   * @throws io.athanor.api.error.OutcomeUnknownException if the store fell silent and nobody can
   *     tell; putting again is safe
   */
  void put(Digest name, Path file);

  /**
   * Writes a content to a file. The file is whole or absent; one that was there gives way.
   *
   * @throws io.athanor.api.error.NotFoundException if it is not there
   * @throws io.athanor.api.error.FormatException if the store can tell that it is damaged
   */
  void get(Digest name, Path target);

  /** Whether something is there under the name. */
  boolean has(Digest name);

  /**
   * Removes a content; one that is not there is fine.
   *
   * @throws io.athanor.api.error.OutcomeUnknownException if the store fell silent and nobody can
   *     tell; deleting again is safe as long as nobody put it meanwhile
   */
  void delete(Digest name);

  /** Everything that is there, ordered by name. */
  List<Stored> list();

  /**
   * Removes what interrupted puts left behind.
   *
   * @param before those in which nothing has happened since
   * @return how many
   */
  int removeStale(Instant before);

  /** Releases connections; twice is fine. */
  @Override
  void close();
}
