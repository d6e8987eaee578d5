package io.athanor.server.access;

import io.athanor.api.registry.Permission;
import java.util.Arrays;
import java.util.Locale;
import java.util.Optional;

/** Permissions by name. */
final class Permissions {
  private Permissions() {}

  /** The permission with a name in lower case. */
  static Optional<Permission> of(String name) {
    return Arrays.stream(Permission.values())
        .filter(permission -> permission.name().toLowerCase(Locale.ROOT).equals(name))
        .findFirst();
  }
}
