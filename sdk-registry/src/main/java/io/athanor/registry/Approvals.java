package io.athanor.registry;

import io.athanor.api.error.AccessDeniedException;
import io.athanor.api.error.ConflictException;
import io.athanor.api.error.NotFoundException;
import io.athanor.api.registry.ModelVersion;
import io.athanor.api.registry.Permission;
import io.athanor.api.registry.Principal;
import io.athanor.api.registry.VersionId;
import io.athanor.registry.governance.Approval;
import io.athanor.registry.governance.Approval.Answer;
import io.athanor.registry.governance.Approval.Decision;
import io.athanor.registry.governance.Approval.Status;
import io.athanor.registry.governance.Policy;
import io.athanor.registry.store.AuditTable.Change;
import io.athanor.registry.store.Session;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Optional;

/**
 * Requests to let aliases point to versions, and what was decided on them. How many approvals an
 * alias needs, and of whom, the registry's {@link ModelRegistry#policy policy} says. Thread-safe.
 */
public final class Approvals {
  /** The most requests that one list may have. */
  static final int MAX_LIMIT = 1000;

  private final ModelRegistry registry;

  Approvals(ModelRegistry registry) {
    this.registry = registry;
  }

  /**
   * Requests approval; asks for {@link Permission#UPDATE} of the model.
   *
   * @param alias for example {@code "production"}
   * @param reason why the version should be there; not blank
   * @throws ConflictException if there is an open request about the same files and report
   * @throws NotFoundException if the version has been deleted
   */
  public Approval request(ModelVersion version, String alias, String reason) {
    VersionId.requireName("alias", alias);
    requireText(reason);
    return registry
        .changes()
        .apply(
            Permission.UPDATE,
            version.name(),
            (session, audit) -> {
              ModelVersion present = registry.governance().version(session, version.id());
              requireNoneOpen(session, present, alias);
              Approval added =
                  registry
                      .governance()
                      .approvals()
                      .add(
                          session,
                          new Approval(
                              1,
                              present.id(),
                              alias,
                              present.digest(),
                              present.report(),
                              stamp(),
                              reason,
                              Status.PENDING,
                              List.of()));
              audit.record(
                  new Change(
                      "request approval",
                      present.id().toString(),
                      Optional.empty(),
                      Optional.of(describe(added)),
                      reason));
              return added;
            });
  }

  private void requireNoneOpen(Session session, ModelVersion present, String alias)
      throws SQLException {
    for (Approval earlier : registry.governance().approvals().of(session, present.id(), alias)) {
      if (earlier.status().open() && earlier.isAbout(present)) {
        throw new ConflictException(
            "There is " + earlier + " already; decide on that, or withdraw it", false);
      }
    }
  }

  /**
   * Approves a request; asks for {@link Permission#APPROVE} of model and alias.
   *
   * @param number of the request
   * @param reason why; not blank
   * @throws ConflictException if the caller approved it before, it was rejected or withdrawn, or
   *     the version has another report now
   * @throws AccessDeniedException if the policy says that the caller may not approve what is their
   *     own
   * @throws NotFoundException if there is no such request, or its version has been deleted
   */
  public Approval approve(long number, String reason) {
    requireText(reason);
    return decide(
        number,
        (session, approval) -> {
          ModelVersion version = registry.governance().version(session, approval.version());
          if (!approval.isAbout(version)) {
            throw new ConflictException(
                version.id() + " has another evaluation report now; request approval anew", false);
          }
          Policy policy = registry.governance().policy(session);
          if (policy.forbids(registry.principal(), approval, version)) {
            throw new AccessDeniedException(
                registry.principal().name(),
                "approve " + version.id() + " at " + approval.alias() + ", which is their own",
                "The policy asks for somebody who neither registered nor requested it");
          }
          if (approval.of(registry.principal()).isPresent()) {
            throw new ConflictException("You decided on " + approval + " already", false);
          }
          return new Decision(stamp(), Answer.APPROVED, reason);
        });
  }

  /**
   * Rejects a request, also one that was approved; asks for {@link Permission#APPROVE} of model and
   * alias. It stays rejected; approval can be requested anew.
   *
   * @param number of the request
   * @param reason why; not blank
   * @throws ConflictException if it was rejected or withdrawn before
   * @throws NotFoundException if there is no such request
   */
  public Approval reject(long number, String reason) {
    requireText(reason);
    return decide(number, (session, approval) -> new Decision(stamp(), Answer.REJECTED, reason));
  }

  @FunctionalInterface
  private interface Deciding {
    Decision on(Session session, Approval approval) throws SQLException;
  }

