package io.athanor.server.registry;

import io.athanor.api.registry.Permission;
import io.athanor.api.registry.Principal;
import io.athanor.registry.Access;
import io.athanor.registry.ModelRegistry;
import io.athanor.server.access.Roles;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.LongSupplier;

/**
 * The registry's roles. What it said is believed for two seconds, so that requests need not wait
 * for its database; a role taken away counts after that. Thread-safe.
 */
public final class RegistryRoles implements Roles {
  private static final long BELIEVED = Duration.ofSeconds(2).toNanos();
  private static final int MOST = 10_000;

  private final ModelRegistry registry;
  private final LongSupplier nanoClock;
  private final Map<Question, Said> known = new ConcurrentHashMap<>();

  private record Question(Principal principal, Permission permission, String model) {}

  private record Said(boolean allowed, long at) {}

  public RegistryRoles(ModelRegistry registry, LongSupplier nanoClock) {
    this.registry = registry;
    this.nanoClock = nanoClock;
  }

  @Override
  public boolean allow(Principal principal, Permission permission, String model) {
    Question question = new Question(principal, permission, model);
    long now = nanoClock.getAsLong();
    Said said = known.get(question);
    if (said == null || now - said.at() > BELIEVED) {
      boolean allowed =
          registry.as(principal).access().allows(principal, permission, model, Access.ANY);
      if (known.size() >= MOST) {
        known.clear();
      }
      said = new Said(allowed, now);
      known.put(question, said);
    }
    return said.allowed();
  }
}
