package io.athanor.registry;

import static org.assertj.core.api.Assertions.assertThat;

import io.athanor.api.registry.AliasMove;
import io.athanor.api.registry.AuditEntry;
import io.athanor.api.registry.ModelVersion;
import io.athanor.api.registry.VersionId;
import io.athanor.registry.CrashProcess.Told;
import io.athanor.registry.governance.Approval;
import io.athanor.registry.governance.Approval.Status;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;

/**
 * What killed processes said they had done to a registry, held against the registry. A change that
 * was acknowledged must be there; one that had begun may be there or not, whole in either case; and
 * there must be nothing else.
 */
final class CrashLedger {
  private final Map<VersionId, String> versions = new TreeMap<>();
  private final Set<VersionId> deleted = new HashSet<>();
  private final Set<VersionId> everUsed = new HashSet<>();
  private final Map<String, List<VersionId>> moves = new HashMap<>();
  private final Map<String, String> notes = new TreeMap<>();
  private final List<String> acknowledged = new ArrayList<>();
  private final Map<String, Told> begun = new LinkedHashMap<>();
  private long audited;

  /** A version that was there before. */
  void has(ModelVersion version) {
    versions.put(version.id(), version.digest().hex());
    everUsed.add(version.id());
  }

  /** What one process said; gives the actions that were under way when it was killed. */
  List<String> read(List<String> lines) {
    Map<String, Told> underWay = new LinkedHashMap<>();
    for (String line : lines) {
      Told told = Told.of(line).orElse(null);
      if (told == null) {
        continue;
      }
      switch (told.phase()) {
        case "begin" -> underWay.put(told.worker(), told);
        case "refused" -> underWay.remove(told.worker());
        case "done" -> {
          underWay.remove(told.worker());
          acknowledge(told);
        }
        default -> throw new AssertionError(line);
      }
    }
    underWay.values().forEach(told -> begun.put(told.worker(), told));
    return underWay.values().stream().map(Told::action).toList();
  }

  private void acknowledge(Told told) {
    switch (told.action()) {
      case "register" -> {
        VersionId id = id(told.subject());
        assertThat(everUsed.add(id)).as("number of %s is new", id).isTrue();
        versions.put(id, told.digest());
        acknowledged.add("register " + id);
      }
      case "promote" -> {
        VersionId id = id(told.subject());
        moves.computeIfAbsent(alias(id, told.worker()), key -> new ArrayList<>()).add(id);
        acknowledged.add("promote " + alias(id, told.worker()));
      }
      case "delete" -> {
        deleted.add(id(told.subject()));
        acknowledged.add("delete " + told.subject());
      }
      case "update", "request", "approve", "reject" -> {
        notes.put(note(told, told.digest()), value(told));
        acknowledged.add(begunAs(told));
      }
      default -> {}
    }
  }

  /** What an update or a decision on an approval is about. */
  private static String note(Told told, String number) {
    return told.action().equals("update")
        ? told.subject() + " tag " + told.worker()
        : told.subject() + " approval " + number + " at " + told.worker();
  }

  /** What it says afterwards. */
  private static String value(Told told) {
    return switch (told.action()) {
      case "update" -> told.digest();
      case "request" -> Status.PENDING.name();
      case "approve" -> Status.APPROVED.name();
      default -> Status.REJECTED.name();
    };
  }

  int acknowledged() {
    return acknowledged.size();
  }

  /** Compares; what was under way is settled after this. */
  void check(ModelRegistry registry) {
    assertThat(registry.verify().problems()).isEmpty();
    assertThat(registry.audit().verify()).isEmpty();
    List<String> unsaid = unsaid(registry);
    versions(registry, unsaid);
    aliases(registry, unsaid);
    notes(registry, unsaid);
    begun.clear();
    acknowledged.clear();
  }

  /** The changes that nobody acknowledged and the audit log knows: each must have been begun. */
  private List<String> unsaid(ModelRegistry registry) {
    List<String> said = new ArrayList<>(acknowledged);
    List<String> unsaid = new ArrayList<>();
    for (AuditEntry entry : registry.audit().entries(audited, 10_000)) {
      audited = entry.number();
      String change = entry.action() + " " + entry.subject();
      if (!said.remove(change)) {
        unsaid.add(change);
      }
    }
    assertThat(said).as("acknowledged changes that the audit log lacks").isEmpty();
    List<String> possible = new ArrayList<>();
    begun.values().forEach(told -> possible.add(begunAs(told)));
    for (String change : unsaid) {
      assertThat(possible.remove(change.startsWith("register ") ? change.split(":")[0] : change))
          .as("%s was under way: %s", change, begun)
          .isTrue();
    }
    return unsaid;
  }

  private static String begunAs(Told told) {
    return switch (told.action()) {
      case "promote" -> "promote " + alias(id(told.subject()), told.worker());
      case "request" -> "request approval " + told.subject();
      default -> told.action() + " " + told.subject();
    };
  }

