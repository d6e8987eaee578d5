package io.athanor.registry;

import io.athanor.api.error.AccessDeniedException;
import io.athanor.api.error.ValidationException;
import io.athanor.api.registry.Permission;
import io.athanor.api.registry.Principal;
import io.athanor.api.registry.VersionId;
import io.athanor.registry.governance.NamePattern;
import io.athanor.registry.store.AuditTable.Change;
import io.athanor.registry.store.RoleTable;
import io.athanor.registry.store.RoleTable.Grant;
import io.athanor.registry.store.Session;
import io.athanor.registry.store.SettingTable;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;

/**
 * Who may do what. A principal has roles, a role has permissions for models and aliases. Everybody
 * may do everything until {@link #enable}; after it, nobody may do anything without a role that
 * allows it. It guards the registry's methods: whoever can write its folder or database with other
 * means is not held back. Thread-safe.
 */
public final class Access {
  /** Stands for every model or alias. */
  public static final String ANY = NamePattern.ANY;

  private static final String SETTING = "access";
  private static final String ENABLED = "enabled";
  private static final String DISABLED = "disabled";

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
   * @param alias with which aliases, likewise; {@link #ANY} for all permissions but {@link
   *     Permission#PROMOTE} and {@link Permission#APPROVE}, as no other is about an alias
   * @throws IllegalArgumentException also if {@link Permission#ADMINISTER}, which is about the
   *     whole registry, is to be given for some models only
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

  /**
   * Whether somebody may do something with a model and an alias. Who asks about others needs {@link
   * Permission#ADMINISTER}.
   */
  public boolean allows(Principal principal, Permission permission, String model, String alias) {
    return registry
        .transactions()
        .read(
            session -> {
              if (!principal.equals(registry.principal())) {
                require(session, registry.principal(), Permission.ADMINISTER, ANY, ANY);
              }
              return allows(session, principal, permission, model, alias);
            });
  }

  /**
   * A role.
   *
   * @param name its name
   * @param grants what it may do
   * @param members who has it
   */
  public record Role(String name, List<Grant> grants, List<Principal> members) {
    public Role {
      grants = List.copyOf(grants);
      members = List.copyOf(members);
    }
  }

  /** Every role; asks for {@link Permission#ADMINISTER}. */
  public List<Role> roles() {
    return registry
        .transactions()
        .read(
            session -> {
              require(session, registry.principal(), Permission.ADMINISTER, ANY, ANY);
              List<Grant> grants = roles.all(session);
              Set<String> names = new TreeSet<>(roles.withMembers(session));
              grants.forEach(grant -> names.add(grant.role()));
              List<Role> all = new ArrayList<>();
              for (String name : names) {
                List<Grant> own = grants.stream().filter(g -> g.role().equals(name)).toList();
                all.add(new Role(name, own, roles.members(session, name)));
              }
              return all;
            });
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

  /**
   * Checks that whoever uses the registry may read a model.
   *
   * @throws AccessDeniedException otherwise
   */
  void requireReadable(Session session, String model) throws SQLException {
    require(session, registry.principal(), Permission.READ, model, ANY);
  }

  /**
   * Checks that whoever uses the registry may do something with all of it.
   *
   * @throws AccessDeniedException otherwise
   */
  void requireForAll(Permission permission) {
    registry
        .transactions()
        .read(
            session -> {
              require(session, registry.principal(), permission, ANY, ANY);
              return permission;
            });
  }

  /** Says of a model's name whether whoever uses the registry may read it. */
  Predicate<String> readable(Session session) throws SQLException {
    return readable(session, registry.principal())
        .<Predicate<String>>map(
            grants -> name -> grants.stream().anyMatch(grant -> grant.covers(name, ANY)))
        .orElse(name -> true);
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
    NamePattern.require("model", model);
    NamePattern.require("alias", alias);
    boolean aboutAliases = permission == Permission.PROMOTE || permission == Permission.APPROVE;
    if (!aboutAliases && !alias.equals(ANY)) {
      throw new IllegalArgumentException(
          "alias must be '*', as " + permission + " is not about aliases, got '" + alias + "'");
    }
    if (permission == Permission.ADMINISTER && !model.equals(ANY)) {
      throw new IllegalArgumentException(
          "model must be '*', as ADMINISTER is about the whole registry, got '" + model + "'");
    }
    return new Grant(role, permission, model, alias);
  }

  private static String describe(Grant grant) {
    return grant.permission() + " of " + grant.model() + " at " + grant.stage();
  }
}
