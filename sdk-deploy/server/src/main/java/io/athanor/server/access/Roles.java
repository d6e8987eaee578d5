package io.athanor.server.access;

import io.athanor.api.registry.Permission;
import io.athanor.api.registry.Principal;

/** Says what somebody may do with a model, beyond what their key allows. Thread-safe. */
@FunctionalInterface
public interface Roles {
  /**
   * Whether they may.
   *
   * @param model its name
   */
  boolean allow(Principal principal, Permission permission, String model);
}
