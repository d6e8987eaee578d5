package io.athanor.registry;

import io.athanor.api.error.AccessDeniedException;
import io.athanor.api.error.ValidationException;
import io.athanor.api.registry.Permission;
import io.athanor.api.registry.Principal;
import io.athanor.api.registry.VersionId;
import io.athanor.registry.store.AuditTable.Change;
import io.athanor.registry.store.RoleTable;
import io.athanor.registry.store.RoleTable.Grant;
import io.athanor.registry.store.Session;
import io.athanor.registry.store.SettingTable;
import java.sql.SQLException;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.regex.Pattern;

/**
 * Who may do what. A principal has roles, a role has permissions for models and aliases. Everybody
 * may do everything until {@link #enable}; after it, nobody may do anything without a role that
 * allows it. It guards the registry's methods: whoever can write its folder or database with other
 * means is not held back. Thread-safe.
 */
public final class Access {
  /** Stands for every model or alias. */
  public static final String ANY = "*";

  private static final String SETTING = "access";
  private static final String ENABLED = "enabled";
  private static final String DISABLED = "disabled";
  private static final Pattern PATTERN = Pattern.compile("[a-z0-9][a-z0-9._-]{0,99}\\*?|\\*");

  private final RoleTable roles = new RoleTable();
  private final SettingTable settings = new SettingTable();
  private final ModelRegistry registry;

  Access(ModelRegistry registry) {
    this.registry = registry;
  }

  /**
   * Denies from now on what no role allows.
   *
   * @throws ValidationException if nobody would be left to administer the registry
   */
  public void enable() {
    set(ENABLED);
  }

  /** Allows everybody everything again; roles are kept. */
  public void disable() {
    set(DISABLED);
  }

  /** Whether what no role allows is denied. */
  public boolean enabled() {
    return registry.transactions().read(this::enabled);
  }

  private boolean enabled(Session session) throws SQLException {
    return settings.value(session, SETTING).filter(ENABLED::equals).isPresent();
  }

  private void set(String state) {
    registry
        .changes()
        .apply(
            Permission.ADMINISTER,
            ANY,
            (session, audit) -> {
              String present = settings.value(session, SETTING).orElse(DISABLED);
              if (!present.equals(state)) {
                settings.set(session, SETTING, state);
                requireAdministrator(session);
                audit.record(change("access", "access", present, state));
              }
              return state;
            });
  }

  /**
   * Allows a role something.
   *
   * @param role see {@link VersionId#requireName}
   * @param model with which models: a name, a beginning followed by {@code *}, or {@link #ANY}
   * @param alias with which aliases, likewise; {@link Permission#PROMOTE} and {@link
   *     Permission#APPROVE} ask for it, the others pass by it
   */
  public void allow(String role, Permission permission, String model, String alias) {
    Grant grant = grant(role, permission, model, alias);
    change(
        "role " + role,
        Optional.empty(),
        Optional.of(describe(grant)),
        session -> roles.add(session, grant));
  }

  /** Allows a role something with all models and aliases. */
  public void allow(String role, Permission permission) {
    allow(role, permission, ANY, ANY);
  }

  /**
   * Takes back what {@link #allow} gave.
   *
   * @throws ValidationException if nobody would be left to administer the registry
   */
  public void revoke(String role, Permission permission, String model, String alias) {
    Grant grant = grant(role, permission, model, alias);
    change(
        "role " + role,
        Optional.of(describe(grant)),
        Optional.empty(),
        session -> roles.remove(session, grant));
  }

  /** Gives somebody a role. */
  public void assign(String role, Principal principal) {
    VersionId.requireName("role", role);
    change(
        "role " + role,
        Optional.empty(),
        Optional.of("member " + principal),
        session -> roles.join(session, role, principal));
  }

  /**
   * Takes a role from somebody.
   *
   * @throws ValidationException if nobody would be left to administer the registry
   */
  public void withdraw(String role, Principal principal) {
    VersionId.requireName("role", role);
    change(
        "role " + role,
        Optional.of("member " + principal),
        Optional.empty(),
        session -> roles.leave(session, role, principal));
  }

  /** Whether somebody may do something with a model and an alias. */
  public boolean allows(Principal principal, Permission permission, String model, String alias) {
    return registry
        .transactions()
        .read(session -> allows(session, principal, permission, model, alias));
  }

  private boolean allows(
      Session session, Principal principal, Permission permission, String model, String alias)
      throws SQLException {
    return !enabled(session)
        || roles.of(session, principal).stream()
            .anyMatch(g -> g.permission() == permission && g.covers(model, alias));
  }

  /**
   * Checks that somebody may do something.
   *
   * @param model its name, or {@link #ANY} for what is about all models
   * @param alias the alias, or {@link #ANY} where none takes part
   * @throws AccessDeniedException otherwise
   */
  void require(
      Session session, Principal principal, Permission permission, String model, String alias)
      throws SQLException {
    if (!allows(session, principal, permission, model, alias)) {
      String what =
          permission.name().toLowerCase(Locale.ROOT)
              + (model.equals(ANY) ? " the registry" : " " + model)
              + (alias.equals(ANY) ? "" : " at " + alias);
      throw new AccessDeniedException(
          principal.name(), what, "Somebody with ADMINISTER can allow it with access().allow");
    }
  }

  /** What somebody may read; empty if everything. */
  Optional<List<Grant>> readable(Session session, Principal principal) throws SQLException {
    if (!enabled(session)) {
      return Optional.empty();
    }
    List<Grant> grants =
        roles.of(session, principal).stream()
            .filter(grant -> grant.permission() == Permission.READ)
            .toList();
    return grants.stream().anyMatch(grant -> grant.model().equals(ANY))
        ? Optional.empty()
        : Optional.of(grants);
  }

  @FunctionalInterface
  private interface Step {
    boolean run(Session session) throws SQLException;
  }

  private void change(String subject, Optional<String> before, Optional<String> after, Step step) {
    registry
        .changes()
        .apply(
            Permission.ADMINISTER,
            ANY,
            (session, audit) -> {
              boolean changed = step.run(session);
              if (changed) {
                requireAdministrator(session);
                audit.record(new Change("access", subject, before, after, ""));
              }
              return changed;
            });
  }

  private void requireAdministrator(Session session) throws SQLException {
    if (enabled(session) && !roles.anybodyMay(session, Permission.ADMINISTER)) {
      throw new ValidationException(
          "access",
          List.of(
              "nobody could administer the registry any more. First allow a role ADMINISTER, and"
                  + " assign it to somebody"));
    }
  }

  private static Change change(String action, String subject, String before, String after) {
    return new Change(action, subject, Optional.of(before), Optional.of(after), "");
  }

  private static Grant grant(String role, Permission permission, String model, String alias) {
    VersionId.requireName("role", role);
    requirePattern("model", model);
    requirePattern("alias", alias);
    return new Grant(role, permission, model, alias);
  }

  private static void requirePattern(String parameter, String pattern) {
    if (!PATTERN.matcher(pattern).matches()) {
      throw new IllegalArgumentException(
          parameter
              + " must be a name, the beginning of names followed by '*', or '*', got '"
              + pattern
              + "'");
    }
  }

  private static String describe(Grant grant) {
    return grant.permission() + " of " + grant.model() + " at " + grant.stage();
  }
}
