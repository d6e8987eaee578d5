package io.athanor.server.access;

import io.athanor.api.registry.Permission;
import io.athanor.api.registry.Principal;
import java.util.Set;

/**
 * Who showed a key or a token.
 *
 * @param permissions the most that may be done with it
 */
record Identity(Principal principal, Set<Permission> permissions) {
  Identity {
    permissions = Set.copyOf(permissions);
  }
}
