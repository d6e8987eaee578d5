package io.athanor.registry;

import static org.assertj.core.api.Assertions.assertThat;

import io.athanor.api.registry.AliasMove;
import io.athanor.api.registry.AuditEntry;
import io.athanor.api.registry.ModelVersion;
import io.athanor.api.registry.VersionId;
import io.athanor.registry.CrashProcess.Told;
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
      default -> {}
    }
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
    return told.action().equals("promote")
        ? "promote " + alias(id(told.subject()), told.worker())
        : told.action() + " " + told.subject();
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

  private static String alias(VersionId id, String worker) {
    return id.name() + "@" + worker;
  }

  private static VersionId id(String text) {
    int colon = text.indexOf(':');
    return new VersionId(text.substring(0, colon), Integer.parseInt(text.substring(colon + 1)));
  }
}
