package io.athanor.api.error;

/**
 * A folder, file, database or network store that cannot be read or written; nothing is
 * half-written.
 */
public final class StorageException extends AthanorException {
  private static final long serialVersionUID = 1L;

  private final String location;

  /**
   * @param location the file, folder or address
   * @param problem what failed and how to fix it
   * @param cause the failure underneath
   */
  public StorageException(String location, String problem, Throwable cause) {
    super(location + ": " + problem, cause, true);
    this.location = location;
  }

  public StorageException(String location, String problem) {
    super(location + ": " + problem, true);
    this.location = location;
  }

  /** The file, folder or address. */
  public String location() {
    return location;
  }
}
