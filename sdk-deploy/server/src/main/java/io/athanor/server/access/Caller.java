package io.athanor.server.access;

import io.athanor.api.registry.Permission;
import io.athanor.api.registry.Principal;
import io.athanor.server.http.HttpProblem;
import io.javalin.http.Context;
import java.util.EnumSet;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;

/**
 * Who makes a request, and what they may do.
 *
 * @param principal absent where the server asks nobody who they are
 * @param permissions the most that they may do
 * @param roles what of that they may do with which model
 */
public record Caller(Optional<Principal> principal, Set<Permission> permissions, Roles roles) {
  /** Under which a request knows its caller. */
  public static final String ATTRIBUTE = "athanor.caller";

  private static final Caller ANYBODY =
      new Caller(Optional.empty(), EnumSet.allOf(Permission.class), (who, what, model) -> true);

  public Caller {
    permissions = Set.copyOf(permissions);
  }

  /** Somebody who was not asked who they are, and may do everything. */
  static Caller anybody() {
    return ANYBODY;
  }

  /** Who makes this request. */
  public static Caller of(Context ctx) {
    Caller caller = ctx.attribute(ATTRIBUTE);
    if (caller == null) {
      throw new IllegalStateException("the gate let a request pass without a caller");
    }
    return caller;
  }

  /** Whether they may do something with a model. */
  public boolean may(Permission permission, String model) {
    return permissions.contains(permission)
        && (principal.isEmpty() || roles.allow(principal.get(), permission, model));
  }

  /**
   * Checks that they may do something with a model.
   *
   * @throws HttpProblem 403 otherwise
   */
  public void require(Permission permission, String model) {
    requireKeyFor(permission);
    if (!may(permission, model)) {
      throw new HttpProblem(
          403, name() + " may not " + word(permission) + " " + model + "; a role must allow it");
    }
  }

  /**
   * Checks that their key or token is good for something; whether roles allow it is for the
   * registry to say.
   *
   * @throws HttpProblem 403 otherwise
   */
  public void requireKeyFor(Permission permission) {
    if (!permissions.contains(permission)) {
      throw new HttpProblem(
          403,
          "The key or token of "
              + name()
              + " is not good for '"
              + word(permission)
              + "'; ask for one that is");
    }
  }

  private String name() {
    return principal.map(who -> "'" + who + "'").orElse("Anybody");
  }

  private static String word(Permission permission) {
    return permission.name().toLowerCase(Locale.ROOT);
  }
}