  private void versions(ModelRegistry registry, List<String> unsaid) {
    Set<VersionId> unacknowledged = new HashSet<>();
    for (String change : unsaid) {
      String subject = change.split(" ")[1];
      if (change.startsWith("register ")) {
        assertThat(everUsed.add(id(subject))).as("number of %s is new", subject).isTrue();
        unacknowledged.add(id(subject));
      } else if (change.startsWith("delete ")) {
        deleted.add(id(subject));
      }
    }
    Map<VersionId, String> there = new TreeMap<>();
    for (String model : registry.models()) {
      for (ModelVersion version : registry.versions(model)) {
        there.put(version.id(), version.digest().hex());
        if (unacknowledged.contains(version.id())) {
          versions.put(version.id(), version.digest().hex());
        }
      }
    }
    unacknowledged.removeAll(deleted);
    versions.keySet().removeAll(deleted);
    assertThat(there.keySet()).as("registered and audited").containsAll(unacknowledged);
    assertThat(there).isEqualTo(versions);
  }

  private void aliases(ModelRegistry registry, List<String> unsaid) {
    for (Told told : begun.values()) {
      if (unsaid.contains(begunAs(told)) && told.action().equals("promote")) {
        VersionId id = id(told.subject());
        moves.computeIfAbsent(alias(id, told.worker()), key -> new ArrayList<>()).add(id);
      }
    }
    Map<String, VersionId> there = new TreeMap<>();
    for (String model : CrashProcess.MODELS) {
      registry.aliases(model).forEach((alias, id) -> there.put(model + "@" + alias, id));
    }
    Map<String, VersionId> expected = new TreeMap<>();
    moves.forEach((alias, all) -> expected.put(alias, all.get(all.size() - 1)));
    assertThat(there).isEqualTo(expected);
    moves.forEach(
        (alias, all) -> {
          String[] parts = alias.split("@");
          assertThat(registry.aliasHistory(parts[0], parts[1]))
              .extracting(AliasMove::to)
              .containsExactlyElementsOf(all.stream().map(Optional::of).toList());
        });
  }

  /** Tags and approvals are as they were said to be, and what was under way is whole or absent. */
  private void notes(ModelRegistry registry, List<String> unsaid) {
    Map<String, String> there = new TreeMap<>();
    for (VersionId id : versions.keySet()) {
      Map<String, String> tags = new TreeMap<>(registry.version(id).notes().tags());
      tags.remove("worker");
      tags.forEach((worker, value) -> there.put(id + " tag " + worker, value));
    }
    for (Approval approval : approvals(registry)) {
      there.put(
          approval.version() + " approval " + approval.number() + " at " + approval.alias(),
          approval.status().name());
    }
    notes.keySet().removeIf(note -> isGone(note.split(" tag ")[0]));
    List<String> happened = new ArrayList<>();
    for (Told told : begun.values()) {
      if (List.of("update", "request", "approve", "reject").contains(told.action())) {
        there.keySet().stream()
            .filter(note -> isAbout(told, note))
            .filter(note -> there.get(note).equals(value(told)))
            .filter(note -> !value(told).equals(notes.get(note)))
            .findFirst()
            .ifPresent(
                note -> {
                  notes.put(note, value(told));
                  happened.add(begunAs(told));
                });
      }
    }
    assertThat(there).isEqualTo(notes);
    assertThat(happened)
        .containsExactlyInAnyOrderElementsOf(
            unsaid.stream()
                .filter(change -> change.matches("(update|request approval|approve|reject) .*"))
                .filter(change -> !change.startsWith("update ") || !isGone(change.split(" ")[1]))
                .toList());
  }

  private boolean isAbout(Told told, String note) {
    return told.action().equals("request")
        ? note.startsWith(told.subject() + " approval ")
            && note.endsWith(" at " + told.worker())
            && !notes.containsKey(note)
        : note.equals(note(told, told.digest()));
  }

  /** Whether a text names a version that was deleted. */
  private boolean isGone(String text) {
    return text.matches("[a-z]+:[0-9]+") && deleted.contains(id(text));
  }

  private static List<Approval> approvals(ModelRegistry registry) {
    List<Approval> all = new ArrayList<>();
    List<Approval> page = registry.approvals().list(Optional.empty(), 0, Approvals.MAX_LIMIT);
    while (!page.isEmpty()) {
      all.addAll(page);
      long last = page.get(page.size() - 1).number();
      page = registry.approvals().list(Optional.empty(), last, Approvals.MAX_LIMIT);
    }
    return all;
  }

  private static String alias(VersionId id, String worker) {
    return id.name() + "@" + worker;
  }

  private static VersionId id(String text) {
    int colon = text.indexOf(':');
    return new VersionId(text.substring(0, colon), Integer.parseInt(text.substring(colon + 1)));
  }
}