  private Approval decide(long number, Deciding deciding) {
    Approval found = find(number);
    return registry
        .changes()
        .apply(
            Permission.APPROVE,
            found.version().name(),
            found.alias(),
            (session, audit) -> {
              Approval before = requireOpen(session, number);
              Decision decision = deciding.on(session, before);
              registry.governance().approvals().decide(session, number, decision);
              String action = decision.answer() == Answer.APPROVED ? "approve" : "reject";
              return changed(session, audit, action, before, decision.reason());
            });
  }

  /**
   * Takes a request back, also one that was approved. Whoever requested it may, and whoever may
   * {@link Permission#ADMINISTER}.
   *
   * @param number of the request
   * @param reason why; not blank
   * @throws ConflictException if it was rejected or withdrawn before
   * @throws NotFoundException if there is no such request
   */
  public Approval withdraw(long number, String reason) {
    requireText(reason);
    Approval found = find(number);
    boolean own = found.requested().by().filter(registry.principal()::equals).isPresent();
    return registry
        .changes()
        .apply(
            own ? Permission.READ : Permission.ADMINISTER,
            own ? found.version().name() : Access.ANY,
            (session, audit) -> {
              Approval before = requireOpen(session, number);
              registry.governance().approvals().status(session, number, Status.WITHDRAWN);
              return changed(session, audit, "withdraw approval", before, reason);
            });
  }

  private Approval requireOpen(Session session, long number) throws SQLException {
    Approval approval = registry.governance().approvals().find(session, number).orElseThrow();
    if (!approval.status().open()) {
      throw new ConflictException("Too late for " + approval + "; request approval anew", false);
    }
    return approval;
  }

  private Approval changed(
      Session session, Changes.Audit audit, String action, Approval before, String reason)
      throws SQLException {
    Approval after = registry.governance().approvals().find(session, before.number()).orElseThrow();
    audit.record(
        new Change(
            action,
            before.version().toString(),
            Optional.of(describe(before)),
            Optional.of(describe(after)),
            reason));
    return after;
  }

  /**
   * One request.
   *
   * @throws NotFoundException if there is none of this number
   */
  public Approval find(long number) {
    return registry
        .transactions()
        .read(
            session -> {
              Optional<Approval> found = registry.governance().approvals().find(session, number);
              if (found.isEmpty()) {
                throw new NotFoundException(
                    "approval " + number, List.of(), "List them with approvals().list(..)");
              }
              registry.access().requireReadable(session, found.get().version().name());
              return found.get();
            });
  }

  /** Every request about a version, oldest first. */
  public List<Approval> of(ModelVersion version) {
    return registry
        .transactions()
        .read(
            session -> {
              registry.access().requireReadable(session, version.name());
              return registry.governance().approvals().of(session, version.id());
            });
  }

  /** Requests that nobody has decided on, of models the caller may read; see {@link #list}. */
  public List<Approval> pending(long after, int limit) {
    return list(Optional.of(Status.PENDING), after, limit);
  }

  /**
   * Some requests about models the caller may read, oldest first. The next page begins after the
   * number of the last.
   *
   * @param status those of this status; empty for all
   * @param after the number before the first; 0 begins at the beginning
   * @param limit most requests to give, 1 to 1,000
   */
  public List<Approval> list(Optional<Status> status, long after, int limit) {
    if (after < 0 || limit < 1 || limit > MAX_LIMIT) {
      throw new IllegalArgumentException(
          "after must be at least 0 and limit 1 to " + MAX_LIMIT + ", got " + after + ", " + limit);
    }
    return registry.transactions().read(session -> list(session, status, after, limit));
  }

  private List<Approval> list(Session session, Optional<Status> status, long after, int limit)
      throws SQLException {
    var readable = registry.access().readable(session);
    List<Approval> page = new ArrayList<>();
    long last = after;
    while (page.size() < limit) {
      List<Approval> chunk =
          registry.governance().approvals().list(session, status, last, MAX_LIMIT);
      if (chunk.isEmpty()) {
        return page;
      }
      chunk.stream()
          .filter(approval -> readable.test(approval.version().name()))
          .limit(limit - page.size())
          .forEach(page::add);
      last = chunk.get(chunk.size() - 1).number();
    }
    return page;
  }

  private ModelVersion.Stamp stamp() {
    return ModelVersion.Stamp.of(registry.now(), registry.principal());
  }

  private static String describe(Approval approval) {
    return approval.number()
        + " at "
        + approval.alias()
        + ": "
        + approval.status().name().toLowerCase(Locale.ROOT)
        + approval.approvers().stream()
            .map(Principal::name)
            .reduce((first, second) -> first + ", " + second)
            .map(names -> ", approved by " + names)
            .orElse("");
  }

  private static void requireText(String reason) {
    if (reason.isBlank()) {
      throw new IllegalArgumentException("reason must say something");
    }
  }
}
