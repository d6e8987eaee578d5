package io.athanor.deploy.target;

/** Carries what a listener threw past those who take failures for the server's. */
final class ListenerException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final RuntimeException thrown;

  ListenerException(RuntimeException thrown) {
    super(thrown);
    this.thrown = thrown;
  }

  RuntimeException thrown() {
    return thrown;
  }
}
