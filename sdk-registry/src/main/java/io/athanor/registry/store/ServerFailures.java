package io.athanor.registry.store;

import io.athanor.api.error.AthanorException;
import io.athanor.api.error.ConflictException;
import io.athanor.api.error.FormatException;
import io.athanor.api.error.StorageException;
import java.sql.SQLException;
import java.time.Duration;

/** What can go wrong with a database server, in our own words and with a remedy. */
record ServerFailures(String place, SQLException failure) {
  /** How long to wait for other writers unless somebody says otherwise. */
  static final Duration PATIENCE = Duration.ofSeconds(60);

  /** Seconds to wait for an answer beyond the patience. */
  static final int ANSWER = 30;

  static Duration requirePatience(Duration longest) {
    if (longest.compareTo(Duration.ofSeconds(1)) < 0
        || longest.compareTo(Duration.ofHours(1)) > 0) {
      throw new IllegalArgumentException("longest must be 1 second to 1 hour, got " + longest);
    }
    return longest;
  }

  AthanorException unreachable() {
    return storage("cannot be reached. Check that the server runs, and its address");
  }

  AthanorException lost() {
    return storage("the connection was lost; nothing has been changed. Try again");
  }

  AthanorException refused(String user) {
    return storage(
        "the server refuses the user '"
            + user
            + "'. Check name and password, and that the server lets the user in from here");
  }

  AthanorException noDatabase() {
    return storage("there is no such database. Let an administrator make it");
  }

  AthanorException mayNot(String user, String remedy) {
    return storage("the user '" + user + "' may not do this. Let an administrator say: " + remedy);
  }

  AthanorException fullDisk() {
    return storage("the server's disk is full. Free some space");
  }

  AthanorException tooManyConnections() {
    return storage(
        "the server has too many connections. Let it have more, or work with fewer threads");
  }

  AthanorException readOnly() {
    return storage("the server takes no changes. Use the address of the primary server");
  }

  AthanorException damaged() {
    return new FormatException(
        place, "damaged" + said() + ". Restore it from a backup of the server", failure);
  }

  AthanorException busy(Duration patience) {
    return new StorageException(
        place,
        "another process has been writing for more than " + patience + ". Try again",
        failure);
  }

  AthanorException collidedInTime() {
    return conflict("another transaction came first", "Try again");
  }

  AthanorException collides() {
    return conflict("what was to be stored collides with what is", "Read again and try again");
  }

  private AthanorException conflict(String problem, String remedy) {
    ConflictException conflict =
        new ConflictException(place + ": " + problem + said() + ". " + remedy, true);
    conflict.initCause(failure);
    return conflict;
  }

  /** Something that SQLite would have taken. */
  AthanorException unfit() {
    return new FormatException(
        place,
        "cannot keep a text or number that was to be stored"
            + said()
            + ". Shorten the text, leave out the character 0, or use a finite number",
        failure);
  }

  AthanorException storage(String problem) {
    return new StorageException(place, problem + said(), failure);
  }

  private String said() {
    return " (" + failure.getMessage() + ")";
  }
}
