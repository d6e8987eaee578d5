package io.athanor.api.error;

/** Something that whoever asked for it may not do; nothing was changed. */
public final class AccessDeniedException extends AthanorException {
  private static final long serialVersionUID = 1L;

  private final String principal;

  /**
   * @param principal who asked
   * @param action what was asked for, for example {@code "promote spam-filter to production"}
   * @param remedy who could allow it, or what to ask for instead
   */
  public AccessDeniedException(String principal, String action, String remedy) {
    super("'" + principal + "' may not " + action + ". " + remedy, false);
    this.principal = principal;
  }

  /** Who asked. */
  public String principal() {
    return principal;
  }
}
