package io.athanor.registry.store;

import io.athanor.api.registry.Permission;
import io.athanor.api.registry.Principal;
import io.athanor.registry.governance.NamePattern;
import java.sql.SQLException;
import java.util.List;

/** What roles may do, and who has them. Thread-safe. */
public final class RoleTable {
  /**
   * One thing a role may do.
   *
   * @param role its name
   * @param permission what
   * @param model with which models: a name, a beginning followed by {@code *}, or {@code *}
   * @param stage with which aliases, likewise; of no meaning where no alias takes part
   */
  public record Grant(String role, Permission permission, String model, String stage) {
    /** Whether it is about a model and an alias; {@code *} asks for those of any name. */
    public boolean covers(String modelName, String alias) {
      return NamePattern.matches(model, modelName)
          && (alias.equals(NamePattern.ANY) || NamePattern.matches(stage, alias));
    }
  }

  /** What a principal may do. */
  public List<Grant> of(Session session, Principal principal) throws SQLException {
    return session.query(
        "SELECT p.role, p.permission, p.model, p.stage FROM role_permission p"
            + " JOIN role_member m ON m.role = p.role WHERE m.principal = ?"
            + " ORDER BY p.role, p.permission, p.model, p.stage",
        row -> grant(row.getString(1), row.getString(2), row.getString(3), row.getString(4)),
        principal.name());
  }

  /** What all roles may do. */
  public List<Grant> all(Session session) throws SQLException {
    return session.query(
        "SELECT role, permission, model, stage FROM role_permission"
            + " ORDER BY role, permission, model, stage",
        row -> grant(row.getString(1), row.getString(2), row.getString(3), row.getString(4)));
  }

  private static Grant grant(String role, String permission, String model, String stage) {
    return new Grant(role, Permission.valueOf(permission), model, stage);
  }

  /** Who has a role. */
  public List<Principal> members(Session session, String role) throws SQLException {
    return session.query(
        "SELECT principal FROM role_member WHERE role = ? ORDER BY principal",
        row -> new Principal(row.getString(1)),
        role);
  }

  /** The roles that somebody has. */
  public List<String> withMembers(Session session) throws SQLException {
    return session.query(
        "SELECT DISTINCT role FROM role_member ORDER BY role", row -> row.getString(1));
  }

  /** Whether anybody has a permission for all models. */
  public boolean anybodyMay(Session session, Permission permission) throws SQLException {
    return session.exists(
        "SELECT 1 FROM role_permission p JOIN role_member m ON m.role = p.role"
            + " WHERE p.permission = ? AND p.model = '*' AND p.stage = '*'",
        permission.name());
  }

  /** Adds a grant; says whether it is new. */
  public boolean add(Session session, Grant grant) throws SQLException {
    if (all(session).contains(grant)) {
      return false;
    }
    session.update(
        "INSERT INTO role_permission (role, permission, model, stage) VALUES (?, ?, ?, ?)",
        grant.role(),
        grant.permission().name(),
        grant.model(),
        grant.stage());
    return true;
  }

  /** Removes a grant; says whether it was there. */
  public boolean remove(Session session, Grant grant) throws SQLException {
    return session.update(
            "DELETE FROM role_permission"
                + " WHERE role = ? AND permission = ? AND model = ? AND stage = ?",
            grant.role(),
            grant.permission().name(),
            grant.model(),
            grant.stage())
        > 0;
  }

  /** Gives somebody a role; says whether it is new. */
  public boolean join(Session session, String role, Principal principal) throws SQLException {
    if (members(session, role).contains(principal)) {
      return false;
    }
    session.update(
        "INSERT INTO role_member (role, principal) VALUES (?, ?)", role, principal.name());
    return true;
  }

  /** Takes a role from somebody; says whether it was there. */
  public boolean leave(Session session, String role, Principal principal) throws SQLException {
    return session.update(
            "DELETE FROM role_member WHERE role = ? AND principal = ?", role, principal.name())
        > 0;
  }
}
