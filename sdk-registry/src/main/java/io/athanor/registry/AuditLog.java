package io.athanor.registry;

import io.athanor.api.common.Digest;
import io.athanor.api.registry.AuditEntry;
import io.athanor.api.registry.Permission;
import io.athanor.api.registry.Principal;
import io.athanor.api.registry.VersionId;
import io.athanor.registry.store.AuditTable;
import io.athanor.registry.store.Session;
import io.athanor.registry.store.Transactions.Work;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/**
 * Who changed what, when and why. Entries are only ever added, and each one's hash covers the hash
 * before it. Thread-safe.
 */
public final class AuditLog {
  private static final int MAX_LIMIT = 10_000;

  private final ModelRegistry registry;
  private final AuditTable table;
  private final Principal principal;

  AuditLog(ModelRegistry registry, AuditTable table, Principal principal) {
    this.registry = registry;
    this.table = table;
    this.principal = principal;
  }

  /**
   * Some entries, oldest first.
   *
   * @param after the number before the first; 0 begins at the beginning
   * @param limit most entries to give, 1 to 10,000
   */
  public List<AuditEntry> entries(long after, int limit) {
    if (after < 0 || limit < 1 || limit > MAX_LIMIT) {
      throw new IllegalArgumentException(
          "after must be at least 0 and limit 1 to " + MAX_LIMIT + ", got " + after + ", " + limit);
    }
    return read(session -> table.entries(session, after, limit));
  }

  /**
   * Every entry about a subject, oldest first. Who may read a model may read what is about it.
   *
   * @param subject a version like {@code "spam-filter:3"}, or an alias like {@code
   *     "spam-filter@production"}
   */
  public List<AuditEntry> about(String subject) {
    String model = subject.split("[:@]", 2)[0];
    boolean aboutModel = model.length() < subject.length() && VersionId.isName(model);
    return registry
        .transactions()
        .read(
            session -> {
              allow(session, aboutModel ? model : Access.ANY);
              return table.about(session, subject);
            });
  }

  /** The newest entry. Who keeps its number and hash elsewhere notices a log that was cut. */
  public Optional<AuditEntry> head() {
    return read(table::last);
  }

  /** What was changed behind the log's back, a sentence each; empty if nothing was. */
  public List<String> verify() {
    return read(table::problems);
  }

  /**
   * What was changed behind the log's back, entries cut off at its end included.
   *
   * @param number of an entry that was once the newest
   * @param hash it had
   */
  public List<String> verify(long number, Digest hash) {
    return read(
        session -> {
          List<String> problems = new ArrayList<>(table.problems(session));
          boolean there =
              table.entries(session, number - 1, 1).stream()
                  .anyMatch(entry -> entry.number() == number && entry.hash().equals(hash));
          if (!there) {
            problems.add(
                "audit entry " + number + " with hash " + hash.brief() + " is not there any more");
          }
          return problems;
        });
  }

  private <T> T read(Work<T> work) {
    return registry
        .transactions()
        .read(
            session -> {
              allow(session, Access.ANY);
              return work.run(session);
            });
  }

  private void allow(Session session, String model) throws SQLException {
    registry.access().require(session, principal, Permission.READ, model, Access.ANY);
  }
}
