package io.athanor.registry;

import io.athanor.api.registry.Permission;
import io.athanor.api.registry.Principal;
import io.athanor.registry.store.AuditTable;
import io.athanor.registry.store.Session;
import io.athanor.registry.store.Transactions;
import java.sql.SQLException;
import java.time.Instant;
import java.util.function.Supplier;

/** Every change goes through here: it is allowed, happens whole or not at all, and is recorded. */
record Changes(
    Transactions transactions,
    Access access,
    AuditTable auditTable,
    Principal principal,
    Supplier<Instant> now) {

  /** Something that changes the registry. */
  @FunctionalInterface
  interface Work<T> {
    T run(Session session, Audit audit) throws SQLException;
  }

  /** Where a change tells what it did; every one that did something must. */
  @FunctionalInterface
  interface Audit {
    void record(AuditTable.Change change) throws SQLException;
  }

  /**
   * Does something with a model.
   *
   * @throws io.athanor.api.error.AccessDeniedException if the principal may not
   */
  <T> T apply(Permission permission, String model, Work<T> work) {
    return apply(permission, model, Access.ANY, work);
  }

  /**
   * Does something with a model and an alias.
   *
   * @throws io.athanor.api.error.AccessDeniedException if the principal may not
   */
  <T> T apply(Permission permission, String model, String alias, Work<T> work) {
    return transactions.write(
        session -> {
          access.require(session, principal, permission, model, alias);
          return work.run(
              session, change -> auditTable.append(session, now.get(), principal, change));
        });
  }
}
