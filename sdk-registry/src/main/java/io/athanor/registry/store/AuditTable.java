package io.athanor.registry.store;

import io.athanor.api.common.Digest;
import io.athanor.api.registry.AuditEntry;
import io.athanor.api.registry.Principal;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Every change, in a chain: each row's hash covers the row and the hash before it, so that nobody
 * can change, insert or remove a row without changing all later hashes. Rows cut off at the end
 * show only to those who kept the last hash. Thread-safe.
 */
public final class AuditTable {
  private static final String COLUMNS =
      "SELECT id, happened, principal, action, subject, old_value, new_value, reason, hash"
          + " FROM audit";
  private static final int CHUNK = 1000;

  /** The hash before the first row. */
  private static final Digest GENESIS = Digest.ofText("athanor audit log");

  /**
   * A change as it is told.
   *
   * @param action what, for example {@code "promote"}
   * @param subject of what
   * @param before what was there
   * @param after what is there now
   * @param reason why; empty if nobody said
   */
  public record Change(
      String action,
      String subject,
      Optional<String> before,
      Optional<String> after,
      String reason) {}

  /** Adds a change. To be called inside the writing transaction that makes it. */
  public AuditEntry append(Session session, Instant now, Principal principal, Change change)
      throws SQLException {
    Optional<AuditEntry> last = last(session);
    long number = last.map(AuditEntry::number).orElse(0L) + 1;
    Instant at = last.map(AuditEntry::at).filter(now::isBefore).orElse(now);
    Digest hash = hash(last.map(AuditEntry::hash).orElse(GENESIS), number, at, principal, change);
    session.update(
        "INSERT INTO audit (id, happened, principal, action, subject, old_value, new_value, reason,"
            + " hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        number,
        Micros.of(at),
        principal.name(),
        change.action(),
        change.subject(),
        change.before().orElse(null),
        change.after().orElse(null),
        change.reason(),
        hash.hex());
    return new AuditEntry(
        number,
        at,
        principal,
        change.action(),
        change.subject(),
        change.before(),
        change.after(),
        change.reason(),
        hash);
  }

  /** The newest entry. */
  public Optional<AuditEntry> last(Session session) throws SQLException {
    return session.first(COLUMNS + " ORDER BY id DESC LIMIT 1", AuditTable::entry);
  }

  /**
   * Some entries, oldest first.
   *
   * @param after the number before the first
   */
  public List<AuditEntry> entries(Session session, long after, int limit) throws SQLException {
    return session.query(
        COLUMNS + " WHERE id > ? ORDER BY id LIMIT ?", AuditTable::entry, after, limit);
  }

  /** All entries about a subject, oldest first. */
  public List<AuditEntry> about(Session session, String subject) throws SQLException {
    return session.query(COLUMNS + " WHERE subject = ? ORDER BY id", AuditTable::entry, subject);
  }

  /**
   * The entries that are not what was written, one sentence each; empty if all are sound. After a
   * break the chain is followed from the hash that the row has, so each break shows once.
   */
  public List<String> problems(Session session) throws SQLException {
    List<String> problems = new ArrayList<>();
    Digest previous = GENESIS;
    long expected = 1;
    while (true) {
      List<AuditEntry> chunk = entries(session, expected - 1, CHUNK);
      for (AuditEntry entry : chunk) {
        if (entry.number() != expected) {
          problems.add(
              "audit entries " + expected + " to " + (entry.number() - 1) + " have been removed");
        } else if (!hash(previous, entry).equals(entry.hash())) {
          problems.add(
              "audit entry "
                  + entry.number()
                  + " ("
                  + entry.action()
                  + " of "
                  + entry.subject()
                  + ") or the one before it has been changed");
        }
        previous = entry.hash();
        expected = entry.number() + 1;
      }
      if (chunk.size() < CHUNK) {
        return problems;
      }
    }
  }

  private static Digest hash(Digest previous, AuditEntry entry) {
    Change change =
        new Change(entry.action(), entry.subject(), entry.before(), entry.after(), entry.reason());
    return hash(previous, entry.number(), entry.at(), entry.principal(), change);
  }

  private static Digest hash(
      Digest previous, long number, Instant at, Principal principal, Change change) {
    return chained(
        previous.hex(),
        Long.toString(number),
        Long.toString(Micros.of(at)),
        principal.name(),
        change.action(),
        change.subject(),
        change.before().orElse(null),
        change.after().orElse(null),
        change.reason());
  }

  /**
   * Each field with its length before it, -1 where it is absent, so that no two rows look alike.
   */
  private static Digest chained(@Nullable String... fields) {
    byte[][] encoded =
        Stream.of(fields)
            .map(field -> field == null ? null : field.getBytes(StandardCharsets.UTF_8))
            .toArray(byte[][]::new);
    int size = Stream.of(encoded).mapToInt(f -> Integer.BYTES + (f == null ? 0 : f.length)).sum();
    ByteBuffer all = ByteBuffer.allocate(size);
    for (byte[] field : encoded) {
      all.putInt(field == null ? -1 : field.length);
      if (field != null) {
        all.put(field);
      }
    }
    return Digest.of(all.array());
  }

  private static AuditEntry entry(ResultSet row) throws SQLException {
    return new AuditEntry(
        row.getLong("id"),
        Micros.at(row.getLong("happened")),
        new Principal(row.getString("principal")),
        row.getString("action"),
        row.getString("subject"),
        Optional.ofNullable(row.getString("old_value")),
        Optional.ofNullable(row.getString("new_value")),
        Objects.requireNonNull(row.getString("reason")),
        new Digest(row.getString("hash")));
  }
}
